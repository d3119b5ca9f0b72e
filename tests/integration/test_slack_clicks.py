"""Clicks on the buttons in Slack: who may, once, in time, and what they do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from resonance.access import EVERYTHING
from resonance.stores import schema
from tests.support.fake_slack_app import SIGNING, clicked
from tests.support.machine import at
from tests.support.seeding import Desk

NOW = int(at(0).timestamp())
PATH = "/v1/slack/interactions"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, {"slack_signing": lambda: SIGNING, "real": lambda: NOW * 1_000_000})
    made.seed.topics("bahn:pr", "post")
    made.seed.alert("a", "bahn")
    # From here on everybody needs a key, and Slack has none.
    made.key("admin")
    yield made
    made.close()


def click(desk: Desk, action: str, value: str = "a", **options: Any) -> Any:
    return desk.client.post(PATH, **clicked(action, value, **{"stamp": NOW, **options}))


def audit(desk: Desk) -> list[tuple[str, str, str]]:
    audit = schema.audit.c
    query = sa.select(audit.actor, audit.action, audit.subject).where(audit.actor.like("user:slack:%"))
    with desk.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]


def silences(desk: Desk) -> list[dict[str, Any]]:
    return desk.parts.incidents.silences(EVERYTHING)[0]


def test_acknowledge_is_carried_out_in_the_name_of_who_clicked(desk: Desk) -> None:
    started = time.monotonic()
    response = click(desk, "acknowledge")
    assert (response.status_code, response.json()) == (200, {"accepted": 1})
    assert time.monotonic() - started < 3
    assert desk.parts.incidents.get("a", EVERYTHING)["acknowledged_by"] == "user:slack:U024BE7LH"
    assert audit(desk) == [("user:slack:U024BE7LH", "acknowledge", "alert:a")]


def test_silence_lasts_an_hour_for_this_rule_and_topic(desk: Desk) -> None:
    assert click(desk, "silence").status_code == 200
    [silence] = silences(desk)
    alert = desk.parts.incidents.get("a", EVERYTHING)
    assert (silence["topic"], silence["rule"]) == ("bahn", alert["rule"])
    assert silence["ends_at"] - silence["starts_at"] == timedelta(hours=1) / timedelta(microseconds=1)
    assert audit(desk) == [("user:slack:U024BE7LH", "silence", f"silence:{silence['id']}")]


def test_the_same_click_again_is_refused_and_changes_nothing(desk: Desk) -> None:
    assert [click(desk, "silence").status_code for _ in range(2)] == [200, 409]
    assert len(silences(desk)) == 1


@pytest.mark.parametrize("away", [-301, 301, -86_400])
def test_a_click_of_another_time_is_refused(desk: Desk, away: int) -> None:
    assert click(desk, "silence", stamp=NOW + away).status_code == 401
    assert silences(desk) == []


@pytest.mark.parametrize("away", [-299, 299])
def test_five_minutes_are_allowed(desk: Desk, away: int) -> None:
    assert click(desk, "silence", stamp=NOW + away).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "ü".encode().decode("latin-1")},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": str(NOW + 1)},
    ],
)
def test_a_wrong_signature_or_time_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    sent = clicked("silence", "a", stamp=NOW)
    sent["headers"] |= {name: value.encode("latin-1") for name, value in headers.items()}
    assert desk.client.post(PATH, **sent).status_code == 401
    assert silences(desk) == []


def test_another_secret_or_another_body_is_refused(desk: Desk) -> None:
    assert click(desk, "silence", secret="x").status_code == 401
    sent = clicked("silence", "a", stamp=NOW)
    sent["content"] += b"&x=y"
    assert desk.client.post(PATH, **sent).status_code == 401
    assert silences(desk) == []


@pytest.mark.parametrize(("action", "value"), [("open", "a"), ("acknowledge", "gone"), ("other", "a")])
def test_what_changes_nothing_is_answered_all_the_same(desk: Desk, action: str, value: str) -> None:
    response = click(desk, action, value)
    assert (response.status_code, response.json()) == (200, {"accepted": 0})
    assert audit(desk) == []


def test_without_an_app_there_is_no_such_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.client.post(PATH, **clicked("silence", "a", stamp=NOW)).status_code == 404
    desk.close()
