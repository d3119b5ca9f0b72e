"""Idempotency-Key: what is sent twice is done once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.repeats import HEADER
from resonance.stores import schema
from tests.support.machine import at
from tests.support.seeding import Desk

SILENCE = {"topic": "bahn", "ends_at": at(3600).isoformat()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.seed.topics("bahn")
    yield made
    made.close()


def send(desk: Desk, body: dict[str, Any], key: str = "k1", headers: dict[str, str] | None = None) -> Any:
    return desk.client.post("/v1/silences", json=body, headers={HEADER: key, **(headers or {})})


def test_a_repetition_gets_the_first_answer_and_does_nothing(desk: Desk) -> None:
    first, second = send(desk, SILENCE), send(desk, SILENCE)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    assert desk.seed.count(schema.silence) == 1


def test_location_and_etag_are_repeated_too(desk: Desk) -> None:
    topic = {"id": "zug", "name": "Zug", "query": "zug"}
    answers = [desk.client.post("/v1/topics", json=topic, headers={HEADER: "t"}) for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == ["/v1/topics/zug"] * 2
    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    assert desk.client.post("/v1/topics", json=topic).status_code == 409


def test_another_request_under_the_same_key_is_refused(desk: Desk) -> None:
    send(desk, SILENCE)
    answer = send(desk, {**SILENCE, "comment": "other"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "reused")


def test_keys_of_different_callers_do_not_meet(desk: Desk) -> None:
    one, other = desk.key("write"), desk.key("write")
    assert send(desk, SILENCE, headers=one).json()["id"] != send(desk, SILENCE, headers=other).json()["id"]


def test_after_a_day_a_key_is_new_again(desk: Desk) -> None:
    body = {**SILENCE, "ends_at": at(7 * 86_400).isoformat()}
    first = send(desk, body).json()
    desk.pass_time(86_400 - 1)
    assert send(desk, body).json() == first
    desk.pass_time(2)
    assert send(desk, body).json() != first


def test_a_refusal_is_not_kept(desk: Desk) -> None:
    topic = {"id": "zug", "name": "Zug", "query": "zug", "departments": ["pr"]}
    assert desk.client.post("/v1/topics", json=topic, headers={HEADER: "t"}).status_code == 422
    desk.client.post("/v1/departments", json={"id": "pr", "name": "PR"})
    assert desk.client.post("/v1/topics", json=topic, headers={HEADER: "t"}).status_code == 201


def test_while_the_first_is_at_work_a_repetition_waits_outside_until_it_is_given_up(desk: Desk) -> None:
    send(desk, SILENCE)
    with desk.database.write() as connection:
        connection.execute(schema.idempotency.update().values(status=0, body=""))
    assert send(desk, SILENCE).status_code == 409
    desk.pass_time(61)
    assert send(desk, SILENCE).status_code == 201


def test_of_many_at_once_one_is_carried_out(desk: Desk) -> None:
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(send(desk, SILENCE))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert desk.seed.count(schema.silence) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_sensible_length(desk: Desk, key: str) -> None:
    assert send(desk, SILENCE, key=key).status_code == 422


def test_a_key_does_not_get_past_the_door(desk: Desk) -> None:
    assert send(desk, SILENCE, headers={"X-API-Key": "rk_a_b"}).status_code == 401
    assert send(desk, SILENCE, headers=desk.key("read")).status_code == 403
    assert desk.seed.count(schema.idempotency) == 0
