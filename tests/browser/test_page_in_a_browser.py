"""The page in Debian's Chromium: nothing serious for axe, no console errors, live, and back after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.web.assets import address
from resonance.update import Counts
from tests.support.browser import AXE, CHROMIUM, FLAGS, free_port, served
from tests.support.machine import at
from tests.support.seeding import Desk

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
    pytest.mark.skipif(
        address("vendor/htmx.min.js") is None or not AXE.exists(), reason="the page's scripts are not installed (npm)"
    ),
]
VIEWS = ("/", "/topics/bahn", "/mentions?topic=bahn", "/alerts", "/alerts/a", "/sources", "/channels")
REASONS = [{"code": "volume", "values": {"count": 24, "expected": 4.0, "window": "15m"}}]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.seed.topics("bahn:pr", "post")
    made.seed.alert("a", "bahn", reasons=msgspec.json.encode(REASONS).decode(), departments='["pr"]')
    made.seed.mention("bluesky:1", "bahn", placed=at(-60), text="die bahn 👩‍👩‍👧 \u202eשלום " + "w" * 10_000)
    made.seed.window("bahn", at(-600), Counts(mentions=40, negative=20, p_negative=900, p_positive=100))
    yield made
    made.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "width"), [("de-DE", 1280), ("en-US", 390)])
def test_every_view_is_accessible_fits_and_speaks_no_errors(
    chromium: Any, desk: Desk, language: str, width: int, scheme: str
) -> None:
    with served(desk.app, free_port()) as base:
        page = chromium.new_page(
            viewport={"width": width, "height": 800}, locale=language, color_scheme=scheme, bypass_csp=True
        )
        heard: list[str] = []
        page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        for view in VIEWS:
            page.goto(base + view)
            page.add_script_tag(path=str(AXE))
            found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.impact, v.nodes[0].html]))")
            assert [one for one in found if one[1] in ("serious", "critical")] == [], view
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, view
        page.close()
    assert heard == []


def test_the_page_is_live_and_comes_back_after_a_restart(chromium: Any, desk: Desk) -> None:
    port = free_port()
    page = chromium.new_page(locale="de-DE")
    with served(desk.app, port) as base:
        page.goto(base)
        page.wait_for_selector("#live.on", timeout=20_000)
    page.wait_for_selector("#live.off", timeout=20_000)
    desk.seed.window("post", at(-60), Counts(mentions=4711))
    with served(desk.app, port):
        page.wait_for_selector("#live.on", timeout=40_000)
        page.wait_for_selector("text=4.711", timeout=20_000)
        desk.seed.window("post", at(-120), Counts(mentions=1000), environment=2)
        desk.seed.changes(("mention.matched", "post", "k"))
        page.wait_for_selector("text=5.711", timeout=20_000)
    page.close()


def test_an_alert_is_taken_by_keyboard_and_without_script(chromium: Any, desk: Desk) -> None:
    context = chromium.new_context(locale="de-DE", java_script_enabled=False)
    page = context.new_page()
    with served(desk.app, free_port()) as base:
        page.goto(base)
        page.get_by_role("button", name="Ich kümmere mich").press("Enter")
        page.wait_for_selector("text=Jemand kümmert sich")
        page.goto(base + "/topics/bahn")
        assert page.locator("#chart svg polyline").count() == 1
    context.close()


def test_the_first_load_weighs_at_most_150_kilobytes(chromium: Any, desk: Desk) -> None:
    page = chromium.new_page(locale="de-DE")
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer) if "/live" not in answer.url else None)
    with served(desk.app, free_port()) as base:
        page.goto(base + "/topics/bahn", wait_until="load")
        page.wait_for_selector("#live.on")
        sizes = [answer.request.sizes()["responseBodySize"] for answer in answers]
        page.close()
    assert 30_000 < sum(sizes) <= 150_000
