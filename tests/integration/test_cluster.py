"""A cluster does what one machine does, whatever happens to its processes: every row is equal in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from deploy.native.kafka import Brokers
from tests.support.cluster import Cluster, catalogue, contents, truth
from tests.support.kafka import running
from tests.support.postgres import Server
from tests.support.recording import record

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
EVENTS = int(os.environ.get("RESONANCE_TEST_EVENTS", "10000"))
RATE = 700


@pytest.fixture(scope="module")
def broker() -> Iterator[Brokers]:
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
def cluster(tmp_path: Path, broker: Brokers, postgres: Server, story: Story) -> Iterator[Cluster]:
    namespace = f"t{random.randrange(10**9)}"
    made = Cluster(
        tmp_path / "cluster",
        broker.addresses,
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


def test_a_worker_may_join_and_another_leave(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    share(cluster, 0.2)
    cluster.start("work-3")
    share(cluster, 0.5)
    assert cluster.end("work-1") == 0
    same(cluster, story)


def test_kill_9_of_workers_loses_nothing_and_doubles_nothing(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    dice = random.Random(5)
    for number in range(5):
        share(cluster, 0.1 + number * 0.12)
        time.sleep(dice.uniform(0, 1))
        name = dice.choice(("work-1", "work-2"))
        cluster.kill(name)
        cluster.start(name)
    same(cluster, story)


def test_a_worker_that_was_asleep_is_fenced_off(cluster: Cluster, story: Story) -> None:
    """Stopped for longer than its session, also while nothing but evaluation is left to do."""
    cluster.start("work-1", "work-2", "ingest")
    share(cluster, 0.3)
    cluster.signal("work-1", signal.SIGSTOP)
    time.sleep(9)
    cluster.signal("work-1", signal.SIGCONT)
    cluster.until(lambda: cluster.caught_up(story.last))
    cluster.signal("work-2", signal.SIGSTOP)
    time.sleep(9)
    cluster.signal("work-2", signal.SIGCONT)
    same(cluster, story)
    assert cluster.processes["work-1"].poll() is None and cluster.processes["work-2"].poll() is None


def test_postgresql_may_crash_and_cut_connections_in_mid_transaction(
    cluster: Cluster, story: Story, postgres: Server
) -> None:
    cluster.start("work-1", "work-2", "ingest")
    share(cluster, 0.2)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(5):
        cluster.one(f"SELECT count(*) FROM ({cut}) AS gone")
        time.sleep(0.4)
    postgres.stop("immediate")
    cluster.database.close()
    time.sleep(2)
    postgres.start()
    same(cluster, story)


def test_an_ingester_may_die_in_mid_batch_and_two_read_no_source_twice(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "ingest-1", "ingest-2")
    share(cluster, 0.3)
    owner = str(cluster.one("SELECT owner FROM source_state WHERE source = 'recording'"))
    first = next(name for name in ("ingest-1", "ingest-2") if f"-{cluster.processes[name].pid}-" in owner)
    cluster.kill(first)
    cluster.start(first)
    # Whoever is left reads on once the lease of the dead has run out.
    same(cluster, story)
    counted = cluster.one("SELECT counters FROM source_state WHERE source = 'recording'")
    assert EVENTS <= json.loads(counted)["events"] <= EVENTS + 200


def test_a_store_restored_from_a_backup_is_brought_up_to_date_by_the_stream(
    cluster: Cluster, story: Story, postgres: Server
) -> None:
    cluster.start("work-1", "ingest")
    share(cluster, 0.3)
    name = cluster.url.rpartition("/")[2]
    connection = ("-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres")
    file = str(postgres.folder / f"{name}.dump")
    postgres.run("pg_dump", *connection, "-Fc", "-f", file, name)
    same(cluster, story)
    for process in ("work-1", "ingest"):
        assert cluster.end(process) == 0
    cluster.database.close()
    postgres.run("dropdb", *connection, name)
    postgres.run("createdb", *connection, name)
    postgres.run("pg_restore", *connection, "-d", name, file)
    # Kafka's committed offsets are far ahead now. The recording's place is restored, too: what it sends comes twice.
    cluster.start("work-1", "ingest")
    same(cluster, story)


def test_a_stream_that_was_made_anew_is_refused_with_a_clear_word(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "ingest")
    share(cluster, 0.1)
    for process in ("work-1", "ingest"):
        cluster.end(process)
    delete(cluster)
    cluster.run("streams", "create")
    cluster.start("work-1")
    assert cluster.processes["work-1"].wait(60) != 0
    assert "was read from another log" in cluster.output()


def delete(cluster: Cluster) -> None:
    admin = KafkaAdminClient(bootstrap_servers=list(cluster.brokers))
    admin.delete_topics([f"{cluster.schema}.mentions.v1"])
    admin.close()
    time.sleep(1)
