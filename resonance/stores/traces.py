"""What an erased author leaves outside their own mentions: dead letters, what waits, alerts, labels, answers, the audit.

A trace is found by the author's key wherever the platform's id stands in its place, and by the id, handle and name where
only text is kept. What others say about the author stays; what they repeat of them is `processor`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa
import zstandard
from msgspec import Struct

from resonance.model import key_bytes, key_text, mention_key
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.erasure import erased_among

_PAGE = 500
_LARGEST = 64 * 1024 * 1024
_STRUCK = "[erased]"
_TEXTS = (
    schema.audit.c.detail,
    schema.acknowledgement.c.comment,
    schema.silence.c.comment,
    schema.delivery.c.problem,
    schema.job.c.problem,
    schema.source_state.c.problem,
    schema.outbox.c["values"],
)
"""Where people, channels and sources wrote what they liked: names are struck out, the rest stays."""


_TELLING = 8
"""An id of fewer letters and digits may be many other things."""


class Named(Struct, frozen=True):
    """What is known of an author's names."""

    platform: str
    id: str
    handle: str | None = None
    name: str | None = None

    @property
    def telling(self) -> list[str]:
        """What is nobody else's in a text: the id, @handle, a handle with a dot, a name of several words."""
        found = [f"{self.platform}:{self.id}"]
        found += [self.id] if len(self.id) >= _TELLING else []
        if self.handle:
            found += [f"@{self.handle}", *([self.handle] if "." in self.handle else [])]
        return [*found, *([self.name] if self.name and " " in self.name else [])]

    @property
    def all(self) -> list[str]:
        """Everything."""
        return [text for text in (self.id, self.handle, self.name) if text]


class Traces:
    """How an author is recognised. `named` None: nothing is known but the key; `author_key` turns "platform:id" into one."""

    def __init__(self, key: bytes, named: Named | None, author_key: Callable[[str], bytes]) -> None:
        self.key = key
        self._author_key = author_key
        self.telling = named.telling if named else []
        quoted = [f'"{name}"' for name in named.all] if named else []
        self._struck = _pattern(self.telling)
        self._carried = _pattern([*self.telling, *quoted, key.hex()])

    def strike(self, text: str) -> str:
        """The text without the author's names."""
        return self._struck.sub(_STRUCK, text) if self._struck else text

    def names_in(self, text: str) -> bool:
        """Whether the author stands in a text of ours, by name or key."""
        return bool(self._carried and self._carried.search(text))

    def speaks_in(self, item: Any) -> bool:
        """Whether the author is somebody in an event, a bare mention or a list of them."""
        return any(self._author_key(name) == self.key for name in people_in(item))


def traces_of(database: Database, key: bytes, author_key: Callable[[str], bytes]) -> Traces:
    """The traces of an author, by what is still known of them."""
    author = schema.author.c
    with database.read() as connection:
        query = sa.select(author.platform, author.id, author.handle, author.name).where(author.author_key == key)
        row = connection.execute(query).first()
    return Traces(key, Named(*row) if row else None, author_key)


def people_in(item: Any) -> Iterator[str]:
    """ "platform:id" of everybody who is somebody in plain JSON, as events and mentions are written.

    >>> list(people_in({"op": "upsert", "mention": {"id": "x:1", "author": {"id": "7"}}}))
    ['x:7']
    """
    if isinstance(item, list):
        for one in item:
            yield from people_in(one)
    if isinstance(item, dict):
        author = item.get("author")
        if isinstance(author, dict):
            # Ingest completes the platform from the mention's id.
            for platform in filter(None, (item.get("platform"), str(item.get("id")).partition(":")[0])):
                yield f"{platform}:{author.get('id')}"
        elif isinstance(author, str):
            yield author
        for name, value in item.items():
            if name != "author":
                yield from people_in(value)


def ids_in(item: Any) -> Iterator[str]:
    """The ids of mentions in plain JSON."""
    if isinstance(item, list):
        for one in item:
            yield from ids_in(one)
    if isinstance(item, dict):
        if isinstance(item.get("id"), str):
            yield item["id"]
        if isinstance(item.get("ids"), list):
            yield from (name for name in item["ids"] if isinstance(name, str))
        yield from ids_in(item.get("mention"))


def clear(database: Database, traces: Traces) -> dict[str, int]:
    """Remove all traces, table by table in short transactions, and at last the author's own row. Their mentions have to
    be gone already. Returns how many there were."""
    cleared = {
        "dead_letters": _payloads(database, traces, schema.dead_letter, schema.dead_letter.c.payload),
        "waiting": _payloads(database, traces, schema.waiting, schema.waiting.c.event),
        "answers": _payloads(database, traces, schema.idempotency, schema.idempotency.c.body),
        "labels": _labels(database),
        "alerts": _alerts(database, traces),
        "texts": sum(_strike(database, traces, column) for column in _TEXTS),
    }
    with database.write() as connection:
        # Evaluate reads them anew from what is left.
        connection.execute(sa.delete(schema.sketch))
        connection.execute(sa.delete(schema.author).where(schema.author.c.author_key == traces.key))
    return cleared


# ---- rows that go whole -------------------------------------------------------------------------------------


def _payloads(database: Database, traces: Traces, table: sa.Table, column: sa.Column[Any]) -> int:
    """Rows that carry an event of the author's, or about a mention of theirs."""
    gone = 0
    for rows in _pages(database, table, column):
        items = [(row[:-1], _plain(row[-1])) for row in rows]
        with database.read() as connection:
            named = {key: {mention_key(name) for name in ids_in(_item(text))} for key, text in items}
            erased = erased_among(connection, set().union(*named.values()))
        theirs = [key for key, text in items if named[key] & erased or _is_theirs(traces, text)]
        for key in theirs:
            with database.write() as connection:
                connection.execute(sa.delete(table).where(_is(table, key)))
        gone += len(theirs)
    return gone


