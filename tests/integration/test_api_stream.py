"""Server-sent events over a real server on loopback: resumable, bounded, and never in the way of a shutdown."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.support.seeding import Desk


class Quiet(uvicorn.Server):
    """Runs in a thread, where there are no signals."""

    def install_signal_handlers(self) -> None:
        return


class Served:
    """The API on a port of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.stopping = threading.Event()
        self.connections: dict[http.client.HTTPResponse, http.client.HTTPConnection] = {}
        self.desk = Desk(folder, {"stopping": self.stopping.is_set, **settings})
        self.desk.seed.topics("bahn", "tee")
        self.listening = socket.socket()
        self.listening.bind(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        config = uvicorn.Config(self.desk.app, log_level="error", lifespan="off", timeout_graceful_shutdown=3)
        self.server = Quiet(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]})
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def open(self, path: str = "/v1/events", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=headers)
        stream = connection.getresponse()
        self.connections[stream] = connection
        return stream

    def leave(self, stream: http.client.HTTPResponse) -> None:
        """Hang up."""
        stream.close()
        self.connections.pop(stream).close()

    def close(self) -> None:
        """Hang up everywhere, and end the server."""
        for stream in list(self.connections):
            self.leave(stream)
        self.stop()
        self.listening.close()
        self.desk.close()

    def stop(self) -> float:
        """Seconds until the server is gone."""
        begun = time.monotonic()
        self.stopping.set()
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()
        return time.monotonic() - begun


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.close()


def events(stream: http.client.HTTPResponse, count: int) -> list[dict[str, str]]:
    """The next events of a stream, as their fields."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    while len(found) < count:
        line = stream.readline().decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "data" in fields:
                found.append(fields)
            fields = {}
    return found


def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(served: Served) -> None:
    seed, start = served.desk.seed, served.desk.parts.feed.end()
    seed.changes(*(("mention.matched", "bahn", f"k{number}") for number in range(3)))
    first = served.open(**{"Last-Event-ID": start})
    assert (first.status, first.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    got = events(first, 2)
    served.leave(first)
    seed.changes(("alert.firing", "tee", "a1"))
    second = served.open(**{"Last-Event-ID": got[-1]["id"]})
    rest = events(second, 2)
    assert [json.loads(event["data"])["data"]["key"] for event in got + rest] == ["k0", "k1", "k2", "a1"]
    assert [event["event"] for event in rest] == ["mention.matched", "alert.firing"]
    seed.changes(("alert.resolved", "tee", "a1"))
    assert events(second, 1)[0]["event"] == "alert.resolved"
    shown = json.loads(rest[0]["data"])
    assert set(shown) == {"schema", "id", "type", "at", "data"} and shown["id"] == rest[0]["id"]


def test_without_a_place_a_stream_begins_now_and_a_topic_narrows_it(served: Served) -> None:
    served.desk.seed.changes(("mention.matched", "bahn", "old"))
    stream = served.open("/v1/events?topic=bahn")
    stream.readline()
    served.desk.seed.changes(("mention.matched", "tee", "other"), ("mention.matched", "bahn", "new"))
    assert json.loads(events(stream, 1)[0]["data"])["data"]["key"] == "new"


def test_what_is_wrong_is_answered_before_a_stream_opens(served: Served) -> None:
    key = served.desk.key("read", topics=["tee"])
    for path, headers, status in (
        ("/v1/events?topic=none", {}, 404),
        ("/v1/events?topic=bahn", key, 404),
        ("/v1/events?topik=bahn", {}, 422),
        ("/v1/events", {"X-API-Key": "rk_a_b"}, 401),
        ("/v1/events", {"Last-Event-ID": "ffffffff-0-1"}, 410),
        ("/v1/events", {"Last-Event-ID": "nonsense"}, 400),
    ):
        answer = served.open(path, **headers)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), path


def test_a_stream_that_is_open_does_not_hold_up_the_end(served: Served) -> None:
    streams = [served.open() for _ in range(3)]
    for stream in streams:
        stream.readline()
    assert served.stop() < 4.0
    assert b"data" not in streams[0].read()


def test_streams_are_bounded_and_a_reader_that_leaves_makes_room(tmp_path: Path) -> None:
    served = Served(tmp_path, streams=2)
    streams = [served.open() for _ in range(2)]
    for stream in streams:
        stream.readline()
    refused = served.open()
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    served.leave(streams[0])
    deadline = time.monotonic() + 5
    while served.open().status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    served.close()
