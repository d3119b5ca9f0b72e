"""The migrations, one after the other, build what `schema` says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.migrate import migrate


def _described(engine: sa.Engine) -> dict[str, object]:
    """Every table and index as SQLite keeps it, blanks and the order of columns apart."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'mention_text%'"
    with engine.connect() as connection:
        rows = connection.execute(sa.text(query)).all()
    return {name: sorted(re.findall(r"[^\s,()]+|[,()]", text)) for name, text in rows}


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


def _upgrade(connection: sa.Connection, name: str) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        importlib.import_module(f"resonance.stores.migrations.versions.{name}").upgrade()


def test_what_a_mention_answers_is_still_known_when_it_moves_to_the_identity(store_url: str) -> None:
    engine = Database(store_url).engine
    with engine.begin() as connection:
        _upgrade(connection, "0001_first")
        _upgrade(connection, "0002_retention")
        for name, more in (("identity", {"key": b"k" * 16}), ("mention", {"key": b"k" * 16, "root": b"r" * 16})):
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            needed = {
                c.name: "" if isinstance(c.type, sa.Text) else 0
                for c in table.columns
                if not c.nullable and c.server_default is None
            }
            connection.execute(sa.insert(table).values(needed | more | {"row": 7}))
        _upgrade(connection, "0003_roots")
        assert connection.scalar(sa.select(schema.identity.c.root)) == b"r" * 16
        assert connection.scalar(sa.select(schema.mention.c.key)) == b"k" * 16
    engine.dispose()
