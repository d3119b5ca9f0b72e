"""The API over a real store and a real log, with the processing machine beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.parts import Backlog, Parts
from ingest.log_sink import LogSink
from ingest.push import PushIntake
from resonance.access import SYSTEM
from resonance.clock import ManualClock
from resonance.engines.embedded_log import EmbeddedLog
from resonance.engines.lane import LaneLoop
from resonance.metrics import Metrics
from resonance.stores.access_keys import AccessKeys
from resonance.stores.database import Database
from resonance.stores.entries import Entries
from resonance.stores.ledger import SqlLedger
from services.settings import seed_entries
from tests.support.machine import at
from tests.support.scoring import catalogue, scorer


class World:
    """A store, a log, the loop between them, and a client."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(at(0))
        self.database = Database(f"sqlite:///{folder / 'store.db'}")
        self.database.migrate()
        self.database.set_meta("incarnation", "0123456789abcdef")
        self.entries = Entries(self.database)
        self.entries.seed(seed_entries(catalogue()), at=self.clock.now())
        self.log = EmbeddedLog(folder / "log.db")
        self.sink = LogSink(self.log, self.clock)
        self.ledger = SqlLedger(self.database)
        self.lane = LaneLoop(
            self.log,
            self.ledger,
            0,
            lambda: scorer(self.entries.load()),
            self.ledger.progress,
            Metrics(CollectorRegistry()),
        )
        self.backlog = Backlog(0, 0.0)
        self.parts = Parts(
            database=self.database,
            clock=self.clock,
            intake=PushIntake(self.sink, self.clock),
            sink=self.sink,
            backlog=lambda: self.backlog,
            await_stored=self.await_stored,
            metrics=lambda: b"# none\n",
            pending=lambda: False,
        )
        self.client = TestClient(
            create_app(self.parts),
            base_url="http://127.0.0.1:8000",
            client=("127.0.0.1", 50000),
            raise_server_exceptions=False,
        )

    def await_stored(self, seconds: float) -> bool:
        while self.lane.step():
            pass
        return True

    def push(self, *items: dict[str, Any]) -> Any:
        return self.client.post("/v1/mentions", json=list(items), headers={"Prefer": "wait=5"})

    def get(self, path: str, **parameters: Any) -> Any:
        return self.client.get(path, params=parameters)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.client.close()
    made.database.close()
    made.log.close()


def said(number: int, text: str = "die bahn ist schlecht", **more: Any) -> dict[str, Any]:
    published = at(-60 + number).isoformat()
    return {
        "id": f"x:{number}",
        "text": text,
        "published_at": published,
        "author": {"id": f"a{number}", "handle": f"jo{number}"},
        **more,
    }


def test_what_is_pushed_is_found_with_why_it_matched(world: World) -> None:
    assert world.push(said(1), said(2, "nichts")).json() == {"accepted": 2, "duplicate": 0, "rejected": []}
    items = world.get("/v1/mentions", topic="bahn").json()["items"]
    assert [item["id"] for item in items] == ["x:1"]
    match = items[0]["matches"][0]
    assert (match["topic"], match["spans"], match["label"]) == ("bahn", [[4, 8]], "negative")
    assert world.get(f"/v1/mentions/{items[0]['key']}").json() == items[0]
    assert world.get("/v1/mentions", id="x:1").json() == items[0]


