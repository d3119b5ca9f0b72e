"""The tables of the store, for SQLite and PostgreSQL alike. Columns ending in `_at` are microseconds since 1970 (UTC);
buckets and minutes are epoch seconds; probabilities and weights are integer thousandths. Who writes what stands with each.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Key = sa.LargeBinary(16)


def _table(name: str, *parts: sa.schema.SchemaItem, rowid: bool = False) -> sa.Table:
    """A table that SQLite clusters by its primary key, unless `rowid`."""
    return sa.Table(name, metadata, *parts, sqlite_with_rowid=rowid)


def _column(
    name: str, kind: object = sa.Text, *, key: bool = False, null: bool = False, default: str | None = None
) -> sa.Column[object]:
    return sa.Column(name, kind, primary_key=key, nullable=null, autoincrement=False, server_default=default)  # type: ignore[arg-type]


def _sums(names: tuple[str, ...]) -> list[sa.Column[object]]:
    return [_column(name, sa.BigInteger, default="0") for name in names]


# ---- what is true of the whole store ------------------------------------------------------------------------

meta = _table("meta", _column("name", key=True), _column("value"))
"""Incarnation, installation key check, catalogue version, number of lanes, the demo's pace."""

# ---- written by process -------------------------------------------------------------------------------------

position = _table(
    "position",
    _column("lane", sa.Integer, key=True),
    _column("incarnation"),
    *(
        _column(name, sa.BigInteger, default="0")
        for name in ("offset", "event", "epoch", "progress", "closed", "catalogue_version", "last_row")
    ),
)

identity = _table(
    "identity",
    _column("key", Key, key=True),
    _column("id"),
    _column("row", sa.BigInteger, default="0"),
    _column("lane", sa.Integer),
    _column("placed_at", sa.BigInteger),
    _column("observed_at", sa.BigInteger),
    _column("stamp_at", sa.BigInteger),
    _column("stamp_version"),
    _column("stamp_content"),
    _column("author_key", Key, null=True),
    _column("deleted_at", sa.BigInteger, null=True),
    _column("unmatched", default=""),
)
sa.Index("identity_observed", identity.c.observed_at)
sa.Index("identity_author", identity.c.author_key)

mention = _table(
    "mention",
    _column("row", Big, key=True),
    _column("key", Key),
    _column("id"),
    _column("platform"),
    _column("source"),
    _column("site", null=True),
    _column("community", null=True),
    _column("environment", sa.BigInteger),
    _column("voice"),
    _column("kind"),
    _column("language", null=True),
    _column("language_by"),
    _column("language_confidence", sa.Float, null=True),
    _column("text"),
    _column("title", null=True),
    _column("url", null=True),
    _column("author_key", Key, null=True),
    _column("followers", sa.BigInteger, null=True),
    _column("published_at", sa.BigInteger),
    _column("placed_at", sa.BigInteger),
    _column("observed_at", sa.BigInteger),
    _column("logged_at", sa.BigInteger),
    _column("edited_at", sa.BigInteger, null=True),
    _column("store_until", sa.BigInteger, null=True),
    _column("time_suspect", sa.Integer, default="0"),
    _column("root", Key, null=True),
    _column("weight", sa.Integer, default="1000"),
    _column("engagement"),
    _column("engagement_total", sa.BigInteger, default="0"),
    _column("reach", sa.BigInteger, null=True),
    _column("reach_by"),
    _column("topics", default=""),
    _column("document"),
    rowid=True,
)
"""`document`: the remaining fields of the mention as JSON. `topics`: the live topics as full-text tokens. `root`: the
key of what it reposts or answers. `engagement`: JSON kind → [count, known at]."""
sa.Index("mention_key", mention.c.key)
sa.Index("mention_placed", mention.c.placed_at)
sa.Index("mention_author", mention.c.author_key)
sa.Index("mention_root", mention.c.root)

match = _table(
    "match",
    _column("topic", key=True),
    _column("row", sa.BigInteger, key=True),
    _column("version", sa.Integer),
    _column("placed_at", sa.BigInteger),
    _column("environment", sa.BigInteger),
    _column("voice"),
    _column("spans"),
    _column("p_negative", sa.Integer),
    _column("p_neutral", sa.Integer),
    _column("p_positive", sa.Integer),
    _column("label"),
    _column("model"),
    _column("inherited", sa.Integer, default="0"),
    _column("corrected", sa.Integer, default="0"),
    _column("reach", sa.BigInteger, null=True),
    _column("engagement_total", sa.BigInteger, default="0"),
    _column("resonance", sa.Integer, null=True),
)
sa.Index("match_row", match.c.row)
sa.Index("match_placed", match.c.topic, match.c.placed_at)

