"""What people and sources write."""

from alembic import op

from resonance.stores.migrations.first.columns import big, binary, real, rising, small, text


def create() -> None:
    """Create them."""
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
