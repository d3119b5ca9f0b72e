"""The migrations, one after the other, build what `schema` says."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.migrate import migrate


def _described(engine: sa.Engine) -> dict[str, object]:
    """Every table and index as SQLite keeps it, blanks apart."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'mention_text%'"
    with engine.connect() as connection:
        rows = connection.execute(sa.text(query)).all()
    return {name: sorted(text.replace("\n", " ").replace("\t", " ").split()) for name, text in rows}


def test_a_migrated_store_is_the_schema_to_the_letter(tmp_path: Path) -> None:
    migrated, made = (Database(f"sqlite:///{tmp_path / name}").engine for name in ("migrated.db", "made.db"))
    migrate(migrated)
    schema.metadata.create_all(made)
    found = _described(migrated)
    found.pop("alembic_version")
    found.pop("sqlite_autoindex_alembic_version_1", None)
    assert found == _described(made)
    with migrated.connect() as connection:
        assert not [
            difference
            for difference in compare_metadata(MigrationContext.configure(connection), schema.metadata)
            if "mention_text" not in str(difference) and "change_place" not in str(difference)
        ]
    migrated.dispose()
    made.dispose()
