"""What evaluate and notify write."""

from alembic import op

from resonance.stores.migrations.first.columns import big, binary, real, rising, small, text


def create() -> None:
    """Create them."""
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