COUNTS = [
    "mentions",
    "originals",
    "reposts",
    "weight",
    "p_negative",
    "p_neutral",
    "p_positive",
    "negative",
    "neutral",
    "positive",
    "uncertain",
    "reach",
    "reach_unknown",
    "likes",
    "replies",
    "reposted",
    "quotes",
    "views",
]

window = _table(
    "window",
    _column("topic", key=True),
    _column("resolution", sa.Integer, key=True),
    _column("bucket", sa.BigInteger, key=True),
    _column("environment", sa.BigInteger, key=True),
    _column("voice", key=True),
    _column("lane", sa.Integer, key=True),
    *_sums(tuple(COUNTS)),
    _column("formula", sa.Integer, default="1"),
)

arrival = _table(
    "arrival",
    _column("topic", key=True),
    _column("version", sa.Integer, key=True),
    _column("platform", key=True),
    _column("minute", sa.BigInteger, key=True),
    _column("lane", sa.Integer, key=True),
    *_sums(tuple(COUNTS)),
)

waiting = _table(
    "orphan",
    _column("id", Big, key=True),
    _column("lane", sa.Integer),
    _column("kind"),
    _column("key", Key),
    _column("due_at", sa.BigInteger),
    _column("event", sa.LargeBinary),
    _column("mode", default="live"),
    rowid=True,
)
waiting.c.id.autoincrement = True
sa.Index("orphan_key", waiting.c.key)
sa.Index("orphan_due", waiting.c.lane, waiting.c.due_at)

author = _table(
    "author",
    _column("author_key", Key, key=True),
    _column("platform"),
    _column("id"),
    _column("handle", null=True),
    _column("name", null=True),
    _column("description", null=True),
    _column("followers", sa.BigInteger, null=True),
    _column("verified", sa.Integer, null=True),
    _column("created_at", sa.BigInteger, null=True),
    _column("seen_at", sa.BigInteger),
)

environment = _table(
    "environment",
    _column("id", sa.BigInteger, key=True),
    _column("platform"),
    _column("community", null=True),
    _column("language", null=True),
)

dead_letter = _table(
    "dead_letter",
    _column("id", Big, key=True),
    _column("lane", sa.Integer),
    _column("offset", sa.BigInteger),
    _column("event", sa.Integer),
    _column("at", sa.BigInteger),
    _column("source"),
    _column("reason"),
    _column("problem"),
    _column("payload", sa.LargeBinary),
    _column("state", default="open"),
    rowid=True,
)
dead_letter.c.id.autoincrement = True
sa.Index("dead_letter_place", dead_letter.c.lane, dead_letter.c.offset, dead_letter.c.event, unique=True)

# ---- written by every writer, in its own transaction --------------------------------------------------------

change = sa.Table(
    "change",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    _column("xid", sa.BigInteger, default="0"),
    _column("topic", null=True),
    _column("type"),
    _column("key"),
    _column("at", sa.BigInteger),
    _column("data", null=True),
    sqlite_autoincrement=True,
)
sa.Index("change_at", change.c.at)

# ---- written by evaluate ------------------------------------------------------------------------------------

tracker = _table(
    "tracker",
    _column("topic", key=True),
    _column("rev", sa.Integer),
    _column("state", sa.LargeBinary),
    _column("due_at", sa.BigInteger, null=True),
)

alert = _table(
    "alert",
    _column("id", key=True),
    _column("fingerprint"),
    _column("rule"),
    _column("topic"),
    _column("departments"),
    _column("severity"),
    _column("state"),
    _column("pending_at", sa.BigInteger),
    _column("fired_at", sa.BigInteger, null=True),
    _column("resolved_at", sa.BigInteger, null=True),
    _column("value", sa.Float, null=True),
    _column("expected", sa.Float, null=True),
    _column("score", sa.Float, null=True),
    _column("bucket", sa.BigInteger),
    _column("reasons"),
    _column("mentions"),
)
"""JSON in `departments`, `reasons`, `mentions` (keys as text). One row an incident."""
sa.Index("alert_fingerprint", alert.c.fingerprint, alert.c.pending_at)
sa.Index("alert_pending", alert.c.pending_at)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    _column("idempotency_key"),
    _column("channel"),
    _column("grouping"),
    _column("alert"),
    _column("kind"),
    _column("at", sa.BigInteger),
    _column("real_at", sa.BigInteger),
    _column("values"),
    sqlite_autoincrement=True,
)
"""`kind`: firing, resolved, test. `grouping`: the messages of one group in one channel are sent in order. `values`:
JSON of ids, codes and numbers. `at` is log time, `real_at` the wall clock's."""
sa.Index("outbox_key", outbox.c.idempotency_key, unique=True)

