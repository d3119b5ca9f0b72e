"""The role for dashboards reads counts, and nothing that anybody said or is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from resonance.model import Author, Mention, Upsert
from resonance.scoring import Scorer
from resonance.stores.database import Database
from resonance.stores.ledger import SqlLedger
from tests.support.machine import START, Machine, at
from tests.support.postgres import Server
from tests.support.scoring import scorer

ROLE = Path(__file__).parents[2] / "deploy" / "grafana" / "role.sql"
SCORER: Scorer = scorer()


@pytest.fixture
def asked(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    url = postgres.url()
    database = Database(url, schema="acme")
    database.migrate()
    machine = Machine(SCORER, 3, ledger=SqlLedger(database))
    for number in range(6):
        mention = Mention(
            id=f"test:{number}",
            platform="test",
            source="test",
            text="die bahn ist schlecht",
            published_at=at(number),
            author=Author(id=str(number), handle="anna"),
        )
        machine.put([Upsert(mention=mention, observed_at=at(number))], stamp=at(number))
    machine.work()
    name = url.rpartition("/")[2]
    connection = ("-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-d", name)
    postgres.run("psql", *connection, "-v", "ON_ERROR_STOP=1", "-v", "schema=acme", "-v", "password=p", "-f", str(ROLE))
    with psycopg.connect(
        host="127.0.0.1", port=postgres.port, user="resonance_grafana", password="p", dbname=name, autocommit=True
    ) as made:
        yield made
    database.close()
    postgres.run("psql", *connection, "-c", "DROP OWNED BY resonance_grafana", "-c", "DROP ROLE resonance_grafana")


def test_the_views_add_up_lanes(asked: psycopg.Connection[Any]) -> None:
    volume = asked.execute("SELECT time, topic, platform, mentions, negative FROM grafana_volume").fetchall()
    assert volume == [(START, "bahn", "test", 6, 6)]
    assert len(asked.execute("SELECT progress FROM grafana_lane").fetchall()) == 3
    assert asked.execute("SELECT * FROM grafana_alert").fetchall() == []
    assert asked.execute("SELECT * FROM grafana_dead_letter").fetchall() == []


def test_the_role_reads_nothing_else_and_writes_nothing(asked: psycopg.Connection[Any]) -> None:
    for table in ("mention", "author", "identity", "outbox", '"window"', "orphan"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            asked.execute(f"SELECT * FROM {table}")
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
        asked.execute("CREATE TABLE acme.mine (x int)")
    columns = asked.execute(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'acme'"
    ).fetchall()
    assert columns and not {"text", "title", "author_key", "handle", "payload", "reasons"} & {
        row[0].partition(".")[2] for row in columns
    }
    assert {row[0].partition(".")[0] for row in columns} == {
        "grafana_volume",
        "grafana_alert",
        "grafana_lane",
        "grafana_dead_letter",
    }
