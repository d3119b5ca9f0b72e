"""Many rows at once: each value in its own column, whatever the order in which a row names them, on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from resonance.stores import schema
from resonance.stores.database import Database, insert, upsert


def rows(database: Database, table: sa.Table) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]


def test_a_row_may_name_its_columns_in_any_order(database: Database) -> None:
    one = {"id": 7, "platform": "bluesky", "community": None, "language": "de"}
    with database.write() as connection:
        upsert(connection, schema.environment, [dict(reversed(one.items()))])
        insert(connection, schema.environment, [{**dict(reversed(one.items())), "id": 8}])
    assert rows(database, schema.environment) == [(7, "bluesky", None, "de"), (8, "bluesky", None, "de")]


def test_a_single_column_is_written_too_and_the_rest_is_the_tables_default(database: Database) -> None:
    with database.write() as connection:
        insert(connection, schema.position, [{"lane": lane, "incarnation": ""} for lane in (1, 0)])
        upsert(connection, schema.position, [{"incarnation": "x", "lane": 1}])
    assert [row[:3] for row in rows(database, schema.position)] == [(0, "", 0), (1, "x", 0)]


def test_columns_that_add_up_add_up_and_those_to_keep_stay(database: Database) -> None:
    key = {"topic": "t", "version": 1, "platform": "p", "minute": 60, "lane": 0}
    with database.write() as connection:
        for mentions in (2, 3):
            upsert(connection, schema.arrival, [{"mentions": mentions, **key}], add=schema.COUNTS)
        upsert(connection, schema.meta, [{"name": "a", "value": "1"}])
        upsert(connection, schema.meta, [{"value": "2", "name": "a"}], keep=("value",))
        insert(connection, schema.meta, [{"value": "3", "name": "a"}, {"value": "4", "name": "b"}], new=False)
    assert rows(database, schema.arrival)[0][:6] == ("t", 1, 60, "p", 0, 5)
    assert rows(database, schema.meta)[-2:] == [("a", "1"), ("b", "4")]
