"""The evaluate side of the store: what changed, what arrived, what is remembered of a topic, and one commit for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.alerts.reasons import Said
from resonance.alerts.rules import Sum
from resonance.baseline import BUCKET
from resonance.errors import Fenced
from resonance.model import key_text
from resonance.records import row_after
from resonance.stores import dialect, schema
from resonance.stores.database import Database, append_changes, upsert
from resonance.tracker import TrackerState
from resonance.update import Change

_MATERIAL, _STIRRING = 500, 10
_LATE = 3_600_000_000
"""µs. What came so long after it was said, as an import does, says nothing of what goes on now."""
_arrival = schema.arrival.c
_ARRIVALS = (
    sa.select(_arrival.minute, sa.func.sum(_arrival.mentions), sa.func.sum(_arrival.negative))
    .where(_arrival.topic == sa.bindparam("topic"), _arrival.version == sa.bindparam("version"))
    .where(_arrival.minute >= sa.bindparam("since"))
    .group_by(_arrival.minute)
)
"""Built once: it is asked for every topic again and again, and building costs more than asking."""
_encode = msgspec.msgpack.Encoder().encode
_state = msgspec.msgpack.Decoder(TrackerState)


class Remembered(Struct, frozen=True):
    """A topic's tracker with its revision (0: none yet)."""

    rev: int
    state: TrackerState | None
    due: int | None = None


class AlertRow(Struct, frozen=True, kw_only=True):
    """An incident as it is written."""

    id: str
    fingerprint: str
    rule: str
    topic: str
    departments: str
    severity: str
    state: str
    pending_at: int
    fired_at: int | None
    resolved_at: int | None
    value: float | None
    expected: float | None
    score: float | None
    bucket: int
    reasons: str
    mentions: str


class Notice(Struct, frozen=True, kw_only=True):
    """A notification to be put into the outbox."""

    idempotency_key: str
    channel: str
    grouping: str
    alert: str
    kind: str
    at: int
    real_at: int
    values: str


class Decided(Struct, frozen=True, kw_only=True):
    """Everything that one look at one topic changes."""

    topic: str
    rev: int
    state: TrackerState
    due: int | None
    alerts: list[AlertRow] = []
    notices: list[Notice] = []
    changes: list[Change] = []


class SourceSeen(Struct, frozen=True):
    """When a source last delivered (µs of log time)."""

    source: str
    last_event_at: int


class News(Struct, frozen=True):
    """What is as it is at one moment. `progress`: lane → up to when (µs) it has seen what was observed. `changes` after the
    place that was asked for: (place, type, topic, at), in commit order; `at` is log time in µs. `sources` have delivered
    before."""

    progress: dict[int, int]
    changes: list[tuple[dialect.Place, str, str | None, int]]
    sources: list[SourceSeen]


