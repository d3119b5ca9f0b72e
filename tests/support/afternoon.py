"""The demo's afternoon without waiting: history, then minute by minute, on a real store and a real log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from rich.console import Console

from ingest.demo import Demo, Truth, generate
from resonance.clock import ManualClock
from resonance.engines.evaluator import Evaluator
from resonance.language.keyterms import key_terms
from resonance.language.lemmas import open_lemmas
from resonance.model import instant
from resonance.stores import schema
from resonance.stores.evaluations import Evaluations
from services import demonstration
from services.build import Machine

HOURS = 5


@dataclass(frozen=True)
class Afternoon:
    """What really happened, and what was fired: (rule, topic, fired at, departments)."""

    truth: Truth
    fired: list[dict[str, Any]]
    outbox: int


def live_through(folder: Path, seed: int, *, quiet: bool = False, hours: float = HOURS) -> Afternoon:
    """Load 28 days, then live through the afternoon in steps of half a simulated minute."""
    machine, demo = lived(folder, seed, quiet=quiet, hours=hours)
    with machine.database.read() as connection:
        rows = connection.execute(sa.select(schema.alert).where(schema.alert.c.fired_at.is_not(None)))
        fired = [dict(row) | {"fired_at": instant(row["fired_at"])} for row in rows.mappings()]
        outbox = connection.scalar(sa.select(sa.func.count()).select_from(schema.outbox)) or 0
    machine.close()
    return Afternoon(demo.truth, sorted(fired, key=lambda row: row["fired_at"]), outbox)


def lived(
    folder: Path, seed: int, *, quiet: bool = False, hours: float = HOURS, beside: Sequence[int] = ()
) -> tuple[Machine, Demo]:
    """An open machine after so many hours of the afternoon, at whose end its clock stands. `beside`: seeds whose 28 days
    are in its history, too."""
    config, data = demonstration.folder(None, folder, seed=seed, quiet=quiet)
    machine = Machine.open(config, data)
    demo = generate(seed, quiet=quiet)
    demonstration.stand(machine, demo, speed=1)
    clock = machine.__dict__["clock"] = ManualClock(demo.truth.afternoon_at)
    machine.__dict__.pop("sink", None)
    for told in (demo, *map(generate, beside)):
        demonstration.load_history(machine, told, Console(quiet=True))
    lanes = machine.lanes(alone=True)
    terms = partial(key_terms, lemmas=open_lemmas(machine.tables))
    evaluator = Evaluator(Evaluations(machine.database), machine.watch.catalogue, clock, terms)
    due = iter(demo.afternoon)
    following = next(due, None)
    for half in range(int(hours * 120)):
        clock.set(demo.truth.afternoon_at + timedelta(seconds=30 * (half + 1)))
        events = []
        while following is not None and following[0] <= clock.now():
            event: Any = following[1]
            if hasattr(event, "mention"):
                event = structs.replace(event, mention=structs.replace(event.mention, source="demo"))
            events.append(structs.replace(event, observed_at=following[0]))
            following = next(due, None)
        machine.sink.write(events, source="demo") if events else machine.log.append([(0, _beat(clock))])
        for lane in lanes:
            while lane.step():
                pass
        evaluator.step()
    return machine, demo


def _beat(clock: Any) -> bytes:
    from resonance.wire import encode_envelope

    return encode_envelope([], stamp=clock.now())
