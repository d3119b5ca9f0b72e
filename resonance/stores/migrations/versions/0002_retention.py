"""Two indexes by which retention finds what it takes away early, without looking at everything."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """They hold only the few rows that are concerned."""
    taken, bounded = sa.text('"row" < 0'), sa.text("store_until IS NOT NULL")
    op.create_index("identity_taken", "identity", ["row"], sqlite_where=taken, postgresql_where=taken)
    op.create_index("mention_until", "mention", ["store_until"], sqlite_where=bounded, postgresql_where=bounded)
