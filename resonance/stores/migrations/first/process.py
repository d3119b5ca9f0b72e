"""What process writes, and the change feed."""

from alembic import op

from resonance.stores.migrations.first.columns import COUNTS, big, binary, real, rising, small, text


def create() -> None:
    """Create them."""
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
        *(big(name, default="0") for name in COUNTS),
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
        *(big(name, default="0") for name in COUNTS),
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
