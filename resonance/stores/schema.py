"""The tables of the store, for SQLite and PostgreSQL alike. Columns ending in `_at` are microseconds since 1970 (UTC);
buckets and minutes are epoch seconds; probabilities and weights are integer thousandths. Who writes what stands with each.
"""

from __future__ import annotations

import sqlalchemy as sa

from resonance.changes import REBUILDS
from resonance.stores.columns import Big, Key, column, metadata, sums, table
from resonance.stores.control import (
    acknowledgement,
    api_key,
    audit,
    correction,
    entry,
    erasure,
    gap,
    idempotency,
    job,
    silence,
    source_state,
)

__all__ = [
    "COUNTS",
    "acknowledgement",
    "alert",
    "api_key",
    "arrival",
    "audit",
    "author",
    "change",
    "channel_off",
    "correction",
    "dead_letter",
    "delivery",
    "entry",
    "environment",
    "erasure",
    "feature",
    "gap",
    "head",
    "idempotency",
    "identity",
    "job",
    "learned",
    "match",
    "mention",
    "meta",
    "metadata",
    "outbox",
    "position",
    "silence",
    "sketch",
    "snapshot",
    "source_state",
    "tracker",
    "waiting",
    "window",
]

# ---- what is true of the whole store ------------------------------------------------------------------------

meta = table("meta", column("name", key=True), column("value"))
"""Incarnation, installation key check, catalogue version, number of lanes, the demo's pace."""

# ---- written by process -------------------------------------------------------------------------------------

position = table(
    "position",
    column("lane", sa.Integer, key=True),
    column("incarnation"),
    *(
        column(name, sa.BigInteger, default="0")
        for name in ("offset", "event", "epoch", "progress", "closed", "catalogue_version", "last_row")
    ),
)

identity = table(
    "identity",
    column("key", Key, key=True),
    column("id"),
    column("row", sa.BigInteger, default="0"),
    column("lane", sa.Integer),
    column("placed_at", sa.BigInteger),
    column("observed_at", sa.BigInteger),
    column("stamp_at", sa.BigInteger),
    column("stamp_version"),
    column("stamp_content"),
    column("author_key", Key, null=True),
    column("deleted_at", sa.BigInteger, null=True),
    column("unmatched", default=""),
    column("root", Key, null=True),
)
sa.Index("identity_observed", identity.c.observed_at)
sa.Index("identity_author", identity.c.author_key)
_answers = identity.c.root.is_not(None)
sa.Index("identity_root", identity.c.root, sqlite_where=_answers, postgresql_where=_answers)
_taken = identity.c.row < 0
sa.Index("identity_taken", identity.c.row, sqlite_where=_taken, postgresql_where=_taken)
"""`row`: 0 where nothing of it is kept; the day since 1 January of year 1, negative, on which its row was taken away
before the others of its time. A row that is no longer there was taken away with its day. `root`: the key of what a kept
mention reposts or answers."""

mention = table(
    "mention",
    column("row", Big, key=True),
    column("key", Key),
    column("id"),
    column("platform"),
    column("source"),
    column("site", null=True),
    column("community", null=True),
    column("environment", sa.BigInteger),
    column("voice"),
    column("kind"),
    column("language", null=True),
    column("language_by"),
    column("language_confidence", sa.Float, null=True),
    column("text"),
    column("title", null=True),
    column("url", null=True),
    column("author_key", Key, null=True),
    column("followers", sa.BigInteger, null=True),
    column("published_at", sa.BigInteger),
    column("placed_at", sa.BigInteger),
    column("observed_at", sa.BigInteger),
    column("logged_at", sa.BigInteger),
    column("edited_at", sa.BigInteger, null=True),
    column("store_until", sa.BigInteger, null=True),
    column("time_suspect", sa.Integer, default="0"),
    column("weight", sa.Integer, default="1000"),
    column("engagement"),
    column("engagement_total", sa.BigInteger, default="0"),
    column("reach", sa.BigInteger, null=True),
    column("reach_by"),
    column("topics", default=""),
    column("document"),
    rowid=True,
    by_day=True,
)
"""`document`: the remaining fields of the mention as JSON. `topics`: the live topics as full-text tokens.
`engagement`: JSON kind → [count, known at]."""
sa.Index("mention_key", mention.c.key)
sa.Index("mention_placed", mention.c.placed_at)
sa.Index("mention_author", mention.c.author_key)
_bounded = mention.c.store_until.is_not(None)
sa.Index("mention_until", mention.c.store_until, sqlite_where=_bounded, postgresql_where=_bounded)

