"""Who asks and what they may see: every read takes a Scope, every change an Actor."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Actor(Struct, frozen=True):
    """Who changes something; written to the audit with the change."""

    kind: Literal["user", "key", "system"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class Scope(Struct, frozen=True):
    """What a reader may see. `topics` None: everything."""

    topics: frozenset[str] | None = None

    def sees(self, topic: str) -> bool:
        """Whether results of this topic may be shown."""
        return self.topics is None or topic in self.topics


EVERYTHING = Scope()
SYSTEM = Actor("system", "resonance")
