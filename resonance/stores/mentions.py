"""Reading mentions: filters, orders, keyset cursors, one by key."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Meta, Struct, structs

from resonance.access import Scope
from resonance.errors import Invalid, NotFound, Problem
from resonance.model import mention_key
from resonance.stores import dialect, rows, schema
from resonance.stores.database import Database
from resonance.update import Match

Order = Literal["newest", "oldest", "reach", "engagement", "resonance"]


class MentionFilter(Struct, frozen=True, omit_defaults=True):
    """Several values of one field are OR, different fields AND. Instants in µs; `query` is not among them: it is
    matched, not looked up."""

    topic: tuple[str, ...] = ()
    q: str | None = None
    platform: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    community: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    reach_min: int | None = None
    start: int | None = None
    end: int | None = None
    order: Order = "newest"


class Found(Struct, frozen=True):
    """A stored mention with everything that is shown of it."""

    row: sa.RowMapping
    author: sa.RowMapping | None
    matches: tuple[tuple[Match, int | None], ...]


class Page(Struct, frozen=True):
    """Part of a list; `next` continues it under the same filters."""

    items: list[Found]
    next: str | None


_WALKED = 20
_SITES = 500
_COLUMN = {"platform": "platform", "language": "language", "kind": "kind", "community": "community", "voice": "voice"}


class Mentions:
    """Reads on a Database, each under a Scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, chosen: MentionFilter, scope: Scope, *, limit: int, cursor: str | None = None) -> Page:
        """Up to `limit` mentions; raises Invalid for a cursor of other filters."""
        after = read_cursor(cursor, chosen) if cursor else None
        with self._database.read() as connection:
            found = _found(connection, chosen, _bounds(connection, chosen, scope), after, limit + 1)
            items = _load(connection, [number for number, _ in found[:limit]], scope)
        more = write_cursor(chosen, found[limit - 1][1], found[limit - 1][0]) if len(found) > limit else None
        return Page(items, more)

    def count(self, chosen: MentionFilter, scope: Scope, *, most: int) -> int:
        """How many there are, as far as `most`."""
        by_time = structs.replace(chosen, order="newest")
        with self._database.read() as connection:
            return len(_found(connection, by_time, _bounds(connection, chosen, scope), None, most))

    def cursor_after(self, chosen: MentionFilter, found: Found) -> str:
        """The place after a mention in a list."""
        row = found.row
        place = {"reach": -1 if row["reach"] is None else row["reach"], "engagement": row["engagement_total"]}
        return write_cursor(chosen, place.get(chosen.order, row["placed_at"]), row["row"])

    def get(self, key: bytes, scope: Scope) -> Found:
        """One mention; raises NotFound where it is not there, or not to be seen."""
        with self._database.read() as connection:
            number = connection.scalar(sa.select(schema.mention.c.row).where(schema.mention.c.key == key))
            found = _load(connection, [number], scope) if number else []
        if not found or (scope.topics is not None and not found[0].matches):
            raise NotFound("there is no such mention")
        return found[0]

    def thread(self, found: Found, scope: Scope, *, limit: int = 50) -> list[Found]:
        """The conversation of a mention, oldest first: its root, and what answers or passes on the same root."""
        identity, key = schema.identity.c, found.row["key"]
        with self._database.read() as connection:
            root = connection.scalar(sa.select(identity.root).where(identity.key == key)) or key
            query = sa.select(identity.row).where(sa.or_(identity.key == root, identity.root == root))
            numbers = list(connection.scalars(query.order_by(identity.placed_at, identity.row).limit(limit)))
            loaded = _load(connection, numbers, scope)
        return [one for one in loaded if scope.topics is None or one.matches]

    def get_by_id(self, name: str, scope: Scope) -> Found:
        """One mention by its id."""
        return self.get(mention_key(name), scope)


