"""How things stand on the page: deliveries, counts, marks in the chart, and a demo whose time stands still."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.parts import Demo, Play
from api.web import said
from resonance.model import micros
from resonance.stores import schema
from resonance.update import Counts
from tests.support.machine import at
from tests.support.seeding import Desk

GERMAN = {"Accept-Language": "de"}
SETTINGS = {"slack": {"secret": "env:SLACK"}, "email": {"to": ["press@acme.example"]}}


def notify(desk: Desk, channel: str, alert: str, state: str | None, problem: str | None = None) -> None:
    place = {"channel": channel, "grouping": alert, "alert": alert, "kind": "firing", "values": "{}"}
    with desk.seed.database.write() as connection:
        added = sa.insert(schema.outbox).returning(schema.outbox.c.id)
        times = {"at": micros(at(0)), "real_at": 0}
        number = connection.scalar(added, {"idempotency_key": f"{channel}-{alert}", **place, **times})
        if state:
            row = {"outbox": number, "state": state, "attempts": 1, "problem": problem}
            connection.execute(sa.insert(schema.delivery), row)


def test_an_alert_says_who_was_told_and_whom_it_could_not_reach(desk: Desk) -> None:
    desk.seed.alert("a", "bahn")
    assert "Niemand wurde benachrichtigt" in desk.get("/alerts/a", GERMAN).text
    key = desk.key("admin")
    desk.client.post("/v1/channels", json={"id": "desk", "kind": "log"}, headers=key)
    notify(desk, "desk", "a", "sent")
    page = desk.get("/alerts/a", {**GERMAN, **key}).text
    assert "Niemand hat eine Nachricht bekommen" in page and "So sähe die Nachricht von 14:00 Uhr in Slack aus" in page
    assert "Alarm um 14:00 Uhr; niemand hat eine Nachricht bekommen" in desk.get("/", {**GERMAN, **key}).text
    desk.client.post("/v1/channels", json={"id": "press", "kind": "slack", "secret": "env:SLACK"}, headers=key)
    notify(desk, "press", "a", "sent")
    notify(desk, "mail", "a", "failed", "no such mailbox")
    notify(desk, "hook", "a", None)
    page = re.sub(r"<[^>]+>", "", desk.get("/alerts/a", {**GERMAN, **key}).text)
    assert "press (Slack): Alarm zugestellt (14:00 Uhr)" in page and "Die Nachricht von 14:00 Uhr in Slack" in page
    assert "Alarm um 14:00 Uhr, gesendet an press; noch kümmert sich niemand darum." in page
    assert "konnte nicht zugestellt werden (14:00 Uhr): no such mailbox" in page
    assert "wartet auf den Versand (14:00 Uhr)." in page


def test_a_channel_says_what_became_of_its_last_message(desk: Desk) -> None:
    key = desk.key("admin")
    for name, kind in (("press", "slack"), ("desk", "log"), ("mail", "email"), ("none", "log")):
        body = {"id": name, "kind": kind, **SETTINGS.get(kind, {})}
        assert desk.client.post("/v1/channels", json=body, headers=key).status_code == 201
    notify(desk, "press", "a", "sent")
    notify(desk, "desk", "a", "sent")
    notify(desk, "mail", "a", "waiting", "down")
    notify(desk, "mail", "b", None)
    page = desk.get("/channels", {**GERMAN, **key}).text
    told = dict(re.findall(r'<h2>(\w+)</h2>.*?<p class="sentence small">(.*?)</p>', page, re.DOTALL))
    assert told["none"] == "Noch wurde nichts gesendet."
    assert told["press"] == 'Letzte Nachricht: <a href="/alerts/a">Alarm zugestellt</a> (14:00 Uhr).'
    assert told["desk"] == 'Letzte Nachricht: <a href="/alerts/a">im Protokoll vermerkt</a> (14:00 Uhr).'
    assert told["mail"].endswith("2 Nachrichten warten.") and "wartet auf den Versand" in told["mail"]


def test_the_list_of_mentions_says_how_many_there_are_and_of_which_day_each_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        desk.seed.mention(f"x:{number}", "bahn", placed=at(number))
    desk.seed.mention("x:9", "post", placed=at(9))
    page = desk.get("/mentions", GERMAN, topic="bahn", order="reach").text
    assert '<p class="rest">4 Erwähnungen</p>' in page and ">04.05., 14:00 Uhr</time>" in page
    assert '<p class="rest">5 Erwähnungen</p>' in desk.get("/mentions", GERMAN).text
    monkeypatch.setattr(said, "_COUNTED", 3)
    assert '<p class="rest">mehr als 3 Erwähnungen</p>' in desk.get("/mentions", GERMAN, topic="bahn").text


def test_the_chart_marks_where_alerts_went_off(desk: Desk) -> None:
    desk.seed.window("bahn", at(-7200), Counts(mentions=5))
    assert "Alarm löst aus" not in desk.get("/topics/bahn", GERMAN).text
    desk.seed.alert("a", "bahn", pending=at(-3600))
    desk.seed.alert("b", "post", pending=at(-7200))
    page = desk.get("/topics/bahn", GERMAN).text
    assert re.findall(r'data-fired="(\d+)"', page) == [str(micros(at(-3600)) // 1_000_000)]
    assert page.count('<line class="mark"') == 1


def test_today_says_which_share_since_midnight_is_negative(desk: Desk) -> None:
    desk.seed.window("bahn", at(-600), Counts(mentions=50, negative=20, uncertain=9))
    cells = re.findall(r"<b>([^<]*)</b>", desk.get("/", GERMAN).text)
    assert "40\u00a0%" in cells and "–" in cells


@pytest.mark.parametrize(("running", "word"), [(True, "live"), (False, "Demo angehalten")])
def test_a_page_whose_time_stands_still_does_not_call_itself_live(tmp_path: Path, running: bool, word: str) -> None:
    nothing = lambda: None  # noqa: E731
    desk = Desk(tmp_path, {"demo": Demo(lambda: Play(running, False, False), nothing, nothing, nothing)})
    assert f'data-on="{word}"' in desk.get("/", GERMAN).text
    desk.close()


def test_a_topics_alerts_are_one_card_led_by_the_most_severe_and_taken_together(desk: Desk) -> None:
    share = '[{"code": "negative_share", "values": {"share": 0.7, "mentions": 20, "window": "1h"}}]'
    volume = '[{"code": "volume", "values": {"count": 24, "expected": 4.0, "window": "15m"}}]'
    desk.seed.alert("a", "bahn", severity="critical", reasons=volume)
    desk.seed.alert("b", "bahn", severity="warning", reasons=share, rule="share", pending=at(300))
    desk.seed.alert("c", "post", severity="warning", reasons=volume)
    desk.pass_time(600)
    page = desk.get("/", GERMAN).text
    cards = re.findall(r'<article class="alert (\w+)">(.*?)</article>', page, re.DOTALL)
    assert [severity for severity, _ in cards] == ["critical", "warning"]
    told = re.sub(r"<[^>]+>", "", cards[0][1])
    assert "6-mal so viele Erwähnungen von Bahn" in told
    assert "Weiterer Alarm: Seit 13:05 Uhr sind 70\u00a0% der Erwähnungen von Bahn negativ." in told.replace(
        " %", "\u00a0%"
    )
    assert '<a href="/alerts/b">' in cards[0][1] and "/alerts/b" not in cards[1][1]
    form = {"to": "/", "also": re.findall(r'name="also" value="([^"]*)"', cards[0][1])[0]}
    desk.client.post("/alerts/a/acknowledge", data=form, headers={"Origin": "http://127.0.0.1:8000"})
    assert desk.seed.count(schema.acknowledgement) == 2


def test_reactions_are_those_counted_so_far_and_unknown_where_nobody_told(desk: Desk) -> None:
    desk.seed.mention("x:1", "bahn", engagement='{"likes":[0,0]}', engagement_total=0)
    desk.seed.mention("x:2", "post", engagement="{}", engagement_total=0)
    assert "bisher 0 Reaktionen" in desk.get("/mentions", GERMAN, topic="bahn").text
    assert "Reaktionen unbekannt" in desk.get("/mentions", GERMAN, topic="post").text


def test_criticism_is_read_of_the_last_hour_where_it_began_in_it(desk: Desk) -> None:
    volume = '[{"code": "volume", "values": {"count": 24, "expected": 4.0, "window": "15m", "since": %d}}]'
    for name, topic, since in (("a", "bahn", -1200), ("b", "post", -7200)):
        desk.seed.alert(name, topic, reasons=volume % (micros(at(since)) // 1_000_000))
    page = desk.get("/", GERMAN).text
    assert "/mentions?topic=bahn&amp;since=1h&amp;label=negative" in page
    assert "/mentions?topic=post&amp;since=24h&amp;label=negative" in page
