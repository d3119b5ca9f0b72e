"""The demo's story, lived through: the right topic fires in time, and quiet days stay quiet. Detectors get no hint."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support.afternoon import live_through


@pytest.mark.parametrize("seed", [1, 4])
def test_the_crisis_fires_within_ten_minutes_for_two_departments_and_nothing_before(tmp_path: Path, seed: int) -> None:
    story = live_through(tmp_path, seed, hours=1.2)
    assert story.truth.onset_at is not None
    first = story.fired[0]
    assert first["topic"] == story.truth.topic
    assert 0 <= (first["fired_at"] - story.truth.onset_at).total_seconds() <= 600
    assert sorted(msgspec.json.decode(first["departments"])) == sorted(story.truth.departments)
    assert len(story.truth.departments) == 2
    assert {row["topic"] for row in story.fired} == {story.truth.topic}


def test_a_quiet_afternoon_tells_nobody_anything(tmp_path: Path) -> None:
    story = live_through(tmp_path, 2, quiet=True)
    assert (story.truth.onset_at, story.fired, story.outbox) == (None, [], 0)
