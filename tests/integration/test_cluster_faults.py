"""What else may happen to a cluster: brokers die, the catalogue changes, the stream holds what nobody can read, is cut or
forgotten, and an author is erased meanwhile."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import zstandard
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.native.kafka import Brokers
from ingest.kafka_sink import KafkaStream
from ingest.placement import lane_of
from resonance import brokers as access
from resonance.access import SYSTEM
from resonance.catalogue import Topic
from resonance.model import Delete, Mention, Upsert, instant
from resonance.stores.entries import Entries
from resonance.wire import encode_envelope, encode_event
from tests.support.cluster import LANES, Cluster, Story
from tests.support.kafka import running
from tests.support.postgres import Server
from tests.support.scan import found_in_rows

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def three() -> Iterator[Brokers]:
    with running(3) as made:
        yield made


def leader_of_the_quorum(brokers: Brokers) -> int:
    """The number of the active controller, as another node says."""
    admin = KafkaAdminClient(bootstrap_servers=list(brokers.addresses))
    try:
        return int(admin.describe_metadata_quorum()["topics"][0]["partitions"][0]["leader_id"])
    finally:
        admin.close()


def test_a_broker_of_three_may_die_and_then_the_controller(
    three: Brokers, postgres: Server, story: Story, tmp_path: Path
) -> None:
    cluster = story.cluster(tmp_path / "cluster", three.addresses, postgres.url())
    try:
        cluster.start("work-1", "work-2", "ingest")
        story.await_share(cluster, 0.2)
        controller = leader_of_the_quorum(three)
        other = next(node for node in three.nodes if node.number != controller)
        other.stop(signal.SIGKILL)
        story.await_share(cluster, 0.5)
        other.start()
        time.sleep(3)
        three.nodes[controller - 1].stop(signal.SIGKILL)
        story.same(cluster)
        three.nodes[controller - 1].start()
    finally:
        cluster.stop()


def test_a_catalogue_change_is_live_in_every_lane_and_no_slice_has_two_versions(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2")
    cluster.until(lambda: cluster.one("SELECT count(*) FROM position WHERE epoch > 0") == LANES)
    # A worker that comes late would work under the new version only.
    cluster.start("ingest")
    story.await_share(cluster, 0.4)
    entries = Entries(cluster.database)
    known = entries.get("topic", "post")
    changed = Topic(id="post", name="Post", query="post NOT ärger", departments=("pr",))
    entries.replace("topic", changed, revision=known.revision, actor=SYSTEM, at=datetime.now(UTC))
    live = f"SELECT count(*) = {LANES} FROM position WHERE catalogue_version = {entries.version()}"
    cluster.until(lambda: cluster.one(live))
    cluster.until(lambda: cluster.caught_up(story.last))
    lanes: dict[int, list[tuple[int, int]]] = {}
    with cluster.database.read() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT identity.lane, mention.logged_at, match.version, mention.text FROM match JOIN mention USING (row)"
                " JOIN identity ON identity.row = mention.row WHERE match.topic = 'post' AND mention.kind = 'post'"
            )
        ).all()
    for lane, logged_at, of, text in rows:
        lanes.setdefault(lane, []).append((logged_at, of))
        assert of == 1 or "Ärger" not in text
    assert len(lanes) == LANES
    first = min(of for seen in lanes.values() for _, of in seen)
    for seen in lanes.values():
        before = max(logged_at for logged_at, of in seen if of == first)
        after = min(logged_at for logged_at, of in seen if of != first)
        assert before <= after


class Poison:
    """Things that nobody can take, between others that can be."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def envelope(self, *events: bytes) -> bytes:
        return encode_envelope(events, stamp=self.at, source="poison")

    def said(self, name: str, text: str = "die post", **more: Any) -> bytes:
        mention = Mention(**({"id": name, "platform": "test", "text": text, "published_at": self.at} | more))
        return encode_event(Upsert(mention=mention, observed_at=self.at))


