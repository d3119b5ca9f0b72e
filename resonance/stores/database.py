"""One door to the database: short read and write transactions, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from resonance.errors import DeadLetter, Full, Retry, Stop, Unconfigured
from resonance.stores import dialect, schema
from resonance.stores.migrate import migrate
from resonance.update import Change


class Database:
    """A store's database. `url` as SQLAlchemy takes it, e.g. "sqlite:////data/store.db"; `schema`: PostgreSQL's."""

    def __init__(self, url: str, *, schema: str = "public") -> None:
        self._schema = schema
        self.engine = dialect.engine(url, schema)
        self._reader = self.engine.execution_options(**dialect.reading(self.engine))
        self._writer = self.engine.execution_options(resonance_write=True)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read transaction: one consistent snapshot. Keep it under 5 s."""
        with _translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A write transaction, committed when the block ends without an error. Keep it in the milliseconds."""
        with _translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def outside(self) -> Iterator[sa.Connection]:
        """A connection of its own without a transaction, for what a database does only so: checkpoints, VACUUM."""
        options = {"isolation_level": "AUTOCOMMIT", "resonance_outside": True}
        with _translated(), self.engine.connect().execution_options(**options) as connection:
            try:
                yield connection
            finally:
                # What was set on it is not for others.
                connection.invalidate()

    def migrate(self) -> None:
        """Bring the schema to this program's version; refuses a newer one with NewerVersion."""
        with _translated():
            dialect.make_schema(self.engine, self._schema)
            migrate(self.engine)

    @contextmanager
    def alone(self, task: str) -> Iterator[None]:
        """Nobody else does the task meanwhile, in whatever process; waits for its turn. On SQLite, whose folder belongs
        to one installation, it is ours anyway."""
        with _translated(), dialect.locked(self.engine, task):
            yield

    @contextmanager
    def lead(self, task: str) -> Iterator[Callable[[], bool]]:
        """Whether the task is ours, each time that it is asked: somebody's, as long as he lives. Raises nothing."""
        with dialect.leading(self.engine, task) as mine:
            yield mine

    def meta(self, name: str) -> str | None:
        """A fact about the whole store, e.g. "incarnation"."""
        with self.read() as connection:
            return connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.name == name))

    def set_meta(self, name: str, value: str) -> None:
        """Write a fact about the whole store."""
        with self.write() as connection:
            upsert(connection, schema.meta, [{"name": name, "value": value}])

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[dict[str, Any]],
    *,
    add: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """Insert rows, or replace those with the same primary key: columns in `add` are added up, those in `keep` stay."""
    if rows:
        statement = _upsert(connection.dialect.name, table, tuple(rows[0]), tuple(add), tuple(keep))
        dialect.execute_rows(connection, statement, rows)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]], *, new: bool = True) -> None:
    """Insert rows; those that are there already stay as they are, unless all are known to be `new`."""
    if rows:
        dialect.execute_rows(connection, _insert(connection.dialect.name, table, tuple(rows[0]), new), rows)


@cache
def _insert(name: str, table: sa.Table, columns: tuple[str, ...], new: bool) -> Any:
    statement = dialect.insert_rows(name, table, columns)
    return statement if new else statement.on_conflict_do_nothing()


@cache
def _upsert(name: str, table: sa.Table, columns: tuple[str, ...], add: tuple[str, ...], keep: tuple[str, ...]) -> Any:
    """The statement, built once: building costs more than running it."""
    keys = [column.name for column in table.primary_key]
    insert = dialect.insert_rows(name, table, columns)
    changed: dict[str, Any] = {}
    for column in columns:
        if column not in keys and column not in keep:
            changed[column] = table.c[column] + insert.excluded[column] if column in add else insert.excluded[column]
    if not changed:
        return insert.on_conflict_do_nothing()
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)


def append_changes(connection: sa.Connection, changes: Sequence[Change]) -> None:
    """Append to the change feed, in the caller's transaction."""
    rows = [
        {
            "topic": change.topic,
            "type": change.type,
            "key": change.key,
            "at": change.at,
            "data": None if change.data is None else msgspec.json.encode(change.data).decode(),
        }
        for change in changes
    ]
    insert(connection, schema.change, rows)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into what the caller is to do."""
    try:
        yield
    except OperationalError as error:
        text = str(error.orig)
        if "disk is full" in text or "disk I/O error" in text or "No space left" in text:
            raise Full(f"the store's disk is full: {text}") from error
        if "readonly" in text or "unable to open" in text:
            raise Stop(f"the store cannot be opened or written: {text}") from error
        if dialect.refuses_us(text):
            raise Unconfigured(f"the store does not let us in: {text}") from error
        raise Retry(f"the store did not answer: {text}") from error
    except (DataError, OverflowError, UnicodeEncodeError) as error:
        raise DeadLetter("refused", f"the store refuses a value: {getattr(error, 'orig', error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, sqlite3.InterfaceError):
            raise Retry(f"the store's connection broke: {error.orig}") from error
        raise
