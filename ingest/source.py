"""What every source is: batches of events, each with the token from which to go on once the log has it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from resonance.errors import Retry, Stop
from resonance.model import PublicEvent
from resonance.ports import Mode


class Gap(Struct, frozen=True):
    """Something was said that we cannot get any more; `since` and `until` None: unknown, and now."""

    reason: str
    since: datetime | None = None
    until: datetime | None = None


class Batch(Struct, frozen=True):
    """Events in order; without any it says that the connection stands.

    `token` belongs to the end of the batch (None: the place has not moved). `malformed`, `ignored`, `unknown` and
    `duplicates` count what was left out. `gap`: what is missing before it.
    `mode` "backfill": what was said before we listened. `problem`: what a person should know although the rest is read; it
    stands until a batch comes without one.
    `until`: events carry observed times of their own, and with this batch everything up to then is told (the source is
    opened as one that does so).
    """

    events: list[PublicEvent] = field(default_factory=list)
    token: str | None = None
    gap: Gap | None = None
    malformed: int = 0
    ignored: int = 0
    until: datetime | None = None
    unknown: int = 0
    duplicates: int = 0
    mode: Mode = "live"
    problem: str | None = None


class Source(Protocol):
    """Reads one connector. Ends only by an error: Transient and RateLimited (come again), TokenTooOld, AuthFailed.

    When the next batch is asked for, the one before it is in the log and its token is saved.
    """

    def batches(self, token: str | None) -> AsyncGenerator[Batch, None]: ...


class Transient(Retry):
    """The connection broke; come again with the same token."""


class TokenTooOld(Retry):
    """The other side has forgotten the place: what lies between is a gap; go on without a token."""


class AuthFailed(Stop):
    """The other side does not know us; a person is needed."""