def json_of(payload: bytes) -> Any:
    """A dead letter's payload as plain JSON, the events of an envelope as a list; None for what is no JSON."""
    return _item(_plain(payload))


def _is_theirs(traces: Traces, text: str) -> bool:
    return traces.speaks_in(_item(text)) or traces.names_in(text)


def _plain(payload: bytes | str) -> str:
    """A payload as text: an envelope that could not be read is compressed."""
    if isinstance(payload, str):
        return payload
    with suppress(zstandard.ZstdError):
        payload = zstandard.ZstdDecompressor().decompress(payload, max_output_size=_LARGEST)
    return bytes(payload).decode("utf-8", "replace")


def _item(text: str) -> Any:
    try:
        item = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    return item.get("events", item) if isinstance(item, dict) else item


def _labels(database: Database) -> int:
    """People's corrections of mentions that are erased."""
    gone = 0
    table = schema.correction
    for rows in _pages(database, table, table.c.label):
        with database.write() as connection:
            erased = erased_among(connection, {row[0] for row in rows})
            if erased:
                gone += connection.execute(sa.delete(table).where(table.c.key.in_(erased))).rowcount
    return gone


# ---- rows that stay without the author ----------------------------------------------------------------------


def _strike(database: Database, traces: Traces, column: sa.Column[Any]) -> int:
    if not traces.telling:
        return 0
    table, struck = column.table, 0
    assert isinstance(table, sa.Table)
    suspect = sa.or_(*(column.icontains(name, autoescape=True) for name in traces.telling))
    for rows in _pages(database, table, column, suspect):
        for *key, text in rows:
            clean = traces.strike(text)
            if clean != text:
                with database.write() as connection:
                    same = sa.and_(_is(table, key), column == text)
                    struck += connection.execute(sa.update(table).where(same).values({column.name: clean})).rowcount
    return struck


class _Alert(Struct):
    reasons: list[dict[str, Any]]
    mentions: list[str]


def _alerts(database: Database, traces: Traces) -> int:
    """Alerts tell nothing of the author any more: neither by key, nor by what only one mention said."""
    with database.write() as connection:
        # Evaluate may hold one that it made or read before: it is fenced off, and reads anew.
        _fence(connection)
    return sum(_page_of_alerts(database, traces, rows) for rows in _pages(database, schema.alert, schema.alert.c.topic))


def _page_of_alerts(database: Database, traces: Traces, rows: Sequence[Any]) -> int:
    table, changed = schema.alert, 0
    with database.write() as connection:
        query = sa.select(table.c.id, table.c.reasons, table.c.mentions)
        found = connection.execute(query.where(table.c.id.in_([row[0] for row in rows]))).all()
        known = {name: _alert(reasons, mentions) for name, reasons, mentions in found}
        keys = {key_bytes(key) for alert in known.values() for key in alert.mentions}
        erased = {key_text(key) for key in erased_among(connection, keys)}
        for name, alert in known.items():
            clean = _cleared(alert, erased, traces)
            if clean != alert:
                values = {part: msgspec.json.encode(getattr(clean, part)).decode() for part in ("reasons", "mentions")}
                changed += connection.execute(sa.update(table).where(table.c.id == name).values(values)).rowcount
        if changed:
            _fence(connection)
    return changed


def _fence(connection: sa.Connection) -> None:
    connection.execute(sa.update(schema.tracker).values(rev=schema.tracker.c.rev + 1))


def _alert(reasons: str, mentions: str) -> _Alert:
    return _Alert(msgspec.json.decode(reasons), msgspec.json.decode(mentions))


def _cleared(alert: _Alert, erased: set[str], traces: Traces) -> _Alert:
    mentions = [key for key in alert.mentions if key not in erased]
    touched = mentions != alert.mentions or traces.key.hex() in msgspec.json.encode(alert.reasons).decode()

    def stays(value: Any) -> bool:
        alone = touched and isinstance(value, dict) and value.get("mentions") == 1 and not value.keys() & {"platform"}
        return not alone and not traces.names_in(msgspec.json.encode(value).decode())

    reasons = [
        {**reason, "values": [value for value in reason["values"] if stays(value)]}
        if isinstance(reason["values"], list)
        else reason
        for reason in alert.reasons
    ]
    return _Alert([reason for reason in reasons if reason["values"]], mentions)


# ---- going through a table ----------------------------------------------------------------------------------


def _pages(
    database: Database, table: sa.Table, column: sa.Column[Any], condition: sa.ColumnElement[bool] | None = None
) -> Iterator[Sequence[Any]]:
    """(key…, column) of all rows, page by page in the order of their keys; no read lasts."""
    keys = list(table.primary_key)
    query = sa.select(*keys, column).where(column.is_not(None)).order_by(*keys).limit(_PAGE)
    if condition is not None:
        query = query.where(condition)
    place: Any = None
    while True:
        after = query if place is None else query.where(sa.tuple_(*keys) > sa.tuple_(*map(sa.literal, place)))
        with database.read() as connection:
            rows = [tuple(row) for row in connection.execute(after)]
        if rows:
            yield rows
        if len(rows) < _PAGE:
            return
        place = rows[-1][: len(keys)]


def _is(table: sa.Table, key: Sequence[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))


def _pattern(names: Sequence[str]) -> re.Pattern[str] | None:
    """Any of the names, but not as a part of a longer word."""
    if not names:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, names)) + r")(?!\w)", re.IGNORECASE)
