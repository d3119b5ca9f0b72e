"""API keys: `rk_<id>_<secret>`; only a hash of the secret is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.access import Actor, Scope
from resonance.errors import Full, NotFound, Retry
from resonance.model import instant, micros
from resonance.stores import schema
from resonance.stores.audit import record
from resonance.stores.database import Database

_REMEMBERED = 3_600_000_000
Permission = Literal["read", "write", "admin"]


class AccessKey(Struct, frozen=True):
    """What is known of a key; never its secret."""

    id: str
    name: str
    permissions: tuple[str, ...]
    topics: tuple[str, ...] | None
    created_at: datetime
    revoked: bool
    used_at: datetime | None = None

    @property
    def scope(self) -> Scope:
        """What its bearer may see."""
        return Scope(None if self.topics is None else frozenset(self.topics))

    @property
    def actor(self) -> Actor:
        """As whom its bearer acts."""
        return Actor("key", self.id)


class AccessKeys:
    """Keys on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Whether there is a key that is not revoked."""
        with self._database.read() as connection:
            query = sa.select(schema.api_key.c.id).where(schema.api_key.c.revoked_at.is_(None)).limit(1)
            return connection.scalar(query) is not None

    def create(
        self, name: str, permissions: Sequence[Permission], *, topics: Sequence[str] | None, actor: Actor, at: datetime
    ) -> str:
        """A new key, whole: it is never shown again."""
        number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = {
            "id": number,
            "name": name,
            "secret_hash": _hash(secret),
            "permissions": " ".join(permissions),
            "topics": None if topics is None else msgspec.json.encode(list(topics)).decode(),
            "created_at": micros(at),
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(schema.api_key), row)
            record(connection, actor, "create", f"key:{number}", at, name)
        return f"rk_{number}_{secret}"

    def list(self) -> list[AccessKey]:
        """All keys, also revoked ones."""
        with self._database.read() as connection:
            query = sa.select(schema.api_key).order_by(schema.api_key.c.created_at)
            return [_key(row) for row in connection.execute(query).mappings()]

    def revoke(self, number: str, *, actor: Actor, at: datetime) -> None:
        """From now on nobody gets in with it; raises NotFound."""
        table = schema.api_key
        with self._database.write() as connection:
            done = connection.execute(sa.update(table).where(table.c.id == number).values(revoked_at=micros(at)))
            if done.rowcount == 0:
                raise NotFound(f"there is no key {number!r}")
            record(connection, actor, "revoke", f"key:{number}", at)

    def authenticate(self, presented: str, at: datetime) -> AccessKey | None:
        """The key, if it is one of ours and not revoked; takes the same time for a wrong secret as for a right one.
        Remembers, to the hour, when it was last used."""
        parts = presented.split("_", 2)
        if len(parts) != 3 or parts[0] != "rk":
            return None
        with self._database.read() as connection:
            row = (
                connection.execute(sa.select(schema.api_key).where(schema.api_key.c.id == parts[1])).mappings().first()
            )
        known = bytes(row["secret_hash"]) if row else bytes(32)
        if not hmac.compare_digest(known, _hash(parts[2])) or row is None or row["revoked_at"] is not None:
            return None
        if row["used_at"] is None or micros(at) - row["used_at"] >= _REMEMBERED:
            self._used(row["id"], at)
        return _key(row)

    def _used(self, number: str, at: datetime) -> None:
        table = schema.api_key
        # Whoever may read must be let in although nothing can be written now.
        with suppress(Full, Retry), self._database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == number).values(used_at=micros(at)))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: sa.RowMapping) -> AccessKey:
    return AccessKey(
        id=row["id"],
        name=row["name"],
        permissions=tuple(row["permissions"].split()),
        topics=None if row["topics"] is None else tuple(msgspec.json.decode(row["topics"])),
        created_at=instant(row["created_at"]),
        revoked=row["revoked_at"] is not None,
        used_at=None if row["used_at"] is None else instant(row["used_at"]),
    )