match = table(
    "match",
    column("topic", key=True),
    column("row", sa.BigInteger, key=True),
    column("version", sa.Integer),
    column("placed_at", sa.BigInteger),
    column("environment", sa.BigInteger),
    column("voice"),
    column("spans"),
    column("p_negative", sa.Integer),
    column("p_neutral", sa.Integer),
    column("p_positive", sa.Integer),
    column("label"),
    column("model"),
    column("inherited", sa.Integer, default="0"),
    column("corrected", sa.Integer, default="0"),
    column("since", sa.BigInteger, default="0"),
    column("reach", sa.BigInteger, null=True),
    column("engagement_total", sa.BigInteger, default="0"),
    column("resonance", sa.Integer, null=True),
    by_day=True,
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

window = table(
    "window",
    column("topic", key=True),
    column("resolution", sa.Integer, key=True),
    column("bucket", sa.BigInteger, key=True),
    column("environment", sa.BigInteger, key=True),
    column("voice", key=True),
    column("lane", sa.Integer, key=True),
    *sums(tuple(COUNTS)),
    column("formula", sa.Integer, default="1"),
)
"""`resolution`: 60, 900 or 86,400 s. What is older than 90 days stands twice, for ever: by quarter-hour over all
environments (`environment` 0), and by day and environment. See `folding`."""

arrival = table(
    "arrival",
    column("topic", key=True),
    column("version", sa.Integer, key=True),
    column("minute", sa.BigInteger, key=True),
    column("platform", key=True),
    column("lane", sa.Integer, key=True),
    *sums(tuple(COUNTS)),
)

waiting = table(
    "orphan",
    column("id", Big, key=True),
    column("lane", sa.Integer),
    column("kind"),
    column("key", Key),
    column("due_at", sa.BigInteger),
    column("event", sa.LargeBinary),
    column("mode", default="live"),
    rowid=True,
)
waiting.c.id.autoincrement = True
sa.Index("orphan_key", waiting.c.key)
sa.Index("orphan_due", waiting.c.lane, waiting.c.due_at)

author = table(
    "author",
    column("author_key", Key, key=True),
    column("platform"),
    column("id"),
    column("handle", null=True),
    column("name", null=True),
    column("description", null=True),
    column("followers", sa.BigInteger, null=True),
    column("verified", sa.Integer, null=True),
    column("created_at", sa.BigInteger, null=True),
    column("seen_at", sa.BigInteger),
)

environment = table(
    "environment",
    column("id", sa.BigInteger, key=True),
    column("platform"),
    column("community", null=True),
    column("language", null=True),
)

dead_letter = table(
    "dead_letter",
    column("id", Big, key=True),
    column("lane", sa.Integer),
    column("offset", sa.BigInteger),
    column("event", sa.Integer),
    column("at", sa.BigInteger),
    column("source"),
    column("reason"),
    column("problem"),
    column("payload", sa.LargeBinary),
    column("state", default="open"),
    rowid=True,
)
dead_letter.c.id.autoincrement = True
sa.Index("dead_letter_place", dead_letter.c.lane, dead_letter.c.offset, dead_letter.c.event, unique=True)

# ---- written by every writer, in its own transaction --------------------------------------------------------

change = sa.Table(
    "change",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    column("xid", sa.BigInteger, default="0"),
    column("topic", null=True),
    column("type"),
    column("key"),
    column("at", sa.BigInteger),
    column("data", null=True),
    sqlite_autoincrement=True,
)
sa.Index("change_at", change.c.at)
teaches = sa.text(f"type IN {REBUILDS}")  # words, not values, so that an index may be of them alone
sa.Index("change_teaches", change.c.topic, change.c.id, sqlite_where=teaches, postgresql_where=teaches)
sa.Index("change_place", change.c.xid, change.c.id).ddl_if(dialect="postgresql")  # SQLite goes by its row numbers

# ---- written by evaluate ------------------------------------------------------------------------------------

tracker = table(
    "tracker",
    column("topic", key=True),
    column("rev", sa.Integer),
    column("state", sa.LargeBinary),
    column("due_at", sa.BigInteger, null=True),
)

alert = table(
    "alert",
    column("id", key=True),
    column("fingerprint"),
    column("rule"),
    column("topic"),
    column("departments"),
    column("severity"),
    column("state"),
    column("pending_at", sa.BigInteger),
    column("fired_at", sa.BigInteger, null=True),
    column("resolved_at", sa.BigInteger, null=True),
    column("value", sa.Float, null=True),
    column("expected", sa.Float, null=True),
    column("score", sa.Float, null=True),
    column("bucket", sa.BigInteger),
    column("reasons"),
    column("mentions"),
)
"""JSON in `departments`, `reasons`, `mentions` (keys as text). One row an incident."""
sa.Index("alert_fingerprint", alert.c.fingerprint, alert.c.pending_at)
sa.Index("alert_pending", alert.c.pending_at)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    column("idempotency_key"),
    column("channel"),
    column("grouping"),
    column("alert"),
    column("kind"),
    column("at", sa.BigInteger),
    column("real_at", sa.BigInteger),
    column("values"),
    sqlite_autoincrement=True,
)
"""`kind`: firing, resolved, test. `grouping`: the messages of one group in one channel are sent in order. `values`:
JSON of ids, codes and numbers. `at` is log time, `real_at` the wall clock's."""
sa.Index("outbox_key", outbox.c.idempotency_key, unique=True)

