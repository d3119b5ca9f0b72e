"""Where we are in a timeline of Mastodon, and which of its statuses we have. Pure.

Ids rise with the time at which a status was written; one that comes late from another server is therefore sorted in before what we have
already. So a place goes back five minutes, and what is known is told apart by its id.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

RECENT = 200
"""So many statuses of a timeline are remembered in the token, with their URIs (at most 12 kB of it, mostly 6): their deletion is
understood, and looked for, even after a restart."""
KEPT = 20_000
"""So many of an instance are known while we read."""
_MARGIN = 300_000 << 16
"""Five minutes of an id: its upper 48 bits are milliseconds."""
_OLD_IDS = 1 << 50
"""Below, ids are plain numbers."""


class Place(Struct, frozen=True, omit_defaults=True):
    """`last`: the greatest id that the log has; `at`: when that was (s); `recent`: packed."""

    last: str = ""
    at: int = 0
    recent: str = ""

    @property
    def since(self) -> str:
        """The id after which everything is asked for."""
        number = int(self.last) if self.last.isdecimal() else 0
        return str(number - _MARGIN if number > _OLD_IDS else number)


class Known:
    """The statuses of one instance that we have: id → URI and edit, the latest last."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}

    def has(self, name: str, edited: str) -> bool:
        """Whether this version of it is known."""
        return name in self._found and self._found[name][1] >= edited

    def uri(self, name: str) -> str | None:
        """The URI of a status that is known."""
        found = self._found.get(name)
        return found[0] if found else None

    def add(self, name: str, uri: str, edited: str) -> None:
        """It is known from now on; the oldest is forgotten."""
        self._found.pop(name, None)
        self._found[name] = (uri, edited)
        if len(self._found) > KEPT:
            del self._found[next(iter(self._found))]

    def remove(self, name: str) -> None:
        """It is gone."""
        self._found.pop(name, None)


def later(one: str, other: str) -> str:
    """The greater of two ids.

    >>> later("99", "100")
    '100'
    """
    return max(one, other, key=lambda text: (len(text), text))


def packed(recent: Mapping[str, tuple[str, str]]) -> str:
    """The recent statuses of one timeline as text."""
    rows = [[name, uri, edited] for name, (uri, edited) in recent.items()]
    return base64.b64encode(zlib.compress(msgspec.json.encode(rows), 6)).decode() if rows else ""


def unpacked(text: str) -> dict[str, tuple[str, str]]:
    """The inverse of `packed`."""
    rows = msgspec.json.decode(zlib.decompress(base64.b64decode(text)), type=list[tuple[str, str, str]]) if text else []
    return {name: (uri, edited) for name, uri, edited in rows}


def read_token(token: str | None) -> dict[str, Place]:
    """Timeline → place."""
    return msgspec.json.decode(token, type=dict[str, Place]) if token else {}


def write_token(places: Mapping[str, Place]) -> str:
    """The inverse of `read_token`."""
    return msgspec.json.encode(places).decode()
