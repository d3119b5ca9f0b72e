"""The process side of the store: what a slice has to know, and the one transaction in which it takes effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import structs

from resonance.errors import Conflict, Fenced, Outdated
from resonance.model import Rematch
from resonance.ports import ERASED_AT_ONCE, Known, Wanted
from resonance.stores import dialect, rows, schema
from resonance.stores.database import Database, append_changes, insert, upsert
from resonance.stores.erasure import refuse_erased
from resonance.update import AuthorRow, Match, Position, Record, Update, Waiting
from resonance.wire import encode_event

_POSITION = tuple(f.name for f in structs.fields(Position))
_IMMEDIATELY = 0
_FENCE = ("lane", "incarnation", "offset", "event", "epoch", "closed")
_ADVANCE = (
    sa.update(schema.position)
    .where(*(schema.position.c[name] == sa.bindparam(f"old_{name}") for name in _FENCE))
    .values({name: sa.bindparam(name) for name in _POSITION})
)
_DUE = (
    sa.select(schema.waiting)
    .where(schema.waiting.c.lane == sa.bindparam("lane"), schema.waiting.c.due_at <= sa.bindparam("at"))
    .order_by(schema.waiting.c.due_at, schema.waiting.c.id)
    .limit(sa.bindparam("limit"))
)
_slowest = sa.select(sa.func.min(schema.position.c.progress)).scalar_subquery()
_LANES_DUE = sa.select(schema.position.c.lane).where(
    schema.position.c.lane.in_(sa.bindparam("lanes", expanding=True)),
    sa.exists().where(schema.waiting.c.lane == schema.position.c.lane, schema.waiting.c.due_at <= _slowest),
)


class SqlLedger:
    """`ports.Ledger` on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, lanes: int) -> None:
        """Have a position for every lane from the start, so that no minute closes before each has been heard. Raises
        Conflict where the store was made with another number of lanes."""
        table = schema.position
        fresh = [structs.asdict(Position(lane=lane)) for lane in range(lanes)]
        with self._database.write() as connection:
            known = connection.scalar(sa.select(sa.func.count()).select_from(table))
            if not known:
                connection.execute(dialect.insert(connection, table).on_conflict_do_nothing(), fresh)
            elif known != lanes:
                raise Conflict(
                    f"the store knows {known} lanes, the log has {lanes}: to change their number stop ingest, wait until "
                    "nothing is left to process, and start with a store that has no positions"
                )

    def position(self, lane: int) -> Position:
        """How far the lane is."""
        with self._database.read() as connection:
            row = (
                connection.execute(sa.select(schema.position).where(schema.position.c.lane == lane)).mappings().first()
            )
        return Position(**{name: row[name] for name in _POSITION}) if row else Position(lane=lane)

    def progress(self) -> dict[int, int]:
        """Lane → progress (µs) of every lane that was ever committed."""
        with self._database.read() as connection:
            rows_ = connection.execute(sa.select(schema.position.c.lane, schema.position.c.progress)).all()
            return {row[0]: row[1] for row in rows_}

    # ---- reading --------------------------------------------------------------------------------------------

    def read(self, wanted: Wanted) -> Known:
        """What is known, in one snapshot."""
        with self._database.read() as connection:
            identities = self._identities(connection, wanted)
            records = list(self._records(connection, identities))
            authors = dialect.rows_among(connection, schema.author, schema.author.c.author_key, wanted.authors)
            named = wanted.authors | {record.author_key for record in records if record.author_key}
            erased = dialect.rows_among(connection, schema.erasure, schema.erasure.c.author_key, named)
            waiting: dict[bytes, list[Waiting]] = defaultdict(list)
            for row in dialect.rows_among(connection, schema.waiting, schema.waiting.c.key, wanted.keys):
                waiting[row["key"]].append(_waiting(row))
        return Known(
            records={record.key: record for record in records},
            authors={row["author_key"]: rows.read_author(row) for row in authors},
            waiting=waiting,
            erased=frozenset(row["author_key"] for row in erased),
        )

    def _identities(self, connection: sa.Connection, wanted: Wanted) -> list[sa.RowMapping]:
        author = schema.identity.c.author_key
        found = dialect.rows_among(connection, schema.identity, schema.identity.c.key, wanted.keys)
        if wanted.of_authors:
            found += dialect.rows_among(connection, schema.identity, author, wanted.of_authors)
        for key in sorted(wanted.to_erase):
            some = sa.select(schema.identity).where(author == key).order_by(schema.identity.c.key).limit(ERASED_AT_ONCE)
            found += connection.execute(some).mappings()
        return found

    def _records(self, connection: sa.Connection, identities: Sequence[sa.RowMapping]) -> Iterable[Record]:
        numbers = [identity["row"] for identity in identities if identity["row"]]
        mentions = {
            row["row"]: row for row in dialect.rows_among(connection, schema.mention, schema.mention.c.row, numbers)
        }
        matches: dict[int, list[Match]] = defaultdict(list)
        for row in dialect.rows_among(connection, schema.match, schema.match.c.row, numbers):
            matches[row["row"]].append(rows.read_match(row))
        keys = {row["author_key"] for row in mentions.values() if row["author_key"]}
        authors: dict[bytes, AuthorRow] = {}
        for row in dialect.rows_among(connection, schema.author, schema.author.c.author_key, keys):
            authors[row["author_key"]] = rows.read_author(row)
        for identity in identities:
            mention = mentions.get(identity["row"])
            author = authors.get(mention["author_key"]) if mention and mention["author_key"] else None
            found = sorted(matches.get(identity["row"], ()), key=lambda match: match.topic)
            yield rows.read_record(identity, mention, found, author.author if author else None)

    def due(self, lane: int, at: int, limit: int) -> list[tuple[int, Waiting]]:
        """Waiting events of the lane that are due, oldest first."""
        asked = {"lane": lane, "at": at, "limit": limit}
        with self._database.read() as connection:
            return [(row["id"], _waiting(row)) for row in connection.execute(_DUE, asked).mappings()]

    def lanes_due(self, lanes: Collection[int]) -> frozenset[int]:
        """Those of the lanes that have a waiting event which is due by what all lanes have reached."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(_LANES_DUE, {"lanes": sorted(lanes)}))

    # ---- committing -----------------------------------------------------------------------------------------

    def advance(self, moves: Sequence[tuple[Position, Position]]) -> None:
        """Move positions past what said nothing, in one transaction; raises Fenced, and moves none, where somebody else
        did meanwhile."""
        ordered = sorted(moves, key=lambda move: move[0].lane)
        with self._database.write() as connection:
            if connection.execute(_ADVANCE, [_move(old, new) for old, new in ordered]).rowcount != len(ordered):
                raise Fenced(f"one of the lanes {[old.lane for old, _ in ordered]} was moved by another owner")

    def commit(self, update: Update, old: Position, new: Position) -> None:
        """Carry out the update and advance the position; raises Fenced where somebody else did meanwhile, Outdated where
        somebody of whom it tells was erased meanwhile, or what it inherits is no longer so."""
        with self._database.write() as connection:
            _hold_roots(connection, update)
            _advance(connection, old, new)
            refuse_erased(connection, update.speakers)
            _write_authors(connection, update)
            _write_records(connection, update)
            _write_sums(connection, update)
            _write_waiting(connection, update)
            _write_rejected(connection, update)
            append_changes(connection, update.changes)


def _waiting(row: sa.RowMapping) -> Waiting:
    return Waiting(row["lane"], row["kind"], row["key"], row["due_at"], row["event"], row["mode"])


def _hold_roots(connection: sa.Connection, update: Update) -> None:
    """Roots and replies of different lanes take effect one after the other: a root that changes finds the replies that
    rest on it, or they find it changed."""
    changed = {old.row for key in update.roots if (old := update.before.get(key)) and old.row}
    rests_on = {row for row, _ in update.inherited}
    dialect.lock_roots(connection, alone=changed, shared=rests_on - changed)
    found = dialect.rows_among(connection, schema.match, schema.match.c.row, rests_on)
    if not update.inherited <= {(row["row"], row["topic"]) for row in found if not row["inherited"]}:
        raise Outdated("what a reply inherits was changed meanwhile")


def _move(old: Position, new: Position) -> dict[str, Any]:
    return structs.asdict(new) | {f"old_{name}": getattr(old, name) for name in _FENCE}


def _advance(connection: sa.Connection, old: Position, new: Position) -> None:
    table = schema.position
    if connection.execute(_ADVANCE, _move(old, new)).rowcount == 1:
        return
    if old == Position(lane=old.lane):
        fresh = (
            dialect.insert(connection, table)
            .values(structs.asdict(new))
            .on_conflict_do_nothing()
            .returning(table.c.lane)
        )
        if connection.execute(fresh).first() is not None:
            return
    raise Fenced(f"lane {old.lane} was moved by another owner")


def _write_authors(connection: sa.Connection, update: Update) -> None:
    if update.departed:
        # Every lane takes the same authors away: all rows are locked in one order before the first goes.
        known = dialect.among(connection, schema.author.c.author_key, update.departed | update.authors.keys())
        connection.execute(
            sa.select(schema.author.c.author_key).where(known).order_by(schema.author.c.author_key).with_for_update()
        )
        departed = dialect.among(connection, schema.author.c.author_key, update.departed)
        connection.execute(sa.delete(schema.author).where(departed))
    upsert(connection, schema.author, [rows.author_row(row) for _, row in sorted(update.authors.items())])
    environments = [structs.asdict(environment) for _, environment in sorted(update.environments.items())]
    insert(connection, schema.environment, environments, new=False)


def _write_records(connection: sa.Connection, update: Update) -> None:
    after = [update.after[key] for key in sorted(update.after)]
    upsert(
        connection, schema.identity, [rows.identity_row(record) for record in after if record.key not in update.dropped]
    )
    if update.dropped:
        gone_keys = dialect.among(connection, schema.identity.c.key, update.dropped)
        connection.execute(sa.delete(schema.identity).where(gone_keys))
    gone = [old.row for key, old in update.before.items() if old.row and old.row != update.after[key].row]
    _delete_rows(connection, gone)
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    matches: list[dict[str, Any]] = []
    for record in sorted(after, key=lambda record: record.row):
        if record.mention is None:
            continue
        old = update.before.get(record.key)
        known = old is not None and old.row == record.row
        (changed if known else fresh).append(rows.mention_row(record, record.mention))
        matches += [rows.match_row(record, match) for match in record.matches]
        if known and old is not None:
            _delete_matches(connection, record.row, {m.topic for m in old.matches} - {m.topic for m in record.matches})
    insert(connection, schema.mention, fresh)
    upsert(connection, schema.mention, changed)
    upsert(connection, schema.match, matches)


def _delete_rows(connection: sa.Connection, numbers: Sequence[int]) -> None:
    for table in (schema.match, schema.mention) if numbers else ():
        connection.execute(sa.delete(table).where(dialect.among(connection, table.c.row, numbers)))


def _delete_matches(connection: sa.Connection, row: int, topics: set[str]) -> None:
    if topics:
        connection.execute(sa.delete(schema.match).where(schema.match.c.row == row, schema.match.c.topic.in_(topics)))


def _write_sums(connection: sa.Connection, update: Update) -> None:
    windows = [{**key._asdict(), **counts._asdict()} for key, counts in sorted(update.windows.items())]
    upsert(connection, schema.window, windows, add=schema.COUNTS)
    arrivals = [{**key._asdict(), **counts._asdict()} for key, counts in sorted(update.arrivals.items())]
    upsert(connection, schema.arrival, arrivals, add=schema.COUNTS)


def _write_waiting(connection: sa.Connection, update: Update) -> None:
    table = schema.waiting
    if update.settled:
        connection.execute(sa.delete(table).where(dialect.among(connection, table.c.id, update.settled)))
    insert(connection, table, [structs.asdict(waiting) for waiting in update.waiting])
    if update.roots:
        _wake_children(connection, update.roots)


def _wake_children(connection: sa.Connection, roots: Sequence[bytes]) -> None:
    """Have the replies to and reposts of these roots look again, each in its own lane."""
    table, identity = schema.waiting, schema.identity.c
    early = sa.update(table).where(table.c.kind == "child", dialect.among(connection, table.c.key, roots))
    connection.execute(early.values(due_at=_IMMEDIATELY))
    answers = identity.root.is_not(None), dialect.among(connection, identity.root, roots)
    kept = sa.select(identity.id, identity.lane, identity.root).where(*answers)
    again = [
        {
            "lane": lane,
            "kind": "child",
            "key": root,
            "due_at": _IMMEDIATELY,
            "event": encode_event(Rematch(ids=(name,))),
            "mode": "live",
        }
        for name, lane, root in connection.execute(kept)
    ]
    insert(connection, table, again)


def _write_rejected(connection: sa.Connection, update: Update) -> None:
    values = [
        {
            "lane": letter.lane,
            "offset": letter.offset,
            "event": letter.index,
            "at": letter.at,
            "source": letter.source,
            "reason": letter.reason,
            "problem": letter.problem,
            "payload": letter.payload,
        }
        for letter in update.rejected
    ]
    insert(connection, schema.dead_letter, values, new=False)
