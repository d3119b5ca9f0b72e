"""A match knows since when its mention says so: replies and reposts inherit what their root said in time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What stands already counts as said from the start."""
    op.add_column("match", sa.Column("since", sa.BigInteger, nullable=False, server_default="0"))