def _found(
    connection: sa.Connection,
    chosen: MentionFilter,
    topics: Collection[str] | None,
    after: tuple[int, int] | None,
    limit: int,
) -> list[tuple[int, int]]:
    """(row, place in the order) of the next mentions. Few topics in the order of time are read along their own index, so
    that a page costs the same however much was said; anything else goes by the mentions."""
    mention, match = schema.mention.c, schema.match.c
    by_time = chosen.order not in ("reach", "engagement")
    if topics is None or len(topics) > _WALKED or not by_time or chosen.q or chosen.author:
        column, descending = _ordering(chosen)
        conditions = _conditions(connection, chosen, mention.placed_at)
        query = sa.select(mention.row, column.label("place")).where(*conditions, *_by_match(chosen, topics))
        ordered = _keyset(query, column, mention.row, descending, after).limit(limit)
        return [(row[0], row[1]) for row in connection.execute(ordered)]
    descending = chosen.order != "oldest"
    conditions = _conditions(connection, chosen, match.placed_at)
    source = schema.match.join(schema.mention, mention.row == match.row) if conditions else schema.match
    labels = [match.label.in_(chosen.label)] if chosen.label else []
    places: dict[int, int] = {}
    for topic in topics:
        query = (
            sa.select(match.row, match.placed_at).select_from(source).where(match.topic == topic, *labels, *conditions)
        )
        ordered = _keyset(query, match.placed_at, match.row, descending, after).limit(limit)
        places.update((row[0], row[1]) for row in connection.execute(ordered))
    return sorted(places.items(), key=lambda item: (item[1], item[0]), reverse=descending)[:limit]


def _keyset(
    query: sa.Select[Any],
    column: sa.ColumnElement[Any],
    row: sa.ColumnElement[Any],
    descending: bool,
    after: tuple[int, int] | None,
) -> sa.Select[Any]:
    """The query in its order, after a place. The bound on the column alone is what lets an index begin there."""
    if after is not None and descending:
        query = query.where(column <= after[0], sa.or_(column < after[0], row < after[1]))
    elif after is not None:
        query = query.where(column >= after[0], sa.or_(column > after[0], row > after[1]))
    return query.order_by(column.desc(), row.desc()) if descending else query.order_by(column, row)


def _ordering(chosen: MentionFilter) -> tuple[sa.ColumnElement[Any], bool]:
    mention = schema.mention.c
    if chosen.order == "reach":
        return sa.func.coalesce(mention.reach, -1), True
    if chosen.order == "engagement":
        return mention.engagement_total.expression, True
    # A mention's resonance is not known yet; until then the newest come first.
    return mention.placed_at.expression, chosen.order != "oldest"


def _conditions(
    connection: sa.Connection, chosen: MentionFilter, placed_at: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[bool]]:
    """What a mention itself has to be like; `placed_at` is the column by which time is bounded."""
    mention = schema.mention.c
    conditions: list[sa.ColumnElement[bool]] = []
    for name, column in {**_COLUMN, "source": "source"}.items():
        values = getattr(chosen, name)
        if values:
            conditions.append(mention[column].in_(values))
    if chosen.site:
        conditions.append(_by_site(chosen.site))
    if chosen.reach_min is not None:
        conditions.append(mention.reach >= chosen.reach_min)
    if chosen.start is not None:
        conditions.append(placed_at >= chosen.start)
    if chosen.end is not None:
        conditions.append(placed_at < chosen.end)
    if chosen.author:
        conditions.append(_by_author(chosen.author))
    if chosen.q:
        words = dialect.full_text(connection, chosen.q)
        # A filter without a word in it finds nothing; it must not show everything.
        conditions.append(sa.false() if words is None else words)
    return conditions


def _by_site(names: Sequence[str]) -> sa.ColumnElement[bool]:
    """A site, or one below it. Raises Invalid for more than a database can look for at once."""
    if len(names) > _SITES:
        raise Invalid([Problem(f"at most {_SITES} sites at once", "site", "too_many")])
    below = (schema.mention.c.site.endswith(f".{name}", autoescape=True) for name in names)
    return sa.or_(schema.mention.c.site.in_(names), *below)


def _by_author(names: Sequence[str]) -> sa.ColumnElement[bool]:
    author = schema.author.c
    handles = [name.removeprefix("@") for name in names]
    keys = [bytes.fromhex(name) for name in names if len(name) == 32 and all(c in "0123456789abcdef" for c in name)]
    chosen = sa.select(author.author_key).where(sa.or_(author.handle.in_([*handles, *names]), author.id.in_(names)))
    return sa.or_(schema.mention.c.author_key.in_(chosen), schema.mention.c.author_key.in_(keys))


