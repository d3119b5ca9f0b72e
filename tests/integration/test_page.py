"""The page over a seeded store: what each view says, in which language, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from babel.messages.extract import extract_from_dir

from api.parts import Demo, Play
from api.web import assets
from api.web.words import HERE, translations
from resonance.model import key_text, mention_key
from resonance.stores import schema
from resonance.update import Counts
from tests.support.machine import at
from tests.support.seeding import Desk

GERMAN, ENGLISH = {"Accept-Language": "de"}, {"Accept-Language": "en"}
OURS = {"Origin": "http://127.0.0.1:8000"}
REASONS = msgspec.json.encode(
    [
        {"code": "volume", "values": {"count": 24, "expected": 4.0, "window": "15m"}},
        {
            "code": "platforms",
            "values": [{"platform": "bluesky", "mentions": 20}, {"platform": "reddit", "mentions": 2}],
        },
    ]
).decode()


def fire(desk: Desk, **columns: Any) -> None:
    desk.seed.alert("a", "bahn", **{"reasons": REASONS, "departments": '["pr"]', **columns})


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        (
            GERMAN,
            "Seit 13:45 Uhr <strong>6-mal so viele</strong> Erwähnungen von <strong>Bahn</strong> wie montags um diese Zeit üblich",
        ),
        (
            ENGLISH,
            "Since 13:45, <strong>6 times as many</strong> mentions of <strong>Bahn</strong> as usual on Mondays at this time",
        ),
    ],
)
def test_today_says_an_open_alert_in_one_sentence(desk: Desk, headers: dict[str, str], sentence: str) -> None:
    fire(desk, mentions=json.dumps([key_text(mention_key("bluesky:1"))]))
    desk.seed.mention("bluesky:1", "bahn", placed=at(-60), text="Der Zug brennt", engagement_total=9, kind="post")
    desk.seed.mention("bluesky:2", "bahn", placed=at(60), text="Nachher gesagt", engagement_total=99, kind="post")
    page = desk.get("/", headers).text
    assert sentence in page
    assert "Der Zug brennt" in page and "pr" in page and "Bluesky" in page
    whole = desk.get("/alerts/a", headers).text
    # In the sentence, among the reasons, and in the message; what came after it went off is in none of them.
    assert whole.count("Der Zug brennt") == 3 and "Nachher gesagt" not in whole


def test_today_stands_against_the_same_time_last_week(desk: Desk) -> None:
    desk.seed.window("bahn", at(-600), Counts(mentions=1500, p_negative=900, p_positive=100))
    desk.seed.window("bahn", at(-600 - 7 * 86400), Counts(mentions=70))
    page = desk.get("/", GERMAN).text
    assert "<b>1.500</b>" in page and "Vorwoche 70" in page


def test_without_topics_today_teaches_how_to_make_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "[[topics]]" in desk.get("/").text
    desk.close()


def test_german_where_nothing_is_said_english_by_switch_and_by_the_browser(desk: Desk) -> None:
    assert '<html lang="de">' in desk.get("/").text
    assert '<html lang="en">' in desk.get("/", ENGLISH).text
    answer = desk.client.get("/language/en?to=/alerts", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
    assert '<html lang="en">' in desk.get("/", GERMAN).text


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_the_switch_leads_nowhere_else(desk: Desk, to: str) -> None:
    assert desk.client.get("/language/en", params={"to": to}, follow_redirects=False).headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/", "/topics/bahn", "/topics/bahn?period=28d", "/mentions", "/alerts", "/alerts/a", "/sources"]
)
def test_no_view_needs_foreign_or_inline_scripts(desk: Desk, path: str) -> None:
    fire(desk)
    page = desk.get(path)
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200 and "script-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"<style|style=|<script(?! src=\"/static/)|\son\w+=", page.text)


def test_hostile_content_stays_content(desk: Desk) -> None:
    text = "<script>alert(1)</script> bahn \u202eשלום 👩‍👩‍👧 " + "w" * 10_000
    key = desk.seed.mention("x:1", "bahn", text=text, title="<img src=x onerror=alert(1)>", url="javascript:alert(1)")
    fire(desk, mentions=msgspec.json.encode([key_text(key)]).decode())
    for path in ("/", "/mentions", f"/mentions/{key_text(key)}", "/alerts/a", "/topics/bahn"):
        page = desk.get(path).text
        assert "<script>alert" not in page and "<img" not in page and "javascript:" not in page
        assert "&lt;scr" in page, path


def test_matched_words_are_marked_and_filters_stand_in_the_address(desk: Desk) -> None:
    desk.seed.mention("x:1", "bahn", text="die bahn kommt")
    desk.seed.mention("x:2", "post", text="die post kommt")
    page = desk.get("/mentions", topic="bahn").text
    assert "die <mark>bahn</mark> kommt" in page and "<mark>post</mark>" not in page
    assert desk.get("/mentions", topic="none").status_code == 404


def test_an_alert_is_taken_and_silenced_by_plain_forms(desk: Desk) -> None:
    fire(desk)
    taken = desk.client.post("/alerts/a/acknowledge", data={"to": "/"}, headers=OURS, follow_redirects=False)
    assert (taken.status_code, taken.headers["location"]) == (303, "/")
    assert "Jemand kümmert sich" in desk.get("/").text
    desk.client.post("/alerts/a/silence", data={"hours": "4", "comment": "<b>"}, headers=OURS)
    page = desk.get("/alerts/a").text
    assert "Stumm bis 18:00 Uhr: <bdi>&lt;b&gt;</bdi>" in page
    number = re.search(r"/silences/(\w+)/end", page)
    assert number
    desk.client.post(f"/silences/{number[1]}/end", headers=OURS)
    assert desk.seed.count(schema.silence) == 0


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example"])
def test_forms_of_other_sites_change_nothing(desk: Desk, origin: str | None) -> None:
    fire(desk)
    headers = {"Origin": origin} if origin else {}
    assert desk.client.post("/alerts/a/acknowledge", headers=headers).status_code == 403
    assert desk.seed.count(schema.acknowledgement) == 0


def test_a_refusal_is_a_page_in_the_readers_language(desk: Desk) -> None:
    page = desk.get("/topics/none", GERMAN)
    assert (
        page.status_code == 404
        and "es gibt kein Thema" in page.text
        and page.headers["content-type"].startswith("text/html")
    )


def test_a_bounded_reader_sees_only_their_topics(desk: Desk) -> None:
    fire(desk)
    key = desk.key("read", topics=["post"])
    assert "Bahn" not in desk.get("/", key).text
    assert [
        desk.get(path, key).status_code for path in ("/topics/bahn", "/alerts/a", "/live?topic=bahn", "/sources")
    ] == [404, 404, 404, 403]


def test_the_message_stands_as_slack_shows_it(desk: Desk) -> None:
    fire(desk)
    assert "Bahn: ungewöhnlich viele Erwähnungen" in desk.get("/alerts/a").text


def test_a_thread_shows_root_and_answers_in_the_order_of_time_and_where_one_is(desk: Desk) -> None:
    root = desk.seed.mention("x:1", "bahn", placed=at(0), text="die wurzel")
    late = desk.seed.mention("x:2", "bahn", placed=at(90), text="die zweite antwort", kind="comment")
    soon = desk.seed.mention("x:3", "bahn", placed=at(30), text="die erste antwort", kind="comment")
    desk.seed.mention("x:4", "bahn", placed=at(60), text="etwas anderes")
    for row, (key, answers) in enumerate(((root, None), (late, root), (soon, root)), 1):
        desk.seed.identity(key, row, answers)
    for key, here in ((root, "die wurzel"), (late, "die zweite antwort")):
        page = desk.get(f"/mentions/{key_text(key)}", GERMAN).text
        thread = page[page.index("verlauf</h2>") :]
        thread = re.sub("</?mark>", "", thread)
        said = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", thread)
        assert said == ["die wurzel", "die erste antwort", "die zweite antwort"]
        current = re.search(r'aria-current="true">.*?<blockquote[^>]*>(.*?)</blockquote>', thread, re.DOTALL)
        assert current and current[1] == here
        assert thread.count('href="/mentions/') == 2
    assert desk.get("/mentions/none").status_code == 404


def test_a_mention_that_nobody_answers_has_no_thread(desk: Desk) -> None:
    key = desk.seed.mention("x:1", "bahn")
    desk.seed.identity(key, 1, None)
    assert "Es sind keine Antworten gespeichert" in desk.get(f"/mentions/{key_text(key)}", GERMAN).text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/topics/bahn",
        "/topics/bahn?period=28d",
        "/mentions",
        "/mentions/{key}",
        "/alerts",
        "/alerts/a",
        "/sources",
        "/topics/none",
    ],
)
def test_without_the_installed_scripts_every_view_is_whole_and_refers_to_nothing_that_is_missing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    bare = tmp_path / "static"
    shutil.copytree(assets._FOLDER, bare, ignore=shutil.ignore_patterns("vendor"))
    monkeypatch.setattr(assets, "_FOLDER", bare)
    kept = (assets._body, assets._packed, assets.address)
    for one in kept:
        one.cache_clear()
    try:
        fire(desk)
        key = desk.seed.mention("x:1", "bahn")
        page = desk.get(path.format(key=key_text(key)))
        assert page.status_code == (404 if path.endswith("none") else 200)
        referred = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert referred and "vendor" not in page.text and "None" not in page.text
        assert {desk.get(one).status_code for one in referred} == {200}
        if path.startswith("/topics/bahn"):
            assert '<polyline class="line"' in page.text
    finally:
        for one in kept:
            one.cache_clear()


def test_the_topics_that_need_somebody_stand_first(desk: Desk) -> None:
    desk.seed.alert("a", "post", reasons=REASONS, departments="[]")
    page = desk.get("/", GERMAN).text
    assert re.findall(r'<tr class="(\w+)"><th scope="row"><a href="/topics/(\w+)"', page) == [
        ("alarm", "post"),
        ("new", "bahn"),
    ]


def test_four_weeks_stand_against_the_four_before_and_only_where_those_are_known(desk: Desk) -> None:
    desk.seed.window("bahn", at(-600), Counts(mentions=50))
    desk.seed.window("bahn", at(-8 * 86400), Counts(mentions=20))
    assert "in den 28 Tagen davor" not in desk.get("/topics/bahn?period=28d", GERMAN).text
    desk.seed.window("bahn", at(-40 * 86400), Counts(mentions=7))
    page = desk.get("/topics/bahn?period=28d", GERMAN).text
    assert "<strong>70 Erwähnungen</strong>, in den 28 Tagen davor 7" in page


def test_a_demo_is_steered_through_its_hooks(tmp_path: Path) -> None:
    done: list[str] = []
    hooks = {name: (lambda name=name: done.append(name)) for name in ("pause", "resume", "jump")}
    desk = Desk(tmp_path, {"demo": Demo(lambda: Play(True, True, False), **hooks)})
    page = desk.get("/").text
    assert "Zur Krise springen" in page and "Ohne Krise spielen" not in page
    for act in ("pause", "jump"):
        assert desk.client.post("/demo", data={"act": act}, headers=OURS, follow_redirects=False).status_code == 303
    assert done == ["pause", "jump"]
    assert desk.client.post("/demo", data={"act": "change"}, headers=OURS).status_code == 404
    desk.close()


@pytest.mark.parametrize(
    ("quiet", "changing", "shown", "absent"),
    [
        (False, False, "Ohne Krise spielen", "Mit der Krise spielen"),
        (True, False, "Mit der Krise spielen", "Ohne Krise spielen"),
        (False, True, "wird vorbereitet", "Ohne Krise spielen"),
    ],
)
def test_a_demo_offers_its_other_story_and_begins_it_on_the_first_view(
    tmp_path: Path, quiet: bool, changing: bool, shown: str, absent: str
) -> None:
    done: list[str] = []
    nothing = lambda: None  # noqa: E731
    hooks = Demo(
        lambda: Play(True, False, quiet, changing), nothing, nothing, nothing, change=lambda: done.append("change")
    )
    desk = Desk(tmp_path, {"demo": hooks})
    page = desk.get("/").text
    assert shown in page and absent not in page
    answer = desk.client.post("/demo", data={"act": "change", "to": "/alerts/a"}, headers=OURS, follow_redirects=False)
    assert (answer.headers["location"], done) == ("/", ["change"])
    desk.close()


def test_every_sentence_of_the_templates_is_in_the_german_catalogue() -> None:
    found = extract_from_dir(
        HERE / "templates", [("**.html", "jinja2")], {"**.html": {"trimmed": "false", "newstyle_gettext": "true"}}
    )
    known = translations("de")._catalog  # type: ignore[attr-defined]
    texts = [message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found]
    assert len(texts) > 100
    assert [text for text in texts if text not in known and (text, 0) not in known] == []
