"""What a visitor may do with a demo: time stands, goes on and jumps forward only; the other story is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from api.parts import Demo
from resonance.clock import Pace
from resonance.stores.database import Database
from services.pace import SharedClock, SharedPace
from services.playing import controls, remember_onset
from services.stories import Change, Stories, Story, tell
from tests.support.machine import at

NOON, HOUR = at(0), timedelta(hours=1)


@dataclass
class Playing:
    """A demo whose clock is asked anew each time."""

    database: Database
    stories: Stories

    @property
    def shared(self) -> SharedPace:
        return SharedPace(self.database)

    def now(self) -> datetime:
        pace = self.shared.load()
        assert pace is not None
        return SharedClock(self.shared, pace).now()

    def controls(self, story: Story = "crisis") -> Demo:
        return controls(self.database, self, self.stories, story)


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Playing]:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    SharedPace(database).run(Pace(origin=datetime.now(UTC), start=NOON, end=NOON + 5 * HOUR, speed=60))
    remember_onset(database, NOON + HOUR)
    yield Playing(database, Stories(tmp_path))
    database.close()


def test_a_pause_stops_time_and_resuming_goes_on_from_there(playing: Playing) -> None:
    demo = playing.controls()
    demo.pause()
    stood = playing.now()
    assert playing.now() == stood and not demo.state().running
    demo.pause()
    assert playing.now() == stood
    demo.resume()
    went = playing.shared.load()
    assert went is not None and (went.start, went.speed, demo.state().running) == (stood, 60, True)
    demo.resume()
    assert playing.shared.load() == went


@pytest.mark.parametrize("paused", [False, True])
def test_a_jump_leads_shortly_before_the_crisis_and_never_back(playing: Playing, paused: bool) -> None:
    demo = playing.controls()
    if paused:
        demo.pause()
    assert demo.state().jumpable
    demo.jump()
    there = playing.shared.load()
    assert there is not None and NOON + HOUR - timedelta(minutes=10) < there.start < NOON + HOUR
    assert demo.state().running and not demo.state().jumpable
    demo.jump()
    assert playing.shared.load() == there


def test_a_story_without_a_crisis_has_nowhere_to_jump(playing: Playing) -> None:
    remember_onset(playing.database, None)
    before = playing.shared.load()
    demo = playing.controls("quiet")
    demo.jump()
    assert (demo.state().jumpable, demo.state().quiet, playing.shared.load()) == (False, True, before)


def test_the_other_story_is_asked_for_once_and_awaited(playing: Playing) -> None:
    demo = playing.controls()
    assert demo.change is not None and not demo.state().changing
    demo.change()
    demo.change()
    assert playing.stories.wanted() == "quiet" and demo.state().changing
    assert not playing.controls("quiet").state().changing
    assert controls(playing.database, playing).change is None


def test_without_a_word_the_story_has_its_crisis_and_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    stories = Stories(tmp_path)
    assert stories.wanted() == "crisis"
    assert [stories.story(stories.folder(name)) for name in ("crisis", "quiet")] == ["crisis", "quiet"]
    stories.want("quiet")
    assert Stories(tmp_path).wanted() == "quiet"


def told(stories: Stories, load: Callable[[Story], None], *wishes: Story) -> list[Story]:
    """The stories that were played, where at each of them the next wish is uttered."""
    stop, played, waiting = Event(), [], list(wishes)

    def play(story: Story, leave: Event) -> int:
        played.append(story)
        if not waiting:
            stop.set()
        else:
            stories.want(waiting.pop(0))
        assert leave.wait(10)
        return 0

    assert tell(stories, load, play, stop) == 0
    return played


def test_stories_are_told_in_turn_each_loaded_before_it_is_played(tmp_path: Path) -> None:
    loaded: list[Story] = []
    assert told(Stories(tmp_path), loaded.append, "quiet", "crisis") == ["crisis", "quiet", "crisis"]
    assert loaded == ["quiet", "crisis"]


def test_a_story_that_cannot_be_loaded_leaves_the_other_playing(tmp_path: Path) -> None:
    stories, stop = Stories(tmp_path), Event()

    def load(story: Story) -> None:
        stop.set()
        raise OSError("the disk is full")

    stories.want("quiet")
    Change(stories, "crisis", load, stop).watch()
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while stories.wanted() == "quiet" and datetime.now(UTC) < deadline:
        pass
    assert stories.wanted() == "crisis"
