"""The first schema."""

from alembic import op

from resonance.stores import dialect, schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    connection = op.get_bind()
    schema.metadata.create_all(connection)
    for statement in dialect.FULL_TEXT[connection.dialect.name]:
        op.execute(statement)
