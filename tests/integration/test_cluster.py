"""A cluster does what one machine does, whatever happens to its processes: every row is equal in the end."""

from __future__ import annotations

import json
import random
import signal
import time

import pytest
from kafka.admin import KafkaAdminClient

from tests.support.cluster import Cluster, Story
from tests.support.postgres import Server

COUNTED = ("resonance_process_fenced_total", "resonance_process_rebalances_total")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def told_to_kafka(cluster: Cluster) -> None:
    """What Kafka calls the workers' lag is the store's, however often the lanes changed hands: where the sources say no more,
    both come to the same offsets."""
    cluster.end("ingest")
    cluster.until(lambda: cluster.committed() == cluster.positions(), 30)


def test_two_workers_do_what_one_machine_does(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    story.same(cluster)


def test_a_worker_may_join_and_another_leave(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    story.await_share(cluster, 0.2)
    cluster.start("work-3")
    story.await_share(cluster, 0.5)
    assert cluster.end("work-1") == 0
    story.same(cluster)


def test_kill_9_of_workers_loses_nothing_and_doubles_nothing(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    dice = random.Random(5)
    for number in range(5):
        story.await_share(cluster, 0.1 + number * 0.12)
        time.sleep(dice.uniform(0, 1))
        name = dice.choice(("work-1", "work-2"))
        cluster.kill(name)
        cluster.start(name)
    story.same(cluster)
    told_to_kafka(cluster)


def test_a_worker_that_was_asleep_is_fenced_off(cluster: Cluster, story: Story) -> None:
    """Stopped for longer than its session, also while nothing but evaluation is left to do."""
    cluster.start("work-1", "work-2", "ingest")
    story.await_share(cluster, 0.3)
    cluster.signal("work-1", signal.SIGSTOP)
    time.sleep(9)
    cluster.signal("work-1", signal.SIGCONT)
    cluster.until(lambda: cluster.caught_up(story.last))
    cluster.signal("work-2", signal.SIGSTOP)
    time.sleep(9)
    cluster.signal("work-2", signal.SIGCONT)
    story.same(cluster)
    assert cluster.processes["work-1"].poll() is None and cluster.processes["work-2"].poll() is None
    # Whether something was under way when one fell asleep is chance; what was is counted, and shown.
    assert all(name in cluster.shown(worker) for worker in ("work-1", "work-2") for name in COUNTED)


def test_postgresql_may_crash_and_cut_connections_in_mid_transaction(
    cluster: Cluster, story: Story, postgres: Server
) -> None:
    cluster.start("work-1", "work-2", "ingest")
    story.await_share(cluster, 0.2)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(5):
        cluster.one(f"SELECT count(*) FROM ({cut}) AS gone")
        time.sleep(0.4)
    postgres.stop("immediate")
    cluster.database.close()
    time.sleep(2)
    postgres.start()
    story.same(cluster)


def test_an_ingester_may_die_in_mid_batch_and_two_read_no_source_twice(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "ingest-1", "ingest-2")
    story.await_share(cluster, 0.3)
    owner = str(cluster.one("SELECT owner FROM source_state WHERE source = 'recording'"))
    first = next(name for name in ("ingest-1", "ingest-2") if f"-{cluster.processes[name].pid}-" in owner)
    cluster.kill(first)
    cluster.start(first)
    # Whoever is left reads on once the lease of the dead has run out.
    story.same(cluster)
    counted = cluster.one("SELECT counters FROM source_state WHERE source = 'recording'")
    assert story.events <= json.loads(counted)["events"] <= story.events + 200


def test_a_store_restored_from_a_backup_is_brought_up_to_date_by_the_stream(
    cluster: Cluster, story: Story, postgres: Server
) -> None:
    cluster.start("work-1", "ingest")
    story.await_share(cluster, 0.3)
    name = cluster.url.rpartition("/")[2]
    connection = ("-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres")
    file = str(postgres.folder / f"{name}.dump")
    postgres.run("pg_dump", *connection, "-Fc", "-f", file, name)
    story.same(cluster)
    for process in ("work-1", "ingest"):
        assert cluster.end(process) == 0
    cluster.database.close()
    postgres.run("dropdb", *connection, name)
    postgres.run("createdb", *connection, name)
    postgres.run("pg_restore", *connection, "-d", name, file)
    # Kafka's committed offsets are far ahead now. The recording's place is restored, too: what it sends comes twice.
    cluster.start("work-1", "ingest")
    story.same(cluster)
    told_to_kafka(cluster)


def test_a_stream_that_was_made_anew_is_refused_with_a_clear_word(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "ingest")
    story.await_share(cluster, 0.1)
    for process in ("work-1", "ingest"):
        cluster.end(process)
    admin = KafkaAdminClient(bootstrap_servers=list(cluster.brokers))
    admin.delete_topics([cluster.stream])
    admin.close()
    time.sleep(1)
    cluster.run("streams", "create")
    cluster.start("work-1")
    assert cluster.processes["work-1"].wait(60) != 0
    assert "was read from another log" in cluster.output()
