"""How tables and columns are written down, the same for every part of the schema."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Key = sa.LargeBinary(16)


def table(name: str, *parts: sa.schema.SchemaItem, rowid: bool = False, by_day: bool = False) -> sa.Table:
    """A table that SQLite clusters by its primary key, unless `rowid`; `by_day`: PostgreSQL keeps the rows of each day
    apart (a row key begins with the time), so that a day can be dropped as one."""
    partition = "RANGE (row)" if by_day else None
    return sa.Table(name, metadata, *parts, sqlite_with_rowid=rowid, postgresql_partition_by=partition)


def column(
    name: str, kind: object = sa.Text, *, key: bool = False, null: bool = False, default: str | None = None
) -> sa.Column[object]:
    return sa.Column(name, kind, primary_key=key, nullable=null, autoincrement=False, server_default=default)  # type: ignore[arg-type]


def sums(names: tuple[str, ...]) -> list[sa.Column[object]]:
    return [column(name, sa.BigInteger, default="0") for name in names]
