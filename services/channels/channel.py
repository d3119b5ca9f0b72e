"""The port of all channels: a message goes out, or the error says whether to try again."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct, field

from resonance.errors import ResonanceError


class GaveUp(ResonanceError):
    """The other side refuses this message for good; the text says why."""


class Message(Struct, frozen=True):
    """A notification in words. `title` in one line; `lines` of plain text; `links` as (words, address)."""

    title: str
    lines: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    kind: str = "firing"
    severity: str = "warning"
    data: dict[str, Any] = field(default_factory=dict)


class Channel(Protocol):
    """Sends one message at a time. Raises Retry or RateLimited (try again) or GaveUp."""

    language: str
    zone: str
    pause: float
    """Seconds between two messages."""

    def send(self, message: Message, idempotency_key: str) -> None: ...
