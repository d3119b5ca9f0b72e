"""What people read: alerts in sentences, problems in their language, numbers with an ETag, the overview."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from api.parts import Backlog
from resonance.access import EVERYTHING, Actor, Scope
from resonance.errors import Retry
from resonance.model import key_text, mention_key
from resonance.stores import schema
from resonance.stores.incidents import Incidents
from resonance.update import Counts
from tests.support.machine import at
from tests.support.seeding import Desk

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
ONE = Counts(mentions=1, p_negative=700, p_neutral=200, p_positive=100, negative=1, likes=2)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.seed.topics("bahn", "tee")
    yield made
    made.close()


def test_an_alert_is_a_sentence_in_the_readers_language(desk: Desk) -> None:
    desk.seed.alert("a", "bahn", value=1234.0, expected=500.0)
    assert desk.get("/v1/alerts/a").json()["text"] == "Bahn: 1,234 mentions, 2.5 times the usual 500 (many)"
    assert desk.get("/v1/alerts/a", GERMAN).json()["text"] == (
        "Bahn: 1.234 Erwähnungen, 2,5-mal so viele wie die üblichen 500 (many)"
    )
    share = '[{"code": "negative_share", "values": {"share": 0.62, "mentions": 40}}]'
    desk.seed.alert("b", "bahn", reasons=share)
    assert desk.get("/v1/alerts/b", GERMAN).json()["text"].startswith("Bahn: 62 % von 40 Erwähnungen sind negativ")
    desk.seed.alert("c", "tee", reasons='[{"code": "silent", "values": {"source": "bluesky"}}]', value=None)
    assert desk.get("/v1/alerts/c", GERMAN).json()["text"].startswith("Quelle bluesky schweigt")


def test_an_alert_has_all_fields_of_the_contract(desk: Desk) -> None:
    desk.seed.alert("a", "bahn")
    names = (
        "id fingerprint rule topic departments severity state pending_at fired_at resolved_at acknowledged_at "
        "acknowledged_by value expected score reasons text mentions url"
    )
    assert set(desk.get("/v1/alerts/a").json()) == set(names.split())


def test_an_alert_names_only_what_still_exists(desk: Desk) -> None:
    there = key_text(desk.seed.mention("x:1", "bahn"))
    gone = key_text(mention_key("x:2"))
    desk.seed.alert("a", "bahn", mentions=msgspec.json.encode([gone, there]).decode())
    assert desk.get("/v1/alerts/a").json()["mentions"] == [there]
    assert desk.get("/v1/alerts").json()["items"][0]["mentions"] == [there]
    with desk.database.write() as connection:
        connection.execute(sa.delete(schema.mention))
    assert desk.get("/v1/alerts/a").json()["mentions"] == []


def test_the_first_acknowledgement_stands_and_is_told_once(desk: Desk) -> None:
    desk.seed.alert("a", "bahn")
    first = desk.client.post("/v1/alerts/a/acknowledge", json={"comment": "ich"}, headers=desk.key("write")).json()
    desk.pass_time(60)
    second = desk.client.post("/v1/alerts/a/acknowledge").json()
    assert first["acknowledged_by"].startswith("key:") and second == first
    assert desk.seed.count(schema.change, schema.change.c.type == "alert.acknowledged") == 1
    assert desk.seed.count(schema.audit, schema.audit.c.action == "acknowledge") == 1


def test_of_two_who_acknowledge_at_the_same_moment_one_is_the_first(desk: Desk) -> None:
    class Overtaken(Incidents):
        """Somebody else acknowledges between this one's look and its change."""

        overtake = True

        def get(self, name: str, scope: Scope) -> sa.RowMapping:
            row = super().get(name, scope)
            if self.overtake:
                self.overtake = False
                Incidents(desk.database).acknowledge(name, scope, actor=Actor("user", "first"), at=at(1))
            return row

    desk.seed.alert("a", "bahn")
    row = Overtaken(desk.database).acknowledge("a", EVERYTHING, actor=Actor("user", "second"), at=at(2))
    assert row["acknowledged_by"] == "user:first"
    assert desk.seed.count(schema.audit, schema.audit.c.action == "acknowledge") == 1