feature = _table(
    "feature",
    _column("topic", key=True),
    _column("quarter", sa.BigInteger, key=True),
    _column("near_duplicates", sa.BigInteger, null=True),
    _column("authors", sa.LargeBinary, null=True),
    _column("resonance_sum", sa.BigInteger, null=True),
    _column("resonance_count", sa.BigInteger, null=True),
    _column("cursor"),
)
sketch = _table(
    "sketch", _column("topic", key=True), _column("name", key=True), _column("cursor"), _column("state", sa.LargeBinary)
)
learned = _table(
    "learned",
    _column("name", key=True),
    _column("cell", key=True),
    _column("lane", sa.Integer, key=True),
    _column("values"),
)
snapshot = _table(
    "snapshot", _column("number", sa.Integer, key=True), _column("at", sa.BigInteger), _column("body", sa.LargeBinary)
)

# ---- written by notify --------------------------------------------------------------------------------------

delivery = _table(
    "delivery",
    _column("outbox", sa.BigInteger, key=True),
    _column("state"),
    _column("attempts", sa.Integer, default="0"),
    _column("owner", null=True),
    _column("lease_until", sa.BigInteger, null=True),
    _column("next_at", sa.BigInteger, null=True),
    _column("done_at", sa.BigInteger, null=True),
    _column("problem", null=True),
)
"""`state`: sending, waiting (retry at `next_at`), sent, merged, failed (given up, `problem` says why). Real time throughout."""

# ---- written by the API -------------------------------------------------------------------------------------

entry = _table(
    "catalogue",
    _column("kind", key=True),
    _column("id", key=True),
    _column("revision", sa.Integer),
    _column("status", default="active"),
    _column("body"),
    _column("changed_at", sa.BigInteger),
)
"""One row an entry of the catalogue; `body` is its JSON; `revision` is the ETag."""

acknowledgement = _table(
    "acknowledgement",
    _column("alert", key=True),
    _column("at", sa.BigInteger),
    _column("by"),
    _column("comment", null=True),
)

silence = _table(
    "silence",
    _column("id", key=True),
    _column("topic", null=True),
    _column("rule", null=True),
    _column("starts_at", sa.BigInteger),
    _column("ends_at", sa.BigInteger),
    _column("by"),
    _column("comment", default=""),
)

correction = _table(
    "correction",
    _column("key", Key, key=True),
    _column("topic", key=True),
    _column("label"),
    _column("at", sa.BigInteger),
    _column("by"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    _column("at", sa.BigInteger),
    _column("actor"),
    _column("action"),
    _column("subject"),
    _column("detail", null=True),
)

job = _table(
    "job",
    _column("id", key=True),
    _column("kind"),
    _column("state"),
    _column("progress", sa.Float, default="0"),
    _column("request"),
    _column("result", null=True),
    _column("problem", null=True),
    _column("cursor", null=True),
    _column("created_at", sa.BigInteger),
    _column("changed_at", sa.BigInteger),
    _column("by"),
)
"""`state`: queued, running, done, failed, cancelled."""

api_key = _table(
    "api_key",
    _column("id", key=True),
    _column("name"),
    _column("secret_hash", sa.LargeBinary(32)),
    _column("permissions"),
    _column("topics", null=True),
    _column("created_at", sa.BigInteger),
    _column("used_at", sa.BigInteger, null=True),
    _column("revoked_at", sa.BigInteger, null=True),
)

idempotency = _table(
    "idempotency",
    _column("key", key=True),
    _column("actor", key=True),
    _column("fingerprint"),
    _column("status", sa.Integer),
    _column("body"),
    _column("at", sa.BigInteger),
)

# ---- written by ingest --------------------------------------------------------------------------------------

source_state = _table(
    "source_state",
    _column("source", key=True),
    _column("token", null=True),
    _column("epoch", sa.BigInteger, default="0"),
    _column("owner", null=True),
    _column("lease_until", sa.BigInteger, null=True),
    _column("connected", sa.Integer, default="0"),
    _column("last_event_at", sa.BigInteger, null=True),
    _column("changed_at", sa.BigInteger, null=True),
    _column("counters", default="{}"),
    _column("problem", null=True),
)
"""`token`: the resume token of what the log has acknowledged. `counters`: JSON of totals (events, duplicates, rejected,
reconnects, gaps, deletes, unknown)."""

gap = sa.Table(
    "gap",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    _column("source"),
    _column("since_at", sa.BigInteger, null=True),
    _column("until_at", sa.BigInteger),
    _column("reason"),
)

erasure = _table("erasure", _column("author_key", Key, key=True), _column("at", sa.BigInteger), _column("receipt"))
"""The list of erased authors; consulted in every slice."""
