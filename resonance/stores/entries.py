"""The catalogue's rows: read as one state, changed entry by entry with audit, change feed and a rising version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from resonance.access import SYSTEM, Actor
from resonance.catalogue import ENTRY_TYPES, Catalogue, Topic, entry_id
from resonance.errors import Conflict, NotFound
from resonance.model import micros
from resonance.stores import dialect, schema
from resonance.stores.audit import record
from resonance.stores.database import Database, append_changes, upsert
from resonance.update import Change

_VERSION = "catalogue_version"
_PLURAL = {
    "topic": "topics",
    "rule": "rules",
    "department": "departments",
    "channel": "channels",
    "account": "accounts",
    "source": "sources",
}


class Stored(Struct, frozen=True):
    """An entry with its revision, which is its ETag."""

    entry: Any
    revision: int
    status: str


class Entries:
    """The catalogue on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: tuple[tuple[object, ...], Catalogue] | None = None

    # ---- reading --------------------------------------------------------------------------------------------

    def version(self) -> int:
        """The catalogue's version; cheap."""
        return int(self._database.meta(_VERSION) or 0)

    def load(self) -> Catalogue:
        """The whole catalogue in one snapshot; decoded anew only where it has changed."""
        with self._database.read() as connection:
            facts = {row[0]: row[1] for row in connection.execute(sa.select(schema.meta.c.name, schema.meta.c.value))}
            count = connection.scalar(sa.select(sa.func.count()).select_from(schema.entry))
            state = (facts.get(_VERSION), facts.get("zone"), count)
            last = self._last
            if last is not None and last[0] == state:
                return last[1]
            rows = connection.execute(sa.select(schema.entry)).mappings().all()
        found: dict[str, dict[str, Any]] = {name: {} for name in _PLURAL.values()}
        for row in rows:
            found[_PLURAL[row["kind"]]][row["id"]] = _decoded(row)
        loaded = Catalogue(version=int(facts.get(_VERSION, 0)), zone=facts.get("zone", "Europe/Berlin"), **found)
        self._last = (state, loaded)
        return loaded

    def list(self, kind: str) -> Sequence[Stored]:
        """All entries of a kind, by id."""
        query = sa.select(schema.entry).where(schema.entry.c.kind == kind).order_by(schema.entry.c.id)
        with self._database.read() as connection:
            return [_stored(row) for row in connection.execute(query).mappings()]

    def get(self, kind: str, name: str) -> Stored:
        """One entry; raises NotFound."""
        with self._database.read() as connection:
            return _find(connection, kind, name)

    # ---- changing -------------------------------------------------------------------------------------------

    def seed(self, entries: Sequence[tuple[str, Struct]], *, at: datetime) -> bool:
        """Fill an empty catalogue; returns False and changes nothing where there is one already."""
        with self._database.write() as connection:
            if connection.scalar(sa.select(sa.func.count()).select_from(schema.entry)):
                return False
            for kind, entry in entries:
                # What was heard before a store begins may count, if the configuration says so.
                since = (entry.valid_from if isinstance(entry, Topic) else None) or at
                _write(connection, kind, _begun(kind, entry, since), 1, SYSTEM, at, "seed")
            rise(connection)
        return True

    def create(self, kind: str, entry: Struct, *, actor: Actor, at: datetime) -> Stored:
        """A new entry; raises Conflict where there is one of this id."""
        name = entry_id(kind, entry)
        with self._database.write() as connection:
            if _row(connection, kind, name) is not None:
                raise Conflict(f"there is a {kind} {name!r} already")
            entry = _begun(kind, entry, at)
            _write(connection, kind, entry, 1, actor, at, "create")
            rise(connection)
        return Stored(entry, 1, getattr(entry, "status", "active"))

    def replace(self, kind: str, entry: Struct, *, revision: int | None, actor: Actor, at: datetime) -> Stored:
        """Another content for an entry; raises NotFound, or Conflict where its revision is not `revision`."""
        name = entry_id(kind, entry)
        with self._database.write() as connection:
            old = _find(connection, kind, name)
            _same(old, revision, kind, name)
            if isinstance(entry, Topic):
                entry = _followed(old.entry, entry, at)
            _write(connection, kind, entry, old.revision + 1, actor, at, "replace")
            rise(connection)
        return Stored(entry, old.revision + 1, getattr(entry, "status", "active"))

    def remove(self, kind: str, name: str, *, revision: int | None, actor: Actor, at: datetime) -> None:
        """Take an entry away (a topic is archived by `replace` instead, and purged by a job)."""
        with self._database.write() as connection:
            _same(_find(connection, kind, name), revision, kind, name)
            where = (schema.entry.c.kind == kind, schema.entry.c.id == name)
            connection.execute(sa.delete(schema.entry).where(*where))
            record(connection, actor, "remove", f"{kind}:{name}", at)
            append_changes(connection, [_changed(kind, name, at)])
            rise(connection)


def _decoded(row: sa.RowMapping) -> Any:
    return msgspec.json.decode(row["body"], type=ENTRY_TYPES[row["kind"]])


def _stored(row: sa.RowMapping) -> Stored:
    return Stored(_decoded(row), row["revision"], row["status"])


def _row(connection: sa.Connection, kind: str, name: str) -> sa.RowMapping | None:
    query = sa.select(schema.entry).where(schema.entry.c.kind == kind, schema.entry.c.id == name)
    return connection.execute(query).mappings().first()


def _find(connection: sa.Connection, kind: str, name: str) -> Stored:
    row = _row(connection, kind, name)
    if row is None:
        raise NotFound(f"there is no {kind} {name!r}")
    return _stored(row)


def _same(old: Stored, revision: int | None, kind: str, name: str) -> None:
    if revision is not None and revision != old.revision:
        raise Conflict(f"the {kind} {name!r} was changed meanwhile: it is at revision {old.revision}, not {revision}")


def _begun(kind: str, entry: Struct, at: datetime) -> Struct:
    return structs.replace(entry, version=1, valid_from=at) if isinstance(entry, Topic) else entry


def _followed(old: Topic, new: Topic, at: datetime) -> Topic:
    """A topic that matches something else is another version, and counts from now on."""
    same = (old.query, old.languages) == (new.query, new.languages)
    return structs.replace(
        new, version=old.version if same else old.version + 1, valid_from=old.valid_from if same else at
    )


def _write(
    connection: sa.Connection, kind: str, entry: Struct, revision: int, actor: Actor, at: datetime, action: str
) -> None:
    name = entry_id(kind, entry)
    body = msgspec.json.encode(entry).decode()
    row = {
        "kind": kind,
        "id": name,
        "revision": revision,
        "status": getattr(entry, "status", "active"),
        "body": body,
        "changed_at": micros(at),
    }
    upsert(connection, schema.entry, [row])
    record(connection, actor, action, f"{kind}:{name}", at, body)
    append_changes(connection, [_changed(kind, name, at)])


def _changed(kind: str, name: str, at: datetime) -> Change:
    return Change(f"{kind}.changed", name if kind == "topic" else None, name, micros(at))


def rise(connection: sa.Connection) -> None:
    """Raise the catalogue's version, in the caller's transaction: every watcher loads it anew."""
    # In one statement: of two that change something at once both are seen.
    value = schema.meta.c.value
    insert = dialect.insert(connection, schema.meta).values(name=_VERSION, value="1")
    raised = sa.cast(sa.cast(value, sa.BigInteger) + 1, sa.Text)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": raised}))
