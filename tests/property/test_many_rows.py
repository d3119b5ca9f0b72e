"""Many rows at once come back as they were, whatever stands in them, on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resonance.stores import dialect, schema
from resonance.stores.database import Database, insert, upsert

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
AWKWARD = st.sampled_from(["", "NULL", '"', "\\", "{}", '{"a"}', "a,b", " x ", "\\x00", "'", "\n", "%s", ":x", "日本"])
BIG = st.integers(-(2**63), 2**63 - 1)


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    text = TEXTS | AWKWARD
    row = st.fixed_dictionaries(
        {
            "author_key": st.binary(min_size=16, max_size=16),
            "platform": text,
            "id": text,
            "handle": st.none() | text,
            "name": st.none() | text,
            "description": st.none() | text,
            "followers": st.none() | BIG,
            "verified": st.none() | st.integers(0, 1),
            "created_at": st.none() | BIG,
            "seen_at": BIG,
        }
    )
    return st.lists(row, min_size=1, max_size=12, unique_by=lambda row: row["author_key"])


def stored(connection: sa.Connection, keys: list[bytes]) -> list[dict[str, Any]]:
    found = dialect.rows_among(connection, schema.author, schema.author.c.author_key, keys)
    return sorted((dict(row) for row in found), key=lambda row: row["author_key"])


@FEW
@given(before=rows(), after=rows())
def test_rows_come_back_as_they_were_last_written(
    database: Database, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    keys = [row["author_key"] for row in (*before, *after)]
    with database.write() as connection:
        connection.execute(sa.delete(schema.author))
        insert(connection, schema.author, before)
        upsert(connection, schema.author, after)
        insert(connection, schema.author, before, new=False)
    expected = {row["author_key"]: row for row in (*before, *after)}
    with database.read() as connection:
        assert stored(connection, keys) == [expected[key] for key in sorted(expected)]
        assert stored(connection, keys[:1]) == [expected[keys[0]]]
        few = dialect.among(connection, schema.author.c.author_key, keys[:1])
        assert connection.scalars(sa.select(schema.author.c.seen_at).where(few)).all() == [expected[keys[0]]["seen_at"]]


@FEW
@given(st.lists(st.tuples(BIG, st.floats(allow_nan=False)), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
def test_numbers_keep_their_value(database: Database, pairs: list[tuple[int, float]]) -> None:
    row = dict.fromkeys((column.name for column in schema.alert.c), "x")
    row |= {"pending_at": 1, "fired_at": None, "resolved_at": None, "expected": None, "score": None}
    values = [row | {"id": str(number), "bucket": number, "value": value} for number, value in pairs]
    with database.write() as connection:
        connection.execute(sa.delete(schema.alert))
        upsert(connection, schema.alert, values)
        found = connection.execute(sa.select(schema.alert.c.bucket, schema.alert.c.value)).all()
    assert sorted(map(tuple, found)) == sorted(pairs)
