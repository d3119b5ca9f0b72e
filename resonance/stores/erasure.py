"""The list of erased authors: a table that every slice consults, and a file outside the database, so that a restored
backup forgets no erasure. Both hold nothing but keyed hashes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from resonance.access import SYSTEM
from resonance.errors import Full, Outdated
from resonance.model import micros
from resonance.stores import dialect, schema
from resonance.stores.database import Database
from resonance.stores.jobs import ask

_KEY_DIGITS = 32


class ErasureList:
    """The file: a key a line, as hexadecimal digits. Several processes may append."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> frozenset[bytes]:
        """All keys; a line that a crash cut short is none."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return frozenset()
        return frozenset(bytes.fromhex(line.decode()) for line in lines if _is_key(line))

    def append(self, keys: Iterable[bytes]) -> None:
        """Add those that are not there yet; on disk on return. Raises Full and then has added none for certain."""
        new = sorted(set(keys) - self.read())
        if not new:
            return
        # The line break before it ends a line that a crash cut short.
        lines = b"".join(b"\n" + key.hex().encode() + b"\n" for key in new)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, lines)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise Full(f"the list of erasures at {self._path} cannot be written: {error.strerror}") from error
        if not set(new) <= self.read():
            raise Full(f"the list of erasures at {self._path} was not written whole")


def enlist(database: Database, file: ErasureList, key: bytes, *, at: datetime, receipt: str) -> None:
    """Put an author on the list, the file first. On return no slice writes anything of them any more."""
    file.append([key])
    with database.write() as connection:
        dialect.lock_erasures(connection, shared=False)
        _insert(connection, key, at, receipt)


def agree(database: Database, file: ErasureList, *, at: datetime) -> list[bytes]:
    """Make table and file hold the same, at start. Whoever stands in the file only is erased again, by a job each: the
    database is an older copy. Returns their keys."""
    with database.read() as connection:
        known = set(connection.scalars(sa.select(schema.erasure.c.author_key)))
    written = file.read()
    file.append(known)
    forgotten = sorted(written - known)
    for key in forgotten:
        with database.write() as connection:
            dialect.lock_erasures(connection, shared=False)
            _insert(connection, key, at, ask(connection, "erase", {"author_key": key.hex()}, actor=SYSTEM, at=at))
    return forgotten


def refuse_erased(connection: sa.Connection, authors: Collection[bytes]) -> None:
    """In the transaction that writes something of these authors: raises Outdated where one was erased after it was computed."""
    if not authors:
        return
    dialect.lock_erasures(connection, shared=True)
    if dialect.rows_among(connection, schema.erasure, schema.erasure.c.author_key, authors):
        raise Outdated("an author was erased meanwhile")


def erased_among(connection: sa.Connection, keys: Collection[bytes]) -> set[bytes]:
    """Which of these mentions were an erased author's."""
    if not keys:
        return set()
    identity = schema.identity.c
    nameless = sa.and_(identity.id == "", identity.deleted_at.is_not(None))
    return set(connection.scalars(sa.select(identity.key).where(identity.key.in_(keys), nameless)))


def _insert(connection: sa.Connection, key: bytes, at: datetime, receipt: str) -> None:
    values = {"author_key": key, "at": micros(at), "receipt": receipt}
    connection.execute(dialect.insert(connection, schema.erasure).values(values).on_conflict_do_nothing())


def _is_key(line: bytes) -> bool:
    return len(line) == _KEY_DIGITS and all(digit in b"0123456789abcdef" for digit in line)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