def test_pages_hold_every_mention_once_in_order(world: World) -> None:
    world.push(*(said(number) for number in range(7)))
    seen: list[str] = []
    cursor = None
    while True:
        page = world.get("/v1/mentions", limit=3, **({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"x:{n}" for n in reversed(range(7))]


def test_our_query_language_pages_through_stored_mentions(world: World) -> None:
    world.push(*(said(number, "die bahn kommt" if number % 2 else "der zug kommt") for number in range(9)))
    first = world.get("/v1/mentions", query="zug NOT bahn", limit=3).json()
    rest = world.get("/v1/mentions", query="zug NOT bahn", limit=3, cursor=first["next"]).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ["x:8", "x:6", "x:4", "x:2", "x:0"]


@pytest.mark.parametrize("words", ['"', "bahn OR *", "text:bahn", "NEAR(", "a AND", "bahn\x00"])
def test_words_of_the_user_never_reach_the_index_as_syntax(world: World, words: str) -> None:
    world.push(said(1))
    assert world.get("/v1/mentions", q=words).status_code == 200


def test_numbers_are_the_sums_of_the_mentions(world: World) -> None:
    world.push(said(1), said(2, "der zug war gut"), said(3, "tee"))
    summary = world.get("/v1/topics/bahn/summary", start=at(-3600).isoformat(), end=at(60).isoformat()).json()
    assert (summary["volume"], summary["negative"], summary["positive"]) == (2, 1, 1)
    series = world.get("/v1/topics/bahn/series", start=at(-3600).isoformat(), end=at(60).isoformat(), step="15m").json()
    assert sum(item["value"] for item in series["items"]) == 2
    assert series["unit"] == "mentions"
    shares = world.get("/v1/share-of-voice", topics="bahn,kaffee", start=at(-3600).isoformat()).json()["items"]
    assert shares == [{"name": "bahn", "mentions": 2, "share": 1.0}]


def test_a_deleted_mention_leaves_lists_numbers_and_full_text(world: World) -> None:
    world.push(said(1), said(2))
    key = world.get("/v1/mentions", id="x:1").json()["key"]
    assert world.client.delete(f"/v1/mentions/{key}").status_code == 202
    world.await_stored(1)
    assert world.get(f"/v1/mentions/{key}").status_code == 404
    assert [item["id"] for item in world.get("/v1/mentions", q="schlecht").json()["items"]] == ["x:2"]
    assert world.get("/v1/topics/bahn/summary", end=at(60).isoformat()).json()["volume"] == 1


def test_a_topic_changes_only_under_its_etag_and_counts_anew(world: World) -> None:
    answer = world.get("/v1/topics/bahn")
    tag, topic = answer.headers["etag"], answer.json()
    changed = {**topic, "query": "bahn OR zug OR bus"}
    assert world.client.put("/v1/topics/bahn", json=changed).status_code == 428
    done = world.client.put("/v1/topics/bahn", json=changed, headers={"If-Match": tag})
    assert (done.status_code, done.json()["version"]) == (200, 2)
    assert world.client.put("/v1/topics/bahn", json=changed, headers={"If-Match": tag}).status_code == 412
    world.push(said(5, "der bus kommt"))
    assert world.get("/v1/mentions", topic="bahn").json()["items"][0]["matches"][0]["version"] == 2


def test_every_mistake_of_a_topic_is_named(world: World) -> None:
    answer = world.client.post("/v1/topics", json={"id": "NEU", "query": "(a", "kind": "thing", "extra": 1})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/extra", "/id", "/name", "/kind", "/query"}
    answer = world.client.post("/v1/topics", json={"id": "neu", "name": "n", "query": "(a", "departments": ["none"]})
    errors = answer.json()["errors"]
    assert {error["pointer"] for error in errors} == {"/query", "/departments"}
    assert next(error for error in errors if error["pointer"] == "/query")["column"] == 1


def test_rules_departments_channels_and_silences_are_edited(world: World) -> None:
    client = world.client
    assert client.post("/v1/channels", json={"id": "console"}).status_code == 201
    assert client.post("/v1/departments", json={"id": "pr", "name": "PR", "channels": ["console"]}).status_code == 201
    rule = {"id": "many", "when": {"kind": "threshold", "mentions": 3, "window": "5m"}, "topics": ["bahn"]}
    assert client.post("/v1/rules", json=rule).status_code == 201
    assert client.post("/v1/rules", json={**rule, "id": "other", "topics": ["none"]}).status_code == 422
    silence = client.post("/v1/silences", json={"rule": "many", "ends_at": at(600).isoformat()}).json()
    assert client.get("/v1/silences").json()["items"][0]["id"] == silence["id"]
    assert client.delete(f"/v1/silences/{silence['id']}").status_code == 204
    assert client.delete("/v1/rules/many").status_code == 204
    assert client.post("/v1/channels/console/test").status_code == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[1,", 400),
        (b'"\\ud800"', 400),
        (b"[" * 10_000 + b"]" * 10_000, 400),
        (b"x" * 8_000_001, 413),
        (b"[" + b",".join([b"1"] * 5001) + b"]", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(world: World, body: bytes, status: int) -> None:
    answer = world.client.post("/v1/mentions", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_broken_line_of_ndjson_loses_nothing_else(world: World) -> None:
    body = b"\n".join([json.dumps(said(1)).encode(), b"{broken", json.dumps(said(2)).encode()])
    answer = world.client.post("/v1/mentions", content=body).json()
    assert (answer["accepted"], [item["index"] for item in answer["rejected"]]) == (2, [1])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/mentions?topik=bahn", 422),
        ("/v1/mentions?topic=none", 404),
        ("/v1/mentions?cursor=nonsense", 400),
        ("/v1/mentions?limit=201", 422),
        ("/v1/mentions?start=2026-05-04T12:00:00", 422),
        ("/v1/mentions?start=2026-05-04T12:00:00Z&end=2026-05-04T12:00:00Z", 422),
        ("/v1/mentions?query=(a", 422),
        ("/v1/topics/bahn/series?start=2020-01-01T00:00:00Z&step=1m", 422),
        ("/v1/topics/bahn/series?step=61", 422),
        ("/v1/topics/none", 404),
        ("/v1/alerts/none", 404),
        ("/v1/jobs/none", 404),
        ("/v1/topics/bahn/drivers", 501),
        ("/v1/changes?after=ffffffff-0-1", 410),
        ("/v1/changes?after=nonsense", 400),
        ("/nowhere", 404),
    ],
)
def test_a_wrong_request_is_a_problem_with_its_status(world: World, path: str, status: int) -> None:
    answer = world.client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_belongs_to_its_filters(world: World) -> None:
    world.push(*(said(number) for number in range(3)))
    cursor = world.get("/v1/mentions", limit=1).json()["next"]
    assert world.get("/v1/mentions", limit=1, platform="x", cursor=cursor).status_code == 400


def test_a_deep_query_is_answered_and_not_crashed_on(world: World) -> None:
    answer = world.client.post("/v1/queries/validate", json={"query": "(" * 10_000 + "a" + ")" * 10_000})
    assert answer.status_code == 200 and answer.json()["valid"] is False
    assert world.client.post("/v1/queries/validate", json={"query": "a" * 100_000}).json()["valid"] is False


def test_a_query_is_validated_and_tried(world: World) -> None:
    good = world.client.post("/v1/queries/validate", json={"query": "bahn NOT tee"}).json()
    assert good["valid"] and good["tree"]["op"] == "and"
    tried = world.client.post("/v1/queries/test", json={"query": "bahn", "texts": ["die Bahn", "nichts"]}).json()[
        "items"
    ]
    assert [(item["matched"], item["spans"]) for item in tried] == [(True, [[4, 8]]), (False, [])]
    world.push(said(1))
    stored = world.client.post("/v1/queries/test", json={"query": "schlecht", "days": 1}).json()
    assert (stored["scope"], sum(day["mentions"] for day in stored["volume"])) == ("within stored mentions", 1)


def test_pushes_are_refused_while_processing_is_behind(world: World) -> None:
    world.backlog = Backlog(3, 120.0)
    answer = world.push(said(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert world.get("/health/ready").status_code == 503


def test_changes_resume_where_they_were_left(world: World) -> None:
    start = world.get("/v1/changes").json()["next"]
    world.push(said(1))
    first = world.get("/v1/changes", after=start).json()
    assert [(item["type"], item["data"]["topic"]) for item in first["items"]] == [("mention.matched", "bahn")]
    assert world.get("/v1/changes", after=first["next"]).json()["items"] == []


def test_keys_bound_what_is_seen_and_done(world: World) -> None:
    keys = AccessKeys(world.database)
    reader = keys.create("reader", ["read"], topics=["kaffee"], actor=SYSTEM, at=at(0))
    world.push(said(1), said(2, "kaffee bitte"))
    headers = {"X-API-Key": reader}
    found = world.client.get("/v1/mentions", headers=headers).json()["items"]
    assert [item["id"] for item in found] == ["x:2"]
    assert world.client.get("/v1/topics/bahn", headers=headers).status_code == 404
    assert world.client.post("/v1/mentions", json=[said(3)], headers=headers).status_code == 403
    assert world.client.get("/v1/mentions", headers={"X-API-Key": reader + "x"}).status_code == 401
    assert world.client.get("/v1/mentions", headers={"Authorization": f"Bearer {reader}"}).status_code == 200
    keys.revoke(reader.split("_")[1], actor=SYSTEM, at=at(1))
    assert world.client.get("/v1/mentions", headers=headers).status_code == 401


def test_a_page_of_another_site_cannot_change_anything(world: World) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert world.client.post("/v1/mentions", json=[said(1)], headers=headers).status_code == 403


def test_the_overview_shows_hostile_names_as_text(world: World) -> None:
    world.client.post("/v1/topics", json={"id": "evil", "name": "<script>alert(1)</script>", "query": "evil"})
    page = world.get("/")
    assert page.status_code == 200
    assert "<script>" not in page.text and "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_openapi_has_every_route_of_the_contract(world: World) -> None:
    paths = world.get("/openapi.json").json()["paths"]
    for path in (
        "/v1/mentions",
        "/v1/mentions/{key}",
        "/v1/topics",
        "/v1/topics/{name}",
        "/v1/topics/{name}/backfill",
        "/v1/queries/validate",
        "/v1/queries/test",
        "/v1/topics/{topic}/summary",
        "/v1/topics/{topic}/series",
        "/v1/series",
        "/v1/share-of-voice",
        "/v1/rules",
        "/v1/alerts",
        "/v1/alerts/{name}/acknowledge",
        "/v1/silences",
        "/v1/departments",
        "/v1/channels",
        "/v1/channels/{name}/test",
        "/v1/sources",
        "/v1/dead-letters",
        "/v1/dead-letters/{number}/retry",
        "/v1/jobs/{name}",
        "/v1/changes",
        "/v1/events",
        "/v1/authors/{author_key}",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/v1/hooks/{source}",
        "/v1/rules/backtest",
    ):
        assert path in paths, path