def _bounds(connection: sa.Connection, chosen: MentionFilter, scope: Scope) -> Collection[str] | None:
    """The topics of which a mention has to match one; None where it need not match any."""
    sets: list[set[str]] = []
    if chosen.topic:
        sets.append(set(chosen.topic))
    if scope.topics is not None:
        sets.append(set(scope.topics))
    if chosen.department:
        sets.append(set(_routed(connection, chosen.department)))
    return sorted(set.intersection(*sets)) if sets else None


def _by_match(chosen: MentionFilter, topics: Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    match = schema.match.c
    conditions: list[sa.ColumnElement[bool]] = []
    if topics is not None:
        conditions.append(match.topic.in_(topics))
    if chosen.label:
        conditions.append(match.label.in_(chosen.label))
    if not conditions:
        return []
    # The same bounds as the mention's: without them every match of a topic is looked at.
    if chosen.start is not None:
        conditions.append(match.placed_at >= chosen.start)
    if chosen.end is not None:
        conditions.append(match.placed_at < chosen.end)
    if chosen.q or chosen.author or chosen.order in ("newest", "oldest", "resonance"):
        return [sa.exists().where(match.row == schema.mention.c.row, *conditions)]
    return [schema.mention.c.row.in_(sa.select(match.row).where(*conditions))]


def _routed(connection: sa.Connection, departments: Sequence[str]) -> list[str]:
    """The topics that one of these departments answers for."""
    entry = schema.entry.c
    query = sa.select(entry.id, entry.body).where(entry.kind == "topic")
    return [
        name
        for name, body in connection.execute(query)
        if not set(departments).isdisjoint(msgspec.json.decode(body).get("departments", ()))
    ]


def _load(connection: sa.Connection, numbers: Sequence[int], scope: Scope) -> list[Found]:
    if not numbers:
        return []
    found = connection.execute(sa.select(schema.mention).where(schema.mention.c.row.in_(numbers))).mappings()
    by_row = {row["row"]: row for row in found}
    matches: dict[int, list[tuple[Match, int | None]]] = defaultdict(list)
    query = sa.select(schema.match).where(schema.match.c.row.in_(numbers)).order_by(schema.match.c.topic)
    for row in connection.execute(query).mappings():
        if scope.sees(row["topic"]):
            matches[row["row"]].append((rows.read_match(row), row["resonance"]))
    keys = {row["author_key"] for row in by_row.values() if row["author_key"]}
    author = schema.author
    authors = {
        row["author_key"]: row
        for row in connection.execute(sa.select(author).where(author.c.author_key.in_(keys))).mappings()
    }
    return [
        Found(by_row[number], authors.get(by_row[number]["author_key"]), tuple(matches[number]))
        for number in numbers
        if number in by_row
    ]


_Stored = Annotated[int, Meta(ge=-(2**62), le=2**62)]


def _digest(chosen: Struct) -> str:
    return hashlib.blake2b(msgspec.json.encode(chosen), digest_size=6).hexdigest()


def write_cursor(chosen: Struct, place: int, number: int | str) -> str:
    """An opaque place in a list, bound to its filters."""
    raw = msgspec.json.encode([_digest(chosen), place, number])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_cursor(cursor: str, chosen: Struct) -> tuple[int, int]:
    """The inverse; raises Invalid for a damaged one, or one of other filters."""
    place, number = _decoded(cursor, chosen, _Place)
    return place, int(number)


def read_named_cursor(cursor: str, chosen: Struct) -> tuple[int, str]:
    """The same for lists whose items have names instead of numbers."""
    place, name = _decoded(cursor, chosen, _NamedPlace)
    return place, str(name)


_Place = tuple[str, _Stored, _Stored]
_NamedPlace = tuple[str, _Stored, str]


def _decoded(cursor: str, chosen: Struct, kind: Any) -> tuple[int, int | str]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, place, last = msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise Invalid([Problem("is no cursor of ours", "cursor", "cursor")]) from None
    if digest != _digest(chosen):
        raise Invalid([Problem("belongs to other filters", "cursor", "cursor")])
    return place, last