feature = table(
    "feature",
    column("topic", key=True),
    column("quarter", sa.BigInteger, key=True),
    column("near_duplicates", sa.BigInteger, null=True),
    column("authors", sa.LargeBinary, null=True),
    column("resonance_sum", sa.BigInteger, null=True),
    column("resonance_count", sa.BigInteger, null=True),
    column("cursor"),
)
sketch = table(
    "sketch", column("topic", key=True), column("name", key=True), column("cursor"), column("state", sa.LargeBinary)
)
learned = table(
    "learned",
    column("name", key=True),
    column("cell", key=True),
    column("lane", sa.Integer, key=True),
    column("values"),
)
snapshot = table(
    "snapshot", column("number", sa.Integer, key=True), column("at", sa.BigInteger), column("body", sa.LargeBinary)
)

# ---- written by notify --------------------------------------------------------------------------------------

delivery = table(
    "delivery",
    column("outbox", sa.BigInteger, key=True),
    column("state"),
    column("attempts", sa.Integer, default="0"),
    column("owner", null=True),
    column("lease_until", sa.BigInteger, null=True),
    column("next_at", sa.BigInteger, null=True),
    column("done_at", sa.BigInteger, null=True),
    column("problem", null=True),
)
"""`state`: sending, waiting (retry at `next_at`), sent, merged, failed (given up, `problem` says why). Real time throughout."""

channel_off = table(
    "channel_off",
    column("channel", key=True),
    column("revision", sa.Integer),
    column("problem"),
    column("at", sa.BigInteger),
)
"""Channels whose receiver wants no more messages; true of the catalogue entry of this `revision` only (0: it has none)."""

head = table(
    "head",
    column("channel", key=True),
    column("alert", key=True),
    column("begun_at", sa.BigInteger),
    column("place", null=True),
)
"""The message about an incident in a channel that can edit it. `place` null: it is being posted, or a crash came between."""