class Evaluations:
    """What the evaluator reads and writes, on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- reading --------------------------------------------------------------------------------------------

    def news(self, after: dialect.Place, limit: int = 2000) -> News:
        """What has happened after a place in the change feed, and how things stand; read it before arrivals."""
        position, state = schema.position.c, schema.source_state.c
        heard = sa.select(state.source, state.last_event_at).where(state.last_event_at.is_not(None))
        with self._database.read() as connection:
            progress = connection.execute(sa.select(position.lane, position.progress)).all()
            rows = connection.execute(dialect.changes_after(connection, after).limit(limit)).all()
            sources = connection.execute(heard).all()
        return News(
            progress={row[0]: row[1] for row in progress},
            changes=[((row.xid, row.id), row.type, row.topic, row.at) for row in rows],
            sources=[SourceSeen(row[0], row[1]) for row in sources],
        )

    def last_change(self) -> dialect.Place:
        """The newest place in the change feed."""
        with self._database.read() as connection:
            return dialect.changes_end(connection)

    def rebuilds(self) -> dict[str, int]:
        """Topics whose history was added to since it was last read → the newest entry of the change feed that says so."""
        change = schema.change.c
        query = sa.select(change.topic, sa.func.max(change.id)).group_by(change.topic)
        with self._database.read() as connection:
            rows = connection.execute(query.where(schema.teaches, change.topic.is_not(None))).all()
        known = self.remembered(topic for topic, _ in rows)
        taught = {topic: one.state.taught for topic, one in known.items() if one.state}
        return {topic: newest for topic, newest in rows if newest > taught.get(topic, -1)}

    def close_lanes(self, lanes: frozenset[int], until: int) -> None:
        """Nothing may be booked into minutes before `until` (epoch s) by these lanes any more, however late they come."""
        position = schema.position
        open_ = sa.and_(position.c.lane.in_(lanes), position.c.closed < until)
        with self._database.write() as connection:
            connection.execute(sa.update(position).where(open_).values(closed=until))

    def remembered(self, topics: Iterable[str]) -> dict[str, Remembered]:
        """Topic → its tracker."""
        table = schema.tracker
        with self._database.read() as connection:
            rows = connection.execute(sa.select(table).where(table.c.topic.in_(list(topics)))).mappings().all()
        return {row["topic"]: Remembered(row["rev"], _state.decode(row["state"]), row["due_at"]) for row in rows}

    def known(self) -> dict[str, int | None]:
        """Every tracked topic with when it is due (epoch s)."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(schema.tracker.c.topic, schema.tracker.c.due_at)).all()
        return {row[0]: row[1] for row in rows}

    def arrivals(self, topic: str, version: int, since: int) -> dict[int, Sum]:
        """Minute (epoch s) → what arrived in it, of one topic version, over all lanes and platforms."""
        asked = {"topic": topic, "version": version, "since": since}
        with self._database.read() as connection:
            return {row[0]: Sum(int(row[1]), int(row[2])) for row in connection.execute(_ARRIVALS, asked)}

    def history(self, topic: str, version: int, since: int, until: int) -> list[tuple[int, int]]:
        """(start of five minutes in epoch s, mentions) by claimed time, of what this version matches today."""
        match = schema.match.c
        bucket = (match.placed_at // (BUCKET * 1_000_000)).label("bucket")
        query = (
            sa.select(bucket, sa.func.count())
            .where(match.topic == topic, match.version == version)
            .where(match.placed_at >= since * 1_000_000, match.placed_at < until * 1_000_000)
            .group_by(bucket)
            .order_by(bucket)
        )
        with self._database.read() as connection:
            return [(int(row[0]) * BUCKET, int(row[1])) for row in connection.execute(query)]

    def said(self, topic: str, start: int, end: int) -> list[Said]:
        """The newest mentions of a topic that became known in [start, end) µs; at most 500."""
        with self._database.read() as connection:
            query = _said_in(topic, start, end).order_by(schema.mention.c.row.desc()).limit(_MATERIAL)
            return [_said(row) for row in connection.execute(query).mappings()]

    def stirring(self, topic: str, start: int, end: int) -> list[Said]:
        """Those others' originals of that time that draw the most reactions, then reach the most people: the first ten
        of all, and the first ten of the negative ones."""
        mention, match = schema.mention.c, schema.match.c
        most = (mention.engagement_total.desc(), sa.func.coalesce(mention.reach, 0).desc(), mention.row.desc())
        found: dict[str, Said] = {}
        with self._database.read() as connection:
            for chosen in (sa.true(), match.label == "negative"):
                earned = sa.and_(mention.voice == "earned", mention.kind != "repost", chosen)
                query = _said_in(topic, start, end).where(earned).order_by(*most).limit(_STIRRING)
                found |= {one.key: one for one in map(_said, connection.execute(query).mappings())}
        return list(found.values())

    def silenced(self, rule: str, topic: str, at: int) -> bool:
        """Whether somebody asked not to be told."""
        silence = schema.silence.c
        query = sa.select(silence.id).where(
            silence.starts_at <= at,
            silence.ends_at > at,
            sa.or_(silence.rule.is_(None), silence.rule == rule),
            sa.or_(silence.topic.is_(None), silence.topic == topic),
        )
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def told(self, alert: str) -> list[str]:
        """The channels in which an alert's firing was put."""
        box = schema.outbox.c
        with self._database.read() as connection:
            return list(connection.scalars(sa.select(box.channel).where(box.alert == alert, box.kind == "firing")))

    def alert(self, name: str) -> AlertRow | None:
        """An alert as it stands."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(schema.alert).where(schema.alert.c.id == name)).mappings().first()
        return AlertRow(**row) if row else None

    # ---- writing --------------------------------------------------------------------------------------------

    def commit(self, decided: Sequence[Decided]) -> None:
        """All of it in one transaction; raises Fenced, and changes nothing, where a tracker was moved by somebody else."""
        with self._database.write() as connection:
            for one in decided:
                _remember(connection, one)
                upsert(connection, schema.alert, [msgspec.structs.asdict(row) for row in one.alerts])
                for notice in one.notices:
                    connection.execute(
                        dialect.insert(connection, schema.outbox).on_conflict_do_nothing(),
                        msgspec.structs.asdict(notice),
                    )
                append_changes(connection, one.changes)


def _remember(connection: sa.Connection, one: Decided) -> None:
    table = schema.tracker
    values = {"rev": one.rev + 1, "state": _encode(one.state), "due_at": one.due}
    if one.rev == 0:
        insert = dialect.insert(connection, table).values(topic=one.topic, **values)
        statement = insert.on_conflict_do_nothing().returning(table.c.topic)
    else:
        same = sa.and_(table.c.topic == one.topic, table.c.rev == one.rev)
        statement = sa.update(table).where(same).values(values).returning(table.c.topic)
    if connection.execute(statement).first() is None:
        raise Fenced(f"the tracker of {one.topic!r} was moved by another owner")


def _said_in(topic: str, start: int, end: int) -> sa.Select[Any]:
    mention, match = schema.mention.c, schema.match.c
    query = sa.select(schema.mention, match.label)
    query = query.join(schema.match, match.row == mention.row)
    # By rows, which are made in the order of time, but for those that were kept late: what they answer came after them.
    known = sa.and_(mention.observed_at >= start, mention.observed_at < end, mention.placed_at >= start - _LATE)
    return query.where(match.topic == topic, match.row >= row_after(0, start, 0), known)


def _said(row: sa.RowMapping) -> Said:
    return Said(
        key=key_text(row["key"]),
        text=row["text"] or row["title"] or "",
        language=row["language"],
        platform=row["platform"],
        author_key=row["author_key"].hex() if row["author_key"] else None,
        links=tuple(msgspec.json.decode(row["document"]).get("links", ())),
        reach=row["reach"],
        engagement=row["engagement_total"],
        kind=row["kind"],
        voice=row["voice"],
        label=row["label"],
    )
