"""What a contract is tried on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.native.kafka import Brokers
from tests.support.engines import Engine, Local, OnFaust
from tests.support.logs import Opened, embedded, on_kafka
from tests.support.postgres import Server


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.cluster)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """An empty log of three lanes."""
    if request.param == "embedded":
        with embedded(tmp_path) as made:
            yield made
    else:
        broker: Brokers = request.getfixturevalue("broker")
        with on_kafka(broker.addresses) as made:
            yield made


@pytest.fixture(params=["local", pytest.param("faust", marks=pytest.mark.cluster)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """One that runs, on an empty log and an empty store."""
    if request.param == "local":
        made: Engine = Local(tmp_path / "engine")
    else:
        broker: Brokers = request.getfixturevalue("broker")
        postgres: Server = request.getfixturevalue("postgres")
        made = OnFaust(tmp_path / "engine", broker.addresses, postgres.url())
    yield made
    made.close()
