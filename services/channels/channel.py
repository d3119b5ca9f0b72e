"""The port of all channels: a message goes out, or the error says whether to try again."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from resonance.errors import ResonanceError


class GaveUp(ResonanceError):
    """The other side refuses this message for good; the text says why."""


class Quote(Struct, frozen=True):
    """A mention in a message: the excerpt, who said it where, and its address (http or https) if it has one."""

    text: str
    who: str
    url: str | None = None


class Message(Struct, frozen=True):
    """A notification in words: plain text throughout, cleaned of control characters, nothing escaped yet.

    `title` is one line; `lines` say how unusual, where, why, who; `quotes` are mentions, introduced by `quotes_title`;
    `links` are (words, address). `mark` is firing, resolved, silent or test.
    """

    title: str
    lines: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    quotes_title: str = ""
    quotes_link: str = ""
    links: tuple[tuple[str, str], ...] = ()
    mark: str = "firing"
    severity: str = "warning"


class Channel(Protocol):
    """Sends one message at a time. Raises RateLimited (nothing more to this channel for a while), Retry (this message
    later) or GaveUp (never)."""

    language: str
    zone: str
    pause: float
    """Seconds between two messages."""

    def send(self, message: Message, idempotency_key: str) -> None:
        """Deliver; on return the other side has it. The key is the same whenever the same message is sent again."""
