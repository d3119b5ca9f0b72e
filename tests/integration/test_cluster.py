"""A cluster does what one machine does, whatever happens to its processes: every row is equal in the end."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import Cluster, catalogue, contents, truth
from tests.support.kafka import Broker, running
from tests.support.postgres import Server
from tests.support.recording import record

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
EVENTS = int(os.environ.get("RESONANCE_TEST_EVENTS", "10000"))
RATE = 700


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with running() as made:
        yield made


@dataclass
class Story:
    """A recording, and what one machine makes of it."""

    file: Path
    start: datetime
    last: datetime
    expected: dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    start = datetime.now(UTC) - timedelta(seconds=EVENTS + 2000)
    last = record(folder / "events.jsonl", start, EVENTS)
    expected = truth(folder / "truth", catalogue(folder / "events.jsonl", start - timedelta(minutes=5), 0), last)
    assert len(expected["mention"]) > EVENTS / 5
    assert len(expected["alert"]) == 1
    return Story(folder / "events.jsonl", start, last, expected)


@pytest.fixture
def cluster(tmp_path: Path, broker: Broker, postgres: Server, story: Story) -> Iterator[Cluster]:
    namespace = f"t{random.randrange(10**9)}"
    made = Cluster(
        tmp_path / "cluster",
        [broker],
        postgres.url(),
        catalogue(story.file, story.start - timedelta(minutes=5), RATE),
        settings=f'namespace = "{namespace}"',
    )
    made.run("streams", "create")
    yield made
    made.stop()


def same(cluster: Cluster, story: Story) -> None:
    """Wait for the end of the recording; then everything is equal."""
    cluster.until(lambda: cluster.caught_up(story.last))
    deadline = time.monotonic() + 20
    while (found := contents(cluster.database)) != story.expected and time.monotonic() < deadline:
        time.sleep(0.5)
    for name, rows in story.expected.items():
        missing, more = set(rows) - set(found[name]), set(found[name]) - set(rows)
        pairs = [(one, [two for two in more if two[0] == one[0]]) for one in sorted(missing)[:6]]
        assert not missing and not more, f"{name}: {len(missing)} missing, {len(more)} more: {pairs}"


def share(cluster: Cluster, part: float) -> None:
    """Wait until about this part of the recording is stored."""
    cluster.until(lambda: cluster.stored() >= part * 0.7 * EVENTS)


def test_two_workers_do_what_one_machine_does(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    same(cluster, story)
