"""The tables in which people and sources leave their marks: written by the API and by ingest. Columns as in `schema`."""

from __future__ import annotations

import sqlalchemy as sa

from resonance.stores.columns import Big, Key, column, metadata, table

# ---- written by the API -------------------------------------------------------------------------------------

entry = table(
    "catalogue",
    column("kind", key=True),
    column("id", key=True),
    column("revision", sa.Integer),
    column("status", default="active"),
    column("body"),
    column("changed_at", sa.BigInteger),
)
"""One row an entry of the catalogue; `body` is its JSON; `revision` is the ETag."""

acknowledgement = table(
    "acknowledgement",
    column("alert", key=True),
    column("at", sa.BigInteger),
    column("by"),
    column("comment", null=True),
)

silence = table(
    "silence",
    column("id", key=True),
    column("topic", null=True),
    column("rule", null=True),
    column("starts_at", sa.BigInteger),
    column("ends_at", sa.BigInteger),
    column("by"),
    column("comment", default=""),
)

correction = table(
    "correction",
    column("key", Key, key=True),
    column("topic", key=True),
    column("label"),
    column("at", sa.BigInteger),
    column("by"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    column("at", sa.BigInteger),
    column("actor"),
    column("action"),
    column("subject"),
    column("detail", null=True),
)

job = table(
    "job",
    column("id", key=True),
    column("kind"),
    column("state"),
    column("progress", sa.Float, default="0"),
    column("request"),
    column("result", null=True),
    column("problem", null=True),
    column("cursor", null=True),
    column("created_at", sa.BigInteger),
    column("changed_at", sa.BigInteger),
    column("by"),
)
"""`state`: queued, running, done, failed, cancelled."""

api_key = table(
    "api_key",
    column("id", key=True),
    column("name"),
    column("secret_hash", sa.LargeBinary(32)),
    column("permissions"),
    column("topics", null=True),
    column("created_at", sa.BigInteger),
    column("used_at", sa.BigInteger, null=True),
    column("revoked_at", sa.BigInteger, null=True),
)

idempotency = table(
    "idempotency",
    column("key", key=True),
    column("actor", key=True),
    column("fingerprint"),
    column("status", sa.Integer),
    column("body"),
    column("at", sa.BigInteger),
)

# ---- written by ingest --------------------------------------------------------------------------------------

source_state = table(
    "source_state",
    column("source", key=True),
    column("token", null=True),
    column("epoch", sa.BigInteger, default="0"),
    column("owner", null=True),
    column("lease_until", sa.BigInteger, null=True),
    column("connected", sa.Integer, default="0"),
    column("last_event_at", sa.BigInteger, null=True),
    column("changed_at", sa.BigInteger, null=True),
    column("counters", default="{}"),
    column("problem", null=True),
)
"""`token`: the resume token of what the log has acknowledged. `counters`: JSON of totals (events, duplicates, rejected,
reconnects, gaps, deletes, unknown)."""

gap = sa.Table(
    "gap",
    metadata,
    sa.Column("id", Big, primary_key=True, autoincrement=True),
    column("source"),
    column("since_at", sa.BigInteger, null=True),
    column("until_at", sa.BigInteger),
    column("reason"),
)

erasure = table("erasure", column("author_key", Key, key=True), column("at", sa.BigInteger), column("receipt"))
"""The list of erased authors; consulted in every slice."""