def test_pages_of_alerts_hold_each_once_also_at_the_same_instant(desk: Desk) -> None:
    for number in range(7):
        desk.seed.alert(f"a{number}", "bahn", pending=at(number // 4))
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = desk.get("/v1/alerts", limit=2, state="firing", **({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ["a6", "a5", "a4", "a3", "a2", "a1", "a0"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/topics/none", "es gibt kein Thema 'none'"),
        ("/v1/alerts/none", "es gibt keinen Alarm 'none'"),
        ("/v1/jobs/none", "es gibt keinen Auftrag 'none'"),
        ("/v1/mentions?id=x:9", "diese Erwähnung gibt es nicht"),
        ("/v1/mentions?topik=1", "unbekannte Parameter: topik"),
        ("/v1/mentions?cursor=x", "cursor: ist keine unserer Fortsetzungsmarken"),
        ("/v1/mentions?limit=900", "limit: darf höchstens 200 sein"),
        ("/v1/mentions?order=best", "muss 'newest', 'oldest', 'reach', 'engagement' oder 'resonance' sein"),
        ("/v1/topics/bahn/series?start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", "end: muss nach start liegen"),
        ("/v1/changes?after=ffffffff-0-1", "die Stelle gehört zu einem anderen Speicher"),
        ("/v2", "Das gibt es nicht"),
    ],
)
def test_common_problems_are_told_in_german(desk: Desk, path: str, detail: str) -> None:
    assert detail in desk.get(path, GERMAN).json()["detail"]
    assert detail not in desk.get(path).json()["detail"]


def test_every_mistake_in_a_body_is_told_in_german_with_its_place(desk: Desk) -> None:
    errors = desk.client.post("/v1/topics", json={"id": "neu", "extra": 1}, headers=GERMAN).json()["errors"]
    assert {error["pointer"]: error["detail"] for error in errors if error["pointer"] != "/extra"} == {
        "/name": "fehlt",
        "/query": "fehlt",
    }


def test_a_series_is_not_sent_again_to_who_has_it(desk: Desk) -> None:
    desk.seed.window("bahn", at(-600), ONE)
    first = desk.get("/v1/topics/bahn/series")
    tag = first.headers["etag"]
    assert desk.get("/v1/topics/bahn/series", {"If-None-Match": f'"x", W/{tag}'}).status_code == 304
    desk.seed.window("bahn", at(-1800), ONE)
    assert desk.get("/v1/topics/bahn/series", {"If-None-Match": tag}).status_code == 200


def test_a_series_says_what_it_is(desk: Desk) -> None:
    desk.seed.progress(at(0))
    desk.seed.window("bahn", at(-600), ONE)
    start, end = at(-3600).isoformat(), at(0).isoformat()
    body = desk.get("/v1/topics/bahn/series", metric="engagement", start=start, end=end, step="1h").json()
    assert {name: body[name] for name in ("metric", "unit", "step", "zone")} == {
        "metric": "engagement",
        "unit": "reactions",
        "step": "1h",
        "zone": "Europe/Berlin",
    }
    item = {"at": "2026-05-04T11:00:00Z", "value": 2, "low": None, "high": None, "expected": None, "complete": True}
    assert body["items"] == [item]


def test_days_are_those_of_the_zone_also_when_clocks_change(desk: Desk) -> None:
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)
    for hours in (0, 22, 23):
        desk.seed.window("bahn", midnight + timedelta(hours=hours), ONE)
    answer = desk.get(
        "/v1/topics/bahn/series",
        step="1d",
        start=midnight.isoformat(),
        end=(midnight + timedelta(hours=47)).isoformat(),
    ).json()
    assert [(item["at"], item["value"]) for item in answer["items"]] == [
        ("2026-03-28T23:00:00Z", 2),
        ("2026-03-29T22:00:00Z", 1),
    ]


def test_a_summary_stands_against_the_time_before(desk: Desk) -> None:
    desk.seed.environment(1, "x", "de")
    for hours in (1, 2, 25):
        desk.seed.window("bahn", at(-3600 * hours), ONE)
    body = desk.get("/v1/topics/bahn/summary").json()
    assert (body["volume"], body["before"]["volume"], body["net_sentiment"]) == (2, 1, -0.6)
    assert body["shares"]["platform"] == [{"name": "x", "mentions": 2, "share": 1.0}]


def test_a_push_says_whether_it_is_stored(tmp_path: Path) -> None:
    waited: list[float] = []

    def stored(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) == 1

    desk = Desk(tmp_path, {"await_stored": stored})
    item = {"id": "x:1", "text": "a", "published_at": "2026-05-04T11:00:00Z"}
    answers = [desk.client.post("/v1/mentions", json=item, headers={"Prefer": "wait=5"}) for _ in range(2)]
    assert waited == [5.0, 5.0]
    assert [answer.headers.get("preference-applied") for answer in answers] == ["wait=5", None]
    assert desk.client.post("/v1/mentions", json=item).json()["accepted"] == 1 and len(waited) == 2
    desk.close()


def test_readiness_says_which_part_is_not_ready(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"pending": lambda: True})
    assert (desk.get("/health/ready").status_code, desk.get("/health/live").status_code) == (503, 200)
    assert desk.get("/health/ready").json()["problems"] == ["a migration waits"]
    desk.close()


@pytest.mark.parametrize(("seconds", "status"), [(60.0, 200), (60.5, 503)])
def test_work_is_sent_elsewhere_while_processing_lags_more_than_a_minute(
    tmp_path: Path, seconds: float, status: int
) -> None:
    desk = Desk(tmp_path, {"backlog": lambda: Backlog(3, seconds)})
    answer = desk.get("/health/ready")
    assert (answer.status_code, answer.json()["lag_s"]) == (status, seconds)
    assert answer.json()["problems"] == ([] if status == 200 else ["processing lags 60 s"])
    desk.close()


def test_a_log_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    def broken() -> Backlog:
        raise Retry("the log did not answer")

    desk = Desk(tmp_path, {"backlog": broken})
    answer = desk.get("/health/ready")
    assert (answer.status_code, answer.json()["lag_s"]) == (503, None)
    assert "the log did not answer" in answer.json()["problems"][0]
    desk.close()
