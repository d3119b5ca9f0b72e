"""The first schema, as it was: later revisions change it, `resonance.stores.schema` says what it is today."""

import sqlalchemy as sa
from alembic import op

from resonance.stores import dialect

revision = "0001"
down_revision = None


def text(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null, server_default=default)


def small(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=key, nullable=null, server_default=default, autoincrement=False)


def big(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=null, server_default=default, autoincrement=False)


def rising(name: str, *, key: bool, auto: bool = False) -> sa.Column[int]:
    # SQLite knows its row number by the type INTEGER only.
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=key, nullable=False, autoincrement=auto)


def real(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=null, server_default=default)


def binary(name: str, *, length: int | None = None, key: bool = False, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(length), primary_key=key, nullable=null)


def upgrade() -> None:
    """Create everything."""
    written_by_people_and_sources()
    written_by_process()
    written_by_evaluate_and_notify()
    if op.get_bind().dialect.name == "postgresql":
        for name in ("mention", "match"):
            op.execute(f"CREATE TABLE {name}_other PARTITION OF {name} DEFAULT")
    for statement in dialect.FULL_TEXT[op.get_bind().dialect.name]:
        op.execute(statement)


def written_by_people_and_sources() -> None:
    op.create_table(
        "catalogue",
        text("kind", key=True),
        text("id", key=True),
        small("revision"),
        text("status", default="active"),
        text("body"),
        big("changed_at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "acknowledgement",
        text("alert", key=True),
        big("at"),
        text("by"),
        text("comment", null=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "silence",
        text("id", key=True),
        text("topic", null=True),
        text("rule", null=True),
        big("starts_at"),
        big("ends_at"),
        text("by"),
        text("comment", default=""),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "correction",
        binary("key", length=16, key=True),
        text("topic", key=True),
        text("label"),
        big("at"),
        text("by"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        rising("id", key=True, auto=True),
        big("at"),
        text("actor"),
        text("action"),
        text("subject"),
        text("detail", null=True),
    )
    op.create_table(
        "job",
        text("id", key=True),
        text("kind"),
        text("state"),
        real("progress", default="0"),
        text("request"),
        text("result", null=True),
        text("problem", null=True),
        text("cursor", null=True),
        big("created_at"),
        big("changed_at"),
        text("by"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "erasure", binary("author_key", length=16, key=True), big("at"), text("receipt"), sqlite_with_rowid=False
    )
    op.create_table(
        "idempotency",
        text("key", key=True),
        text("actor", key=True),
        text("fingerprint"),
        small("status"),
        text("body"),
        big("at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_key",
        text("id", key=True),
        text("name"),
        binary("secret_hash", length=32),
        text("permissions"),
        text("topics", null=True),
        big("created_at"),
        big("used_at", null=True),
        big("revoked_at", null=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source_state",
        text("source", key=True),
        text("token", null=True),
        big("epoch", default="0"),
        text("owner", null=True),
        big("lease_until", null=True),
        small("connected", default="0"),
        big("last_event_at", null=True),
        big("changed_at", null=True),
        text("counters", default="{}"),
        text("problem", null=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gap",
        rising("id", key=True, auto=True),
        text("source"),
        big("since_at", null=True),
        big("until_at"),
        text("reason"),
    )
    op.create_table("meta", text("name", key=True), text("value"), sqlite_with_rowid=False)


def written_by_process() -> None:
    op.create_table(
        "position",
        small("lane", key=True),
        text("incarnation"),
        big("offset", default="0"),
        big("event", default="0"),
        big("epoch", default="0"),
        big("progress", default="0"),
        big("closed", default="0"),
        big("catalogue_version", default="0"),
        big("last_row", default="0"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "identity",
        binary("key", length=16, key=True),
        text("id"),
        big("row", default="0"),
        small("lane"),
        big("placed_at"),
        big("observed_at"),
        big("stamp_at"),
        text("stamp_version"),
        text("stamp_content"),
        binary("author_key", length=16, null=True),
        big("deleted_at", null=True),
        text("unmatched", default=""),
        sqlite_with_rowid=False,
    )
    op.create_index("identity_author", "identity", ["author_key"])
    op.create_index("identity_observed", "identity", ["observed_at"])
    op.create_table(
        "mention",
        rising("row", key=True),
        binary("key", length=16),
        text("id"),
        text("platform"),
        text("source"),
        text("site", null=True),
        text("community", null=True),
        big("environment"),
        text("voice"),
        text("kind"),
        text("language", null=True),
        text("language_by"),
        real("language_confidence", null=True),
        text("text"),
        text("title", null=True),
        text("url", null=True),
        binary("author_key", length=16, null=True),
        big("followers", null=True),
        big("published_at"),
        big("placed_at"),
        big("observed_at"),
        big("logged_at"),
        big("edited_at", null=True),
        big("store_until", null=True),
        small("time_suspect", default="0"),
        binary("root", length=16, null=True),
        small("weight", default="1000"),
        text("engagement"),
        big("engagement_total", default="0"),
        big("reach", null=True),
        text("reach_by"),
        text("topics", default=""),
        text("document"),
        postgresql_partition_by="RANGE (row)",
    )
    op.create_index("mention_author", "mention", ["author_key"])
    op.create_index("mention_key", "mention", ["key"])
    op.create_index("mention_placed", "mention", ["placed_at"])
    op.create_index("mention_root", "mention", ["root"])
    op.create_table(
        "match",
        text("topic", key=True),
        big("row", key=True),
        small("version"),
        big("placed_at"),
        big("environment"),
        text("voice"),
        text("spans"),
        small("p_negative"),
        small("p_neutral"),
        small("p_positive"),
        text("label"),
        text("model"),
        small("inherited", default="0"),
        small("corrected", default="0"),
        big("reach", null=True),
        big("engagement_total", default="0"),
        small("resonance", null=True),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (row)",
    )
    op.create_index("match_placed", "match", ["topic", "placed_at"])
    op.create_index("match_row", "match", ["row"])
    op.create_table(
        "window",
        text("topic", key=True),
        small("resolution", key=True),
        big("bucket", key=True),
        big("environment", key=True),
        text("voice", key=True),
        small("lane", key=True),
        big("mentions", default="0"),
        big("originals", default="0"),
        big("reposts", default="0"),
        big("weight", default="0"),
        big("p_negative", default="0"),
        big("p_neutral", default="0"),
        big("p_positive", default="0"),
        big("negative", default="0"),
        big("neutral", default="0"),
        big("positive", default="0"),
        big("uncertain", default="0"),
        big("reach", default="0"),
        big("reach_unknown", default="0"),
        big("likes", default="0"),
        big("replies", default="0"),
        big("reposted", default="0"),
        big("quotes", default="0"),
        big("views", default="0"),
        small("formula", default="1"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "arrival",
        text("topic", key=True),
        small("version", key=True),
        big("minute", key=True),
        text("platform", key=True),
        small("lane", key=True),
        big("mentions", default="0"),
        big("originals", default="0"),
        big("reposts", default="0"),
        big("weight", default="0"),
        big("p_negative", default="0"),
        big("p_neutral", default="0"),
        big("p_positive", default="0"),
        big("negative", default="0"),
        big("neutral", default="0"),
        big("positive", default="0"),
        big("uncertain", default="0"),
        big("reach", default="0"),
        big("reach_unknown", default="0"),
        big("likes", default="0"),
        big("replies", default="0"),
        big("reposted", default="0"),
        big("quotes", default="0"),
        big("views", default="0"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orphan",
        rising("id", key=True, auto=True),
        small("lane"),
        text("kind"),
        binary("key", length=16),
        big("due_at"),
        binary("event"),
        text("mode", default="live"),
    )
    op.create_index("orphan_due", "orphan", ["lane", "due_at"])
    op.create_index("orphan_key", "orphan", ["key"])
    op.create_table(
        "author",
        binary("author_key", length=16, key=True),
        text("platform"),
        text("id"),
        text("handle", null=True),
        text("name", null=True),
        text("description", null=True),
        big("followers", null=True),
        small("verified", null=True),
        big("created_at", null=True),
        big("seen_at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "environment",
        big("id", key=True),
        text("platform"),
        text("community", null=True),
        text("language", null=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dead_letter",
        rising("id", key=True, auto=True),
        small("lane"),
        big("offset"),
        small("event"),
        big("at"),
        text("source"),
        text("reason"),
        text("problem"),
        binary("payload"),
        text("state", default="open"),
    )
    op.create_index("dead_letter_place", "dead_letter", ["lane", "offset", "event"], unique=True)
    op.create_table(
        "change",
        rising("id", key=True, auto=True),
        big("xid", default="0"),
        text("topic", null=True),
        text("type"),
        text("key"),
        big("at"),
        text("data", null=True),
        sqlite_autoincrement=True,
    )
    op.create_index("change_at", "change", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("change_place", "change", ["xid", "id"])


def written_by_evaluate_and_notify() -> None:
    op.create_table(
        "tracker",
        text("topic", key=True),
        small("rev"),
        binary("state"),
        big("due_at", null=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alert",
        text("id", key=True),
        text("fingerprint"),
        text("rule"),
        text("topic"),
        text("departments"),
        text("severity"),
        text("state"),
        big("pending_at"),
        big("fired_at", null=True),
        big("resolved_at", null=True),
        real("value", null=True),
        real("expected", null=True),
        real("score", null=True),
        big("bucket"),
        text("reasons"),
        text("mentions"),
        sqlite_with_rowid=False,
    )
    op.create_index("alert_fingerprint", "alert", ["fingerprint", "pending_at"])
    op.create_index("alert_pending", "alert", ["pending_at"])
    op.create_table(
        "outbox",
        rising("id", key=True, auto=True),
        text("idempotency_key"),
        text("channel"),
        text("grouping"),
        text("alert"),
        text("kind"),
        big("at"),
        big("real_at"),
        text("values"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_key", "outbox", ["idempotency_key"], unique=True)
    op.create_table(
        "feature",
        text("topic", key=True),
        big("quarter", key=True),
        big("near_duplicates", null=True),
        binary("authors", null=True),
        big("resonance_sum", null=True),
        big("resonance_count", null=True),
        text("cursor"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sketch",
        text("topic", key=True),
        text("name", key=True),
        text("cursor"),
        binary("state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "learned",
        text("name", key=True),
        text("cell", key=True),
        small("lane", key=True),
        text("values"),
        sqlite_with_rowid=False,
    )
    op.create_table("snapshot", small("number", key=True), big("at"), binary("body"), sqlite_with_rowid=False)
    op.create_table(
        "delivery",
        big("outbox", key=True),
        text("state"),
        small("attempts", default="0"),
        text("owner", null=True),
        big("lease_until", null=True),
        big("next_at", null=True),
        big("done_at", null=True),
        text("problem", null=True),
        sqlite_with_rowid=False,
    )
