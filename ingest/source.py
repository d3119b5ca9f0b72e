"""What every source is: batches of events, each with the token from which to go on once the log has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from resonance.errors import Retry, Stop
from resonance.model import PublicEvent


class Gap(Struct, frozen=True):
    """Something was said that we cannot get any more."""

    reason: str
    since: datetime | None = None


class Batch(Struct, frozen=True):
    """Events in order. `token` belongs to the end of the batch. `malformed` and `ignored` count what was left out;
    `observed`: events carry their own observed time (simulated sources)."""

    events: list[PublicEvent] = field(default_factory=list)
    token: str | None = None
    gap: Gap | None = None
    malformed: int = 0
    ignored: int = 0
    observed: bool = False


class Source(Protocol):
    """Reads one connector. Ends only by an error: Transient (come again), TokenTooOld, AuthFailed."""

    def batches(self, token: str | None) -> AsyncIterator[Batch]: ...


class Transient(Retry):
    """The connection broke; come again with the same token."""


class TokenTooOld(Retry):
    """The other side has forgotten the place: what lies between is a gap; go on without a token."""


class AuthFailed(Stop):
    """The other side does not know us; a person is needed."""
