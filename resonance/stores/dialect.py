"""All that differs between SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resonance.stores import schema

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "busy_timeout=15000",
    "cache_size=-4096",
    "secure_delete=ON",
    "temp_store=MEMORY",
    # 32 MB: pages that change with every slice are copied back once for many of them.
    "wal_autocheckpoint=8000",
)

# Without them a process that was stopped in mid-transaction holds the row of its lane, and the next owner hangs with it.
_TIMEOUTS = "-c statement_timeout=15s -c lock_timeout=3s -c idle_in_transaction_session_timeout=5s"


def _words_of(text: str) -> str:
    """PostgreSQL: a text without the accents of Latin letters, as SQLite's tokenizer sees it; `unaccent` is not immutable,
    so no index can use it, and `translate` with all of them takes longer than the rest of a mention's row."""
    bare = f"regexp_replace(normalize(lower({text}), NFD), '(?<=[a-z])[\\u0300-\\u036f]+', '', 'g')"
    return f"CASE WHEN octet_length({text}) = length({text}) THEN {text} ELSE normalize({bare}, NFC) END"


_DOCUMENT = "to_tsvector('simple', " + _words_of("(coalesce(mention.title, '') || ' ' || mention.text)") + ")"

FULL_TEXT: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE VIRTUAL TABLE IF NOT EXISTS mention_text USING fts5(title, text, topics, content='mention', content_rowid='row',"
        " tokenize='unicode61 remove_diacritics 2')",
        "CREATE TRIGGER IF NOT EXISTS mention_text_insert AFTER INSERT ON mention BEGIN"
        " INSERT INTO mention_text(rowid, title, text, topics) VALUES (new.row, new.title, new.text, new.topics); END",
        "CREATE TRIGGER IF NOT EXISTS mention_text_delete AFTER DELETE ON mention BEGIN"
        " INSERT INTO mention_text(mention_text, rowid, title, text, topics) VALUES ('delete', old.row, old.title, old.text, old.topics); END",
        # An engagement update must not index the text anew.
        "CREATE TRIGGER IF NOT EXISTS mention_text_update AFTER UPDATE OF text, title, topics ON mention"
        " WHEN old.text IS NOT new.text OR old.title IS NOT new.title OR old.topics IS NOT new.topics BEGIN"
        " INSERT INTO mention_text(mention_text, rowid, title, text, topics) VALUES ('delete', old.row, old.title, old.text, old.topics);"
        " INSERT INTO mention_text(rowid, title, text, topics) VALUES (new.row, new.title, new.text, new.topics); END",
    ),
    "postgresql": (
        f"CREATE INDEX IF NOT EXISTS mention_text ON mention USING gin ({_DOCUMENT.replace('mention.', '')})",
    ),
}


def engine(url: str, schema: str) -> sa.Engine:
    """An engine whose write transactions take the write lock at once (execution option `resonance_write`)."""
    if not url.startswith("sqlite"):
        options = f"{_TIMEOUTS} -c search_path={schema}"
        return sa.create_engine(url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 5})
    made = sa.create_engine(url)
    sa.event.listen(made, "connect", _on_connect)
    sa.event.listen(made, "begin", _on_begin)
    return made


def reading(engine: sa.Engine) -> dict[str, Any]:
    """The options under which all that a transaction reads is of one moment. SQLite does so anyway."""
    return {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}


def make_schema(engine: sa.Engine, schema: str) -> None:
    """Have PostgreSQL's schema, in which everything of one installation lies."""
    if engine.dialect.name == "postgresql":
        with locked(engine, "schema"), engine.begin() as connection:
            connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))


_REFUSED = ("authentication failed", "no pg_hba.conf entry", "does not exist", "permission denied", "certificate")


def refuses_us(text: str) -> bool:
    """Whether PostgreSQL's error while connecting says that trying again does not help."""
    return "connection" in text and any(word in text for word in _REFUSED)


def _number_of(task: str) -> int:
    """An advisory lock's number."""
    return int.from_bytes(hashlib.blake2b(task.encode(), digest_size=7).digest(), "big")


