"""The first schema, as it was: later revisions change it, `resonance.stores.schema` says what it is today."""

from alembic import op

from resonance.stores import dialect
from resonance.stores.migrations.first import evaluate, people, process

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    people.create()
    process.create()
    evaluate.create()
    if op.get_bind().dialect.name == "postgresql":
        for name in ("mention", "match"):
            op.execute(f"CREATE TABLE {name}_other PARTITION OF {name} DEFAULT")
    for statement in dialect.FULL_TEXT[op.get_bind().dialect.name]:
        op.execute(statement)