def test_poison_is_set_aside_with_its_reason_and_nothing_else_is_lost(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "work-2", "ingest")
    story.await_share(cluster, 0.3)
    stream = KafkaStream(access.Brokers(tuple(cluster.brokers)), cluster.stream)
    poison = Poison(story.start)
    names = [f"poison:{number}" for number in range(60)]
    of_lane = {lane: [name for name in names if lane_of(name, LANES) == lane] for lane in range(LANES)}
    lane = next(lane for lane, mine in of_lane.items() if len(mine) >= 6)
    good, nul, old, bad, long, last = of_lane[lane][:6]
    bad_mention = poison.said(bad).replace(b'"published_at"', b'"published"')
    unknown = json.dumps({"op": "applaud", "observed_at": "2026-01-01T00:00:00Z", "id": "x"}).encode()
    stream.append(
        [
            (lane, b"no envelope at all"),
            (lane, poison.envelope(poison.said(good), bad_mention, unknown)),
            (lane, poison.envelope(poison.said(nul, "die post\0ist da"))),
            (lane, poison.envelope(poison.said(old, published_at=datetime(2015, 3, 1, tzinfo=UTC)))),
            (lane, poison.envelope(*[poison.said(long, "die post " + "x" * 180_000)] * 11)),
            (lane, poison.envelope(poison.said(last))),
        ]
    )()
    cluster.until(lambda: cluster.one(f"SELECT count(*) FROM identity WHERE id = '{last}'") == 1)
    stored = {
        name for name in of_lane[lane] if cluster.one(f"SELECT count(*) FROM identity WHERE id = '{name}' AND row > 0")
    }
    assert stored == {good, old, long, last}
    with cluster.database.read() as connection:
        letters = connection.execute(sa.text('SELECT reason, problem FROM dead_letter ORDER BY "offset", event')).all()
    told = [f"{reason}: {problem}" for reason, problem in letters]
    wanted = ("undecodable: the envelope", "undecodable: .*published_at", "undecodable: .*applaud", "refused: .*")
    assert len(told) == len(wanted) and all(map(re.match, wanted, told)), told
    for name in stored:
        stream.append([(lane, poison.envelope(encode_event(Delete(id=name, observed_at=poison.at))))])()
    cluster.until(lambda: cluster.caught_up(story.last))
    gone = "identity.id NOT LIKE 'poison:%'"
    assert cluster.one(f"SELECT count(*) FROM identity WHERE {gone}") == len(story.expected["identity"])
    assert cluster.one("SELECT count(*) FROM mention") == len(story.expected["mention"])
    newer = zstandard.compress(b'{"v": 2, "stamp": "2026-01-01T00:00:00Z", "events": []}')
    stream.append([(lane, newer)])()
    cluster.until(lambda: "lane.stopped" in cluster.output())
    stuck = f"SELECT progress FROM position WHERE lane = {lane}"
    others = f"SELECT min(progress) FROM position WHERE lane != {lane}"
    before = cluster.one(stuck), cluster.one(others)
    cluster.until(lambda: cluster.one(others) > before[1] + 2_000_000)
    assert cluster.one(stuck) == before[0]
    assert cluster.processes["work-1"].poll() is None and cluster.processes["work-2"].poll() is None
    stream.close()


