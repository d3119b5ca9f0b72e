"""What adds to a topic's history is found without reading the whole change feed."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A partial index."""
    teaches = text("type IN ('topic.rebuild', 'topic.backfilled')")
    op.create_index("change_teaches", "change", ["topic", "id"], sqlite_where=teaches, postgresql_where=teaches)
