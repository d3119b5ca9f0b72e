"""The port of all channels: a message goes out, or the error says whether to try again."""

from __future__ import annotations

from typing import Protocol

from resonance.alerts.message import Message
from resonance.errors import ResonanceError


class GaveUp(ResonanceError):
    """The other side refuses this message for good; the text says why."""


class TurnedOff(GaveUp):
    """The other side wants no message any more; the text says how it said so."""


class Channel(Protocol):
    """Sends one message at a time. Raises RateLimited (nothing more to this channel for a while), Retry (this message
    later), GaveUp (never) or TurnedOff (never, and no other either)."""

    language: str
    zone: str
    pause: float
    """Seconds between two messages."""

    def send(self, message: Message, idempotency_key: str) -> None:
        """Deliver; on return the other side has it. The key is the same whenever the same message is sent again."""
