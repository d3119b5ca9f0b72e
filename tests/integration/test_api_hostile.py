"""Input that nobody should send: always a problem that names it, never a crash, never everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.parts import Backlog
from resonance.errors import Stop
from resonance.stores.mentions import MentionFilter, write_cursor
from tests.support.seeding import Desk

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.seed.topics("bahn:pr", "pr", "tee")
    yield made
    made.close()


def said(number: int, text: str = "die bahn", **more: Any) -> dict[str, Any]:
    return {"id": f"x:{number}", "text": text, "published_at": "2026-05-04T11:00:00Z", **more}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/topics/bahn/summary?start=0001-01-01T00:00:00Z",
        "/v1/topics/bahn/series?start=9999-12-01T00:00:00Z&end=9999-12-31T23:59:59Z&step=1d&zone=Asia/Tokyo",
        "/v1/mentions?start=0001-01-01T00:00:00Z",
        "/v1/mentions?reach_min=99999999999999999999999",
        "/v1/mentions?reach_min=-1",
        "/v1/mentions?order=best",
        "/v1/mentions?limit=0",
        "/v1/mentions?start=yesterday",
        "/v1/topics/bahn/series?zone=../../etc/passwd",
        "/v1/topics/bahn/series?metric=fame",
        "/v1/topics/bahn/series?end=2026-05-01T00:00:00Z&start=2026-05-02T00:00:00Z",
        "/v1/series?group_by=author",
        "/v1/dead-letters?state=all",
        "/v1/silences?limit=201",
    ],
)
def test_an_impossible_parameter_is_named(desk: Desk, path: str) -> None:
    answer = desk.get(path)
    assert answer.status_code == 422, answer.text
    named = path.split("?")[1]
    assert all(error["pointer"] in named for error in answer.json()["errors"]) and answer.json()["errors"]


@pytest.mark.parametrize("forged", ["", "x", "é", "A" * 5000, write_cursor(MentionFilter(), 2**70, 1), "bnVsbA", "W10"])
@pytest.mark.parametrize("path", ["/v1/mentions", "/v1/alerts", "/v1/silences", "/v1/dead-letters"])
def test_a_forged_cursor_is_refused(desk: Desk, path: str, forged: str) -> None:
    answer = desk.get(path, cursor=forged)
    assert answer.status_code == (200 if forged == "" else 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parameters=st.dictionaries(
        st.sampled_from(["q", "query", "id", "cursor", "start", "topic", "author", "site", "department", "limit"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        max_size=3,
    )
)
def test_no_parameter_breaks_the_search(desk: Desk, parameters: dict[str, str]) -> None:
    assert desk.get("/v1/mentions", **parameters).status_code in (200, 400, 404, 422)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_body_breaks_the_door(desk: Desk, body: bytes) -> None:
    assert desk.client.post("/v1/mentions", content=body).status_code in (202, 400, 413)
    assert desk.client.post("/v1/topics", content=body, headers=JSON).status_code in (400, 422)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\udfffb"])
def test_characters_that_are_none_are_refused_with_their_place(desk: Desk, text: str) -> None:
    topic = {"id": "neu", "name": "Neu", "query": "neu", "tags": ["gut", text]}
    answer = desk.client.post("/v1/topics", content=json.dumps(topic).encode(), headers=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/tags/1")
    assert desk.client.post("/v1/topics", content=json.dumps({text: 1}).encode(), headers=JSON).status_code == 422


def test_one_bad_item_of_a_list_costs_only_itself(desk: Desk) -> None:
    items = [said(1), said(2, "halb \ud800"), said(3, "x" * 1_000_000), {"id": 7}, said(4, "mit \x00"), 5, said(6)]
    answer = desk.client.post("/v1/mentions", content=json.dumps(items).encode()).json()
    assert {item["index"] for item in answer["rejected"]} == {1, 2, 3, 5}
    assert answer["accepted"] == 3


@pytest.mark.parametrize("leaf", ["1", '"\\u0000"'])
def test_a_deep_extra_costs_itself_and_not_the_lists_in_which_it_would_stand(desk: Desk, leaf: str) -> None:
    deep = json.dumps(said(1)).replace("}", ', "extra": {"a": %s}}' % ("[" * 700 + leaf + "]" * 700))
    answer = desk.client.post("/v1/mentions", content=f"[{deep}, {json.dumps(said(2))}]".encode())
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert "nested deeper" in json.dumps(answer.json()["rejected"][0])


def test_an_endless_number_beside_a_broken_string_is_a_problem(desk: Desk) -> None:
    body = b"[" + json.dumps(said(1, "halb \ud800")).encode() + b"," + b"9" * 5000 + b"]"
    assert desk.client.post("/v1/mentions", content=body).status_code == 400
    assert desk.client.post("/v1/mentions", content=b"[" + b"9" * 5000 + b"]").json()["accepted"] == 0


def test_no_rule_leaves_the_installation_without_a_catalogue(desk: Desk) -> None:
    for number in (b"1e999", b"Infinity", b"-Infinity", b"NaN", b"9" * 400, b"9" * 5000):
        for field in (b"factor", b"score", b"mentions"):
            body = b'{"id":"r","when":{"kind":"change","' + field + b'":' + number + b"}}"
            assert desk.client.post("/v1/rules", content=body, headers=JSON).status_code in (400, 422)
    assert desk.get("/v1/rules").status_code == 200
    assert desk.client.post("/v1/topics", json={"id": "neu", "name": "Neu", "query": "neu"}).status_code == 201


def test_more_sites_than_can_be_looked_for_are_refused_by_name(desk: Desk) -> None:
    answer = desk.get("/v1/mentions", site=[f"s{number}" for number in range(1500)])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "site")
    assert desk.get("/v1/mentions", site=[f"s{number}" for number in range(500)]).status_code == 200


def test_a_broken_line_is_named_by_its_number(desk: Desk) -> None:
    body = b"\n".join([json.dumps(said(1)).encode(), b"", b'{"id": ', json.dumps(said(2)).encode(), b"[[["])
    answer = desk.client.post("/v1/mentions", content=body).json()
    assert (answer["accepted"], [item["index"] for item in answer["rejected"]]) == (2, [1, 3])


def test_exactly_as_many_items_as_allowed_are_taken(desk: Desk) -> None:
    lines = [json.dumps(said(number)).encode() for number in range(5001)]
    assert desk.client.post("/v1/mentions", content=b"\n".join(lines)).status_code == 413
    assert desk.client.post("/v1/mentions", content=b"\n".join(lines[:5000])).json()["accepted"] == 5000


def test_a_body_without_a_length_is_counted_while_it_comes(desk: Desk) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(12):
            yield b" " * 1_000_000

    assert desk.client.post("/v1/mentions", content=endless()).status_code == 413
    assert desk.client.post("/v1/topics", content=endless(), headers=JSON).status_code == 413


def test_a_deep_query_is_a_mistake_of_the_query(desk: Desk) -> None:
    deep = "(" * 10_000 + "a" + ")" * 10_000
    assert desk.client.post("/v1/topics", json={"id": "neu", "name": "Neu", "query": deep}).status_code == 422
    assert desk.get("/v1/mentions", query=deep[:6000]).status_code == 422
    body = b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert desk.client.post("/v1/queries/test", content=body, headers=JSON).status_code in (400, 422)


def test_a_filter_without_a_word_finds_nothing(desk: Desk) -> None:
    desk.seed.mention("x:1", "bahn")
    assert [item["id"] for item in desk.get("/v1/mentions", q="bahn").json()["items"]] == ["x:1"]
    assert desk.get("/v1/mentions", q="!!!").json()["items"] == []


def test_a_department_is_not_taken_for_a_topic_of_the_same_name(desk: Desk) -> None:
    desk.seed.mention("x:1", "bahn")
    desk.seed.mention("x:2", "pr")
    assert [item["id"] for item in desk.get("/v1/mentions", department="pr").json()["items"]] == ["x:1"]


def test_what_is_not_offered_says_so_whatever_is_asked(desk: Desk) -> None:
    for path in ("/v1/topics/bahn/drivers", "/v1/topics/bahn/environments"):
        assert desk.get(path, start="2026-05-01T00:00:00Z", anything="x").json()["type"].endswith("/not-yet")
    assert desk.client.post("/v1/rules/backtest", json={}).status_code == 501
    assert desk.client.post("/v1/queries/validate", json={"query": "a", "dialect": "brandwatch"}).status_code == 501


def test_every_mistake_of_a_rule_is_named_at_once(desk: Desk) -> None:
    rule = {
        "id": "NO",
        "when": {"kind": "threshold"},
        "for": "soon",
        "topics": ["none"],
        "notify": ["nobody"],
        "colour": 1,
    }
    answer = desk.client.post("/v1/rules", json=rule).json()
    assert {error["pointer"] for error in answer["errors"]} == {"/id", "/for", "/topics", "/notify", "/colour"}


def test_what_breaks_inside_is_answered_with_its_number_and_without_what_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Backlog:
        raise ZeroDivisionError("somebody said something")

    desk = Desk(tmp_path, {"backlog": broken})
    answer = desk.client.post("/v1/mentions", json=[], headers={"X-Request-ID": "r-7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "r-7")
    assert answer.headers["content-type"] == "application/problem+json"
    told = capsys.readouterr()
    assert "r-7" in told.out + told.err and "somebody said" not in answer.text + told.out + told.err
    desk.close()


@pytest.mark.parametrize(("method", "path", "status"), [("PATCH", "/v1/topics", 405), ("GET", "/v2/topics", 404)])
def test_what_is_not_there_is_a_problem_too(desk: Desk, method: str, path: str, status: int) -> None:
    answer = desk.client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.headers["x-request-id"]) == 32


def test_a_log_that_cannot_be_read_is_a_reason_for_not_being_ready(tmp_path: Path) -> None:
    def broken() -> Backlog:
        raise Stop("the log cannot be opened")

    desk = Desk(tmp_path, {"backlog": broken})
    answer = desk.get("/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["lag_s"]) == (503, "not ready", None)
    assert "the log cannot be opened" in answer.json()["problems"][0]
    desk.close()
