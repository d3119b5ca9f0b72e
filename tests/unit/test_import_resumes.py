"""An interrupted import goes on where it was, under the same choices only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from resonance.model import Event, Upsert
from resonance.wire import encode_event
from services import importing


class Target:
    """Takes so many batches, then the power goes."""

    def __init__(self, batches: int = 1000) -> None:
        self.batches = batches
        self.events: list[Event] = []

    def write(self, events: Sequence[Event]) -> None:
        if self.batches == 0:
            raise KeyboardInterrupt
        self.batches -= 1
        self.events += events

    def finish(self) -> None:
        pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "said.csv"
    rows = [f"{n},die bahn {n},2026-05-04 12:00:00" for n in range(1200)]
    made.write_text("\n".join(["id,text,published_at", *rows]))
    return made


def run(file: Path, target: Target, zone: str) -> importing.Result:
    lines = importing.reader(mapping={}, preset=None, zone=zone)
    return importing.run([file], target, lines, progress=lambda *_: None, bookmarks=file.parent, choices=zone)


def test_what_was_taken_before_the_interruption_is_not_taken_again(file: Path) -> None:
    first, second = Target(batches=1), Target()
    with pytest.raises(KeyboardInterrupt):
        run(file, first, "Europe/Berlin")
    result = run(file, second, "Europe/Berlin")
    assert (result.skipped, result.taken) == (500, 700)
    names = [event.mention.id for event in first.events + second.events if isinstance(event, Upsert)]
    assert len(names) == len(set(names)) == 1200
    assert list(file.parent.iterdir()) == [file]


def test_with_another_zone_every_line_is_read_anew(file: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(file, Target(batches=1), "Europe/Berlin")
    target = Target()
    assert run(file, target, "UTC").skipped == 0
    hours = {event.mention.published_at.hour for event in target.events if isinstance(event, Upsert)}
    assert hours == {12}


def test_long_texts_go_in_batches_that_a_push_may_hold(tmp_path: Path) -> None:
    batches: list[int] = []

    class Counting(Target):
        def write(self, events: Sequence[Event]) -> None:
            batches.append(sum(len(encode_event(event)) for event in events))
            super().write(events)

    made, target = tmp_path / "long.csv", Counting()
    rows = [f"{n},{'die bahn ' * 9000},2026-05-04 12:00:00" for n in range(150)]
    made.write_text("\n".join(["id,text,published_at", *rows]))
    assert run(made, target, "Europe/Berlin").taken == len(target.events) == 150
    assert max(batches) < 8_000_000 - 200_000 and len(batches) == 3
