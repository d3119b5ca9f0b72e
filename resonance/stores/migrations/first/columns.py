"""Columns as the first schema has them."""

import sqlalchemy as sa

COUNTS = (
    "mentions",
    "originals",
    "reposts",
    "weight",
    "p_negative",
    "p_neutral",
    "p_positive",
    "negative",
    "neutral",
    "positive",
    "uncertain",
    "reach",
    "reach_unknown",
    "likes",
    "replies",
    "reposted",
    "quotes",
    "views",
)


def text(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[str]:
    """A text."""
    return sa.Column(name, sa.Text, primary_key=key, nullable=null, server_default=default)


def small(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[int]:
    """An integer of four bytes."""
    return sa.Column(name, sa.Integer, primary_key=key, nullable=null, server_default=default, autoincrement=False)


def big(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[int]:
    """An integer of eight bytes."""
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=null, server_default=default, autoincrement=False)


def rising(name: str, *, key: bool, auto: bool = False) -> sa.Column[int]:
    """A key that rises."""
    # SQLite knows its row number by the type INTEGER only.
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=key, nullable=False, autoincrement=auto)


def real(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[float]:
    """A float."""
    return sa.Column(name, sa.Float, nullable=null, server_default=default)


def binary(name: str, *, length: int | None = None, key: bool = False, null: bool = False) -> sa.Column[bytes]:
    """Bytes."""
    return sa.Column(name, sa.LargeBinary(length), primary_key=key, nullable=null)
