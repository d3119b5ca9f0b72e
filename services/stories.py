"""The demo's two stories, each in a data folder of its own: the one with the crisis, and inside its folder the one without.
Which of them is wanted stands in a file, so that the page can ask for the other, and a restart goes on with the last."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog

_LOOK_SECONDS = 0.2

log = structlog.get_logger()
Story = Literal["crisis", "quiet"]


class Stories:
    """`base`: the data folder of the story with the crisis."""

    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self._file = self.base / "story"

    def wanted(self) -> Story:
        """What was asked for last; with the crisis where nobody asked."""
        try:
            return "quiet" if self._file.read_text("utf-8") == "quiet" else "crisis"
        except OSError:
            return "crisis"

    def want(self, story: Story) -> None:
        """Ask for a story; whoever runs the demo notices within a moment."""
        fresh = self._file.with_suffix(f".{os.getpid()}")
        fresh.write_text(story, "utf-8")
        fresh.replace(self._file)

    def folder(self, story: Story) -> Path:
        """Where a story's data lie."""
        return self.base / "quiet" if story == "quiet" else self.base

    def story(self, data: Path) -> Story:
        """The story whose data lie there."""
        return "quiet" if data.resolve() == self.folder("quiet") else "crisis"


@dataclass
class Change:
    """Waits until the other story is wanted, has its history loaded while this one plays on, and then sets `leave`."""

    stories: Stories
    playing: Story
    load: Callable[[Story], None]
    stop: threading.Event
    leave: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Until the story is to be left, or all is to stop."""
        loading: threading.Thread | None = None
        while not self.stop.wait(_LOOK_SECONDS):
            wanted = self.stories.wanted()
            if loading is None and wanted != self.playing:
                loading = threading.Thread(target=self._load, args=(wanted,), name="story", daemon=True)
                loading.start()
            elif loading is not None and not loading.is_alive():
                if wanted != self.playing:
                    break
                loading = None
        self.leave.set()

    def _load(self, story: Story) -> None:
        try:
            self.load(story)
        except Exception:
            log.exception("story.failed", story=story)
            self.stories.want(self.playing)


def tell(
    stories: Stories,
    load: Callable[[Story], None],
    play: Callable[[Story, threading.Event], int],
    stop: threading.Event,
) -> int:
    """Play the story that is wanted, each until the other is, until told to stop or one fails; returns its exit code.
    `play` ends when the event is set that it is given."""
    code = 0
    while not stop.is_set() and not code:
        change = Change(stories, stories.wanted(), load, stop)
        threading.Thread(target=change.watch, name="change", daemon=True).start()
        code = play(change.playing, change.leave)
    return code
