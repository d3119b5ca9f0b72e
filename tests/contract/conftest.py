"""What a contract is tried on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.native.kafka import Brokers
from tests.support.logs import Opened, embedded, on_kafka


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
