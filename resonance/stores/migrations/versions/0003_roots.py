"""What a mention answers or repeats stands with its identity: one index finds it, however many days are kept apart."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """The roots move to their new place."""
    op.add_column("identity", sa.Column("root", sa.LargeBinary(16), nullable=True))
    answers = sa.text("root IS NOT NULL")
    op.create_index("identity_root", "identity", ["root"], sqlite_where=answers, postgresql_where=answers)
    op.execute(
        'UPDATE identity SET root = (SELECT mention.root FROM mention WHERE mention."row" = identity."row")'
        ' WHERE identity."row" > 0'
    )
    op.drop_index("mention_root", "mention")
    op.drop_column("mention", "root")
