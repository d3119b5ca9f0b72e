"""The life of an incident: pending → firing → resolved, one at a time per rule and topic. Pure; time comes in.

Alertmanager's words, but what cannot be said (no data) keeps an incident as it is.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct, structs

Action = Literal["pending", "fire", "resolve", "drop"]


class Incident(Struct, frozen=True, array_like=True):
    """An open incident; instants in µs of log time. `bucket`: the minute (epoch s) in which it began."""

    id: str
    bucket: int
    pending_at: int
    fired_at: int | None = None
    held_at: int = 0
    """When the condition last held."""

    @property
    def firing(self) -> bool:
        """Whether somebody was told."""
        return self.fired_at is not None


class Step(Struct, frozen=True):
    """What an instant made of an incident: what is open now, and what happened to which one, in order."""

    incident: Incident | None
    happened: tuple[tuple[Action, Incident], ...] = ()


def fingerprint(rule: str, topic: str) -> str:
    """The identity of a rule's incidents on a topic.

    >>> fingerprint("surge", "nordlicht") == fingerprint("surge", "nordlicht")
    True
    """
    return hashlib.blake2b(f"{rule}\x1f{topic}".encode(), digest_size=8).hexdigest()


def incident_id(print_: str, bucket: int) -> str:
    """The id of the incident that began in this minute: the same however often it is decided anew."""
    return hashlib.blake2b(f"{print_}\x1f{bucket}".encode(), digest_size=10).hexdigest()


def step(
    incident: Incident | None, holds: bool | None, at: int, *, print_: str, bucket: int, for_: int, keep: int
) -> Step:
    """The incident after the instant `at` (µs). `for_` and `keep` are the rule's, in µs."""
    if holds is None:
        return Step(incident)
    if holds:
        return _held(incident, at, print_, bucket, for_)
    if incident is None:
        return Step(None)
    if not incident.firing:
        return Step(None, (("drop", incident),))
    if at - incident.held_at >= keep:
        return Step(None, (("resolve", incident),))
    return Step(incident)


def _held(incident: Incident | None, at: int, print_: str, bucket: int, for_: int) -> Step:
    happened: list[tuple[Action, Incident]] = []
    if incident is None:
        incident = Incident(incident_id(print_, bucket), bucket, at)
        happened.append(("pending", incident))
    incident = structs.replace(incident, held_at=max(at, incident.held_at))
    if not incident.firing and at - incident.pending_at >= for_:
        incident = structs.replace(incident, fired_at=at)
        happened.append(("fire", incident))
    return Step(incident, tuple(happened))


def close(incident: Incident) -> Step:
    """Its rule or topic is gone: nobody watches it any more."""
    return Step(None, (("resolve" if incident.firing else "drop", incident),))
