"""What a visitor may do with a demo: let its time stand or go on, jump to where the crisis begins, play the other story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import structs

from api.parts import Demo, Play
from resonance.clock import Clock
from resonance.model import instant, micros
from resonance.stores.database import Database
from services.pace import SharedPace
from services.stories import Stories, Story

_ONSET = "demo.onset"
_BEFORE = timedelta(minutes=2)
"""So much of the calm before the crisis is still seen after a jump."""


def remember_onset(database: Database, onset: datetime | None) -> None:
    """Note when the crisis begins (None: there is none), for the page."""
    database.set_meta(_ONSET, "" if onset is None else str(micros(onset)))


def controls(database: Database, clock: Clock, stories: Stories | None = None, story: Story = "crisis") -> Demo:
    """The page's hooks on an installation whose time is simulated. What they do all processes see within a moment.
    `stories`: where there are two, of which `story` is played here."""
    shared = SharedPace(database)

    def onset() -> datetime | None:
        written = database.meta(_ONSET)
        return instant(int(written)) if written else None

    def running() -> bool:
        pace = shared.load()
        return pace is not None and pace.origin <= datetime.now(UTC)

    def go(at: datetime) -> None:
        pace = shared.load()
        if pace is not None:
            shared.run(structs.replace(pace, origin=datetime.now(UTC), start=at, end=max(pace.end, at)))

    def pause() -> None:
        pace = shared.load()
        if pace is not None and running():
            now = clock.now()
            shared.stand(now, max(pace.end, now), pace.speed)

    def resume() -> None:
        pace = shared.load()
        if pace is not None and not running():
            go(pace.start)

    def jump() -> None:
        begins = onset()
        # Time never goes back: what has happened cannot be unsaid.
        if begins is not None and begins - _BEFORE > clock.now():
            go(begins - _BEFORE)

    def state() -> Play:
        begins = onset()
        coming = begins is not None and begins - _BEFORE > clock.now()
        return Play(running(), coming, begins is None, stories is not None and stories.wanted() != story)

    def change() -> None:
        assert stories is not None
        stories.want("crisis" if story == "quiet" else "quiet")

    return Demo(state, pause, resume, jump, change if stories is not None else None)
