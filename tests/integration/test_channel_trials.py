"""A test message to a channel: asked for by the API or the page, sent by the notifier, answered to who asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from resonance.stores import schema
from resonance.stores.outbox import Outbox
from services.channels.channel import GaveUp
from services.notifier import Notifier
from tests.support.outbox import Ear, down
from tests.support.seeding import Desk

OURS = {"Origin": "http://127.0.0.1:8000", "Accept-Language": "en"}
WAIT = {"Prefer": "wait=5"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    assert made.client.post("/v1/channels", json={"id": "hook", "kind": "log"}).status_code == 201
    yield made
    made.close()


@pytest.fixture
def ear(desk: Desk) -> Iterator[Ear]:
    found, stop = Ear(), threading.Event()
    sender = Notifier(Outbox(desk.database), lambda: {"hook": found}, "http://localhost", jitter=lambda: 1.0)
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    yield found
    stop.set()
    thread.join(10)


def answer(desk: Desk) -> dict[str, Any]:
    response = desk.client.post("/v1/channels/hook/test", headers=WAIT)
    assert response.status_code == 202
    found: dict[str, Any] = response.json()
    return found


def test_the_answer_says_that_it_was_delivered(desk: Desk, ear: Ear) -> None:
    found = answer(desk)
    assert (found["state"], found["problem"]) == ("sent", None)
    assert ear.keys == [found["id"]] and ear.heard[0][1].mark == "test"


def test_the_answer_says_what_went_wrong(desk: Desk, ear: Ear) -> None:
    ear.problems = [GaveUp("channel_not_found")]
    assert (answer(desk)["state"], answer(desk)["state"]) == ("failed", "sent")
    ear.problems = [down()]
    found = answer(desk)
    assert (found["state"], found["problem"]) == ("waiting", "down")


def test_without_patience_it_only_waits_to_be_sent(desk: Desk) -> None:
    found = desk.client.post("/v1/channels/hook/test").json()
    assert found == {"accepted": 1, "id": found["id"], "state": "waiting", "problem": None}


def test_a_channel_that_is_not_there_is_named_and_nothing_is_sent(desk: Desk) -> None:
    assert desk.client.post("/v1/channels/none/test").status_code == 404
    assert desk.client.post("/channels/none/test", headers=OURS).status_code == 404
    with desk.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.outbox)) == 0


def test_who_asked_is_in_the_audit(desk: Desk, ear: Ear) -> None:
    answer(desk)
    with desk.database.read() as connection:
        rows = connection.execute(
            sa.select(schema.audit.c.subject, schema.audit.c.actor).where(schema.audit.c.action == "test")
        ).all()
    assert [row[0] for row in rows] == ["channel:hook"] and rows[0][1]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (None, "The test message was delivered."),
        (GaveUp("<b>invalid_auth"), "&lt;b&gt;invalid_auth"),
        (down(), "could not be delivered yet"),
    ],
)
def test_the_button_shows_the_answer_without_script(
    desk: Desk, ear: Ear, problem: Exception | None, words: str
) -> None:
    ear.problems = [problem] if problem else []
    view = desk.client.get("/channels", headers=OURS).text
    assert re.search(r'<form method="post" action="/channels/hook/test"><button>', view)
    response = desk.client.post("/channels/hook/test", headers=OURS, follow_redirects=True)
    assert response.status_code == 200 and words in response.text


def test_another_site_cannot_press_the_button(desk: Desk) -> None:
    response = desk.client.post("/channels/hook/test", headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
