"""Looks for something in everything that a store holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from resonance.stores.database import Database


def found_in_rows(database: Database, needles: Sequence[str]) -> list[str]:
    """ "table.column: needle" for each needle in any column of any table, SQLite's full-text tables among them."""
    found = []
    with database.read() as connection:
        if connection.dialect.name == "sqlite":
            # The full-text table itself only shows what its shadow tables and `mention` hold.
            tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'mention_text'"
        else:
            tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        for table in connection.scalars(sa.text(tables)).all():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').mappings().all()
            for row in rows:
                for column, value in row.items():
                    text = bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                    found += [f"{table}.{column}: {needle}" for needle in _in(needles, text, value)]
    return sorted(set(found))


def found_in_files(folder: Path, needles: Sequence[str], pattern: str = "store.db*") -> list[str]:
    """ "file: needle" for each needle among the bytes of a store's files."""
    return sorted(
        f"{path.name}: {needle}"
        for path in folder.glob(pattern)
        for needle in needles
        if needle.encode() in path.read_bytes()
    )


def _in(needles: Sequence[str], text: str, value: object) -> list[str]:
    latin = isinstance(value, bytes | memoryview)
    return [needle for needle in needles if (needle.encode().decode("latin-1") if latin else needle) in text]
