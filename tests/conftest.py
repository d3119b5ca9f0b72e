"""Fixtures for every test: servers, and a store's address on each database that it may lie on."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from deploy.native.kafka import Brokers
from resonance.stores.database import Database
from tests.support.kafka import running as running_kafka
from tests.support.postgres import Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL for all tests of this process; each takes a database of its own."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def broker() -> Iterator[Brokers]:
    """One Kafka broker for all tests of this process; each takes a stream of its own."""
    with running_kafka() as made:
        yield made
        # kafka-python leaves the sockets of a failed bootstrap to the garbage collector.
        gc.collect()


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(store_kind: str, request: pytest.FixtureRequest) -> str:
    """The address of an empty store."""
    if store_kind == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.url()


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """An empty store on each database."""
    made = Database(store_url)
    made.migrate()
    yield made
    made.close()