def test_an_erased_author_is_gone_and_neither_a_replay_nor_an_old_backup_brings_them_back(
    cluster: Cluster, story: Story, postgres: Server
) -> None:
    lines = [json.loads(line).get("mention", {}) for line in story.file.read_text().splitlines()]
    lines = [said for said in lines if said.get("text")]
    theirs = {said["id"] for said in lines if said.get("author", {}).get("id") == "7"}
    others = "\n".join(said["text"] for said in lines if not theirs & {said["id"], said.get("repost_of")})
    needles = sorted({said["text"] for said in lines if said["id"] in theirs and said["text"] not in others})
    assert len(needles) > 20
    cluster.start("work-1", "work-2", "ingest")
    story.await_share(cluster, 0.4)
    database = Dump(cluster, postgres)
    assert found_in_rows(cluster.database, needles)
    cluster.run("erase", "test:7")
    cluster.until(lambda: cluster.one("SELECT count(*) FROM job WHERE kind = 'erase' AND state = 'done'") == 1)
    assert found_in_rows(cluster.database, needles) == []
    cluster.until(lambda: cluster.caught_up(story.last))
    assert found_in_rows(cluster.database, needles) == []
    for process in ("work-1", "work-2"):
        assert cluster.end(process) == 0
    with cluster.database.write() as connection:
        connection.execute(sa.text('UPDATE position SET "offset" = 0, event = 0'))
    ends = [KafkaPlace(cluster).end(lane) for lane in range(LANES)]
    cluster.start("work-1", "work-2")
    cluster.until(
        lambda: (
            all(
                cluster.one(f'SELECT "offset" FROM position WHERE lane = {lane}') >= end
                for lane, end in enumerate(ends)
            )
            and cluster.settled()
        )
    )
    assert found_in_rows(cluster.database, needles) == []
    for process in ("work-1", "work-2", "ingest"):
        assert cluster.end(process) == 0
    database.restore()
    assert found_in_rows(cluster.database, needles)
    cluster.start("work-1", "work-2", "ingest")
    cluster.until(lambda: cluster.caught_up(story.last))
    cluster.until(lambda: found_in_rows(cluster.database, needles) == [])


class Dump:
    """A backup of the store, taken now."""

    def __init__(self, cluster: Cluster, postgres: Server) -> None:
        self.cluster, self.postgres = cluster, postgres
        self.name = cluster.url.rpartition("/")[2]
        self.file = str(postgres.folder / f"{self.name}.dump")
        self.connection = ("-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres")
        postgres.run("pg_dump", *self.connection, "-Fc", "-f", self.file, self.name)

    def restore(self) -> None:
        """Nothing may be connected."""
        self.cluster.database.close()
        self.postgres.run("dropdb", *self.connection, self.name)
        self.postgres.run("createdb", *self.connection, self.name)
        self.postgres.run("pg_restore", *self.connection, "-d", self.name, self.file)


class KafkaPlace:
    """Where the lanes end now."""

    def __init__(self, cluster: Cluster) -> None:
        self.stream = KafkaStream(access.Brokers(tuple(cluster.brokers)), cluster.stream)

    def end(self, lane: int) -> int:
        return self.stream.bounds(lane)[1]


def test_a_stream_that_ends_before_the_position_is_refused_with_a_clear_word(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "ingest")
    story.await_share(cluster, 0.1)
    for process in ("work-1", "ingest"):
        assert cluster.end(process) == 0
    with cluster.database.write() as connection:
        connection.execute(sa.text('UPDATE position SET "offset" = 1000000 WHERE lane = 3'))
    cluster.start("work-1")
    assert cluster.processes["work-1"].wait(60) != 0
    assert "the log ends before offset 1000000 of lane 3" in cluster.output()


def test_what_the_stream_forgot_unread_is_a_gap_that_is_told_and_work_goes_on(cluster: Cluster, story: Story) -> None:
    cluster.start("work-1", "ingest")
    story.await_share(cluster, 0.2)
    assert cluster.end("work-1") == 0
    read = cluster.one('SELECT "offset" FROM position WHERE lane = 2')
    place = KafkaPlace(cluster)
    cluster.until(lambda: place.end(2) > read + 5)
    admin = KafkaAdminClient(bootstrap_servers=list(cluster.brokers))
    admin.delete_records({TopicPartition(cluster.stream, 2): read + 5})
    admin.close()
    cluster.start("work-1")
    cluster.until(lambda: cluster.caught_up(story.last))
    with cluster.database.read() as connection:
        gaps = connection.scalars(sa.text("SELECT data FROM change WHERE type = 'source.gap'")).all()
    assert [json.loads(gap) for gap in gaps] == [{"lane": 2, "since": read, "until": read + 5}]
    assert instant(cluster.one("SELECT progress FROM position WHERE lane = 2")) > story.last