@contextmanager
def locked(engine: sa.Engine, task: str) -> Iterator[None]:
    """Hold an advisory lock of the database; waits for it without holding anything else. SQLite: nothing."""
    if engine.dialect.name == "sqlite":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_number_of(task)))):
            time.sleep(0.05)
        try:
            yield
        finally:
            connection.scalar(sa.select(sa.func.pg_advisory_unlock(_number_of(task))))


@contextmanager
def leading(engine: sa.Engine, task: str) -> Iterator[Callable[[], bool]]:
    """Ask again and again whether the task is ours; it stays ours as long as the connection lives. SQLite: always."""
    if engine.dialect.name == "sqlite":
        yield lambda: True
        return
    held: list[sa.Connection] = []

    def mine() -> bool:
        try:
            if held:
                held[0].scalar(sa.text("SELECT 1"))
                return True
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_number_of(task)))):
                held.append(connection)
            else:
                connection.close()
        except sa.exc.DBAPIError:
            while held:
                held.pop().invalidate()
        return bool(held)

    try:
        yield mine
    finally:
        while held:
            # Closed for good, not given back: the lock goes with the connection.
            connection = held.pop()
            connection.invalidate()
            connection.close()


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("resonance_outside"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("resonance_write") else "BEGIN")


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return insert_for(connection.dialect.name, table)


def insert_for(name: str, table: sa.Table) -> Any:
    """The same by the dialect's name."""
    return (sqlite if name == "sqlite" else postgresql).insert(table)


def insert_rows(name: str, table: sa.Table, columns: Sequence[str]) -> Any:
    """INSERT of any number of rows for `execute_rows`. On PostgreSQL they come as one array a column: one round trip, and
    one statement whatever their number; a row of the change feed carries its transaction there, so that readers go by
    commit order."""
    if name == "sqlite":
        return sqlite.insert(table).values({column: sa.bindparam(column) for column in columns})
    arrays = [_array(sa.bindparam(column, type_=sa.Text), table.c[column].type) for column in columns]
    given = sa.func.unnest(*arrays).table_valued(*columns).render_derived(name="given")
    chosen = [given.c[column] for column in columns]
    if table is schema.change:
        columns, chosen = [*columns, "xid"], [*chosen, sa.literal_column("pg_current_xact_id()::text::bigint")]
    return postgresql.insert(table).from_select(columns, sa.select(*chosen))


