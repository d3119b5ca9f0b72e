"""The message about an incident in a channel that can be edited later is remembered."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing was posted that way yet."""
    op.create_table(
        "head",
        sa.Column("channel", sa.Text, primary_key=True, nullable=False),
        sa.Column("alert", sa.Text, primary_key=True, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Text, nullable=True),
        sqlite_with_rowid=False,
    )