def execute_rows(connection: sa.Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Run what `insert_rows` made. All rows have the columns of the first."""
    if connection.dialect.name == "sqlite":
        # By way of SQLAlchemy's parameters a row costs more than SQLite takes to write it.
        text, columns = _text(statement)
        connection.exec_driver_sql(text, [tuple([row[name] for name in columns]) for row in rows])
    else:
        kinds = statement.table.c
        arrays = {name: _literal(kinds[name].type, [row[name] for row in rows]) for name in rows[0]}
        connection.execute(statement, arrays)


@cache
def _text(statement: Any) -> tuple[str, tuple[str, ...]]:
    """The statement as SQLite takes it, and the columns in the order of its question marks (the table's, not the rows')."""
    compiled = statement.compile(dialect=sqlite.dialect())
    return str(compiled), tuple(compiled.positiontup)


def rows_among(
    connection: sa.Connection, table: sa.Table, column: sa.Column[Any], values: Iterable[Any]
) -> list[sa.RowMapping]:
    """The rows of a table in which the column is one of the values."""
    wanted = list(values)
    if not wanted:
        return []
    if connection.dialect.name != "sqlite":
        return list(connection.execute(sa.select(table).where(among(connection, column, wanted))).mappings())
    # A few statements serve any number of values: one more than once does no harm.
    wanted += wanted[-1:] * (-len(wanted) % _STEP)
    return list(connection.exec_driver_sql(_select_among(table, column, len(wanted)), tuple(wanted)).mappings())


_STEP = 64


@cache
def _select_among(table: sa.Table, column: sa.Column[Any], count: int) -> str:
    chosen = sa.select(table).where(column.in_([sa.literal_column("?")] * count))
    return str(chosen.compile(dialect=sqlite.dialect()))


def among(connection: sa.Connection, column: sa.ColumnElement[Any], values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether the column is one of the values; on PostgreSQL they are one array, so that the statement stays the same."""
    if connection.dialect.name == "sqlite":
        return column.in_(list(values))
    literal = sa.bindparam(None, _literal(column.type, values), type_=sa.Text)
    # Not `= ANY(array)`: where a table is scanned, each of its rows would be compared with all of them, and the text be read
    # anew for each; and no partition would be left out.
    return column.in_(sa.select(sa.func.unnest(_array(literal, column.type))))


def _array(literal: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(literal, postgresql.ARRAY(kind))


def _literal(kind: sa.types.TypeEngine[Any], values: Iterable[Any]) -> str:
    """PostgreSQL: an array as its text. The driver writes it with regular expressions, which takes longer than matching
    and scoring what is in it."""
    if isinstance(kind, sa.LargeBinary):
        parts = ["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]
    elif isinstance(kind, sa.Text):
        parts = ["NULL" if value is None else _quoted(value) for value in values]
    else:
        parts = ["NULL" if value is None else str(value) for value in values]
    return "{" + ",".join(parts) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


Place = tuple[int, int]
"""A place in the change feed: (transaction, number of the row). On SQLite, which writes one after the other, the transaction is 0."""

_LAST = 10**18 - 1
_COMMITTED = sa.text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def changes_after(connection: sa.Connection, place: Place) -> sa.Select[Any]:
    """Changes after a place in the order in which they became visible: none is skipped that commits later."""
    change = schema.change.c
    query = sa.select(schema.change)
    if connection.dialect.name == "sqlite":
        return query.where(change.id > place[1]).order_by(change.id)
    # A number is drawn long before its transaction commits: only what no open transaction can precede is read.
    after = sa.tuple_(change.xid, change.id) > sa.tuple_(*map(sa.literal, place))
    return query.where(after, change.xid < _COMMITTED).order_by(change.xid, change.id)


def changes_end(connection: sa.Connection) -> Place:
    """The place after all that is visible, also where it is no longer kept."""
    if connection.dialect.name == "sqlite":
        return 0, connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'change'")) or 0
    return int(connection.scalar(sa.select(_COMMITTED)) or 1) - 1, _LAST


def full_text(connection: sa.Connection, words: str, topic: str | None = None) -> sa.ColumnElement[bool] | None:
    """Mentions that hold all of the user's words (plain words, never syntax); None where there is no word in it."""
    found = re.findall(r"\w+", words)
    if not found:
        return None
    if connection.dialect.name == "sqlite":
        # Each word stands in quotes: FTS5 sees strings only.
        query = " AND ".join(f'"{word}"' for word in found)
        rows = sa.text("SELECT rowid FROM mention_text WHERE mention_text MATCH :words").bindparams(
            words=f"{{title text}} : ({query})"
        )
        return schema.mention.c.row.in_(rows.columns(sa.column("rowid", sa.Integer)))
    asked = f"plainto_tsquery('simple', {_words_of('CAST(:words AS text)')})"
    return sa.text(f"{_DOCUMENT} @@ {asked}").bindparams(words=" ".join(found))  # type: ignore[return-value]


_ERASURES = 7_263_992


def lock_erasures(connection: sa.Connection, *, shared: bool) -> None:
    """Until the transaction ends: with `shared` nobody is put on the list of erasures, without it no slice is committed.
    SQLite's writers come one after the other anyway."""
    if connection.dialect.name == "postgresql":
        name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(sa.select(getattr(sa.func, name)(_ERASURES)))


def lock_roots(connection: sa.Connection, *, alone: Collection[int], shared: Collection[int]) -> None:
    """Until the transaction ends: nobody else writes to these rows `alone`, or rests on them; nobody writes to those
    `shared`. All are taken in one order, before anything else. SQLite's writers come one after the other anyway."""
    if connection.dialect.name == "postgresql" and (alone or shared):
        wanted = sorted([(row, True) for row in alone] + [(row, False) for row in shared])
        rows, modes = (list(part) for part in zip(*wanted, strict=True))
        connection.execute(
            _LOCK_ROOTS, {"rows": _literal(sa.BigInteger(), rows), "alone": _literal(sa.Boolean(), modes)}
        )


_LOCK_ROOTS = sa.text(
    "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(row)::text ELSE pg_advisory_xact_lock_shared(row)::text END"
    " FROM unnest(CAST(:rows AS bigint[]), CAST(:alone AS boolean[])) AS wanted(row, alone)"
)
