"""Kinds of sources: every mistake in their options is named at once, with where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.sources import KINDS, check_sources, coverage_of, open_source
from resonance.catalogue import Catalogue, Source
from resonance.clock import SystemClock
from resonance.errors import InvalidSetting
from services.settings import load

GOOD: dict[str, dict[str, Any]] = {
    "bluesky": {},
    "demo": {"options": {"seed": 3}},
    "feeds": {"options": {"feeds": ["https://a.example/feed"]}},
    "hackernews": {},
    "hook": {"options": {"secret": "env:SHOP_SECRET"}},
    "mastodon": {"options": {"instances": [{"url": "https://a.example", "token": "env:A", "streams": ["hashtag:b"]}]}},
    "replay": {"options": {"file": "x.jsonl"}},
}


def mistakes(kind: str, **more: Any) -> dict[str, str]:
    found = check_sources(Catalogue(sources={"s": Source(id="s", kind=kind, **more)}))
    return {problem.pointer: problem.detail for problem in found}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_accepted_and_opened_from_a_good_configuration(kind: str) -> None:
    assert mistakes(kind, **GOOD[kind]) == {}
    configured = Source(id="s", kind=kind, **GOOD[kind])
    open_source(configured, SystemClock(), lambda reference: "secret")
    assert coverage_of(configured) is None or len(coverage_of(configured) or "") > 20


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_that_nobody_knows_is_named(kind: str) -> None:
    assert "sources.s.options.evrey" in mistakes(kind, options={**GOOD[kind].get("options", {}), "evrey": "5m"})


def test_every_mistake_of_every_source_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "resonance.toml"
    file.write_text(
        """
        [[sources]]
        id = "news"
        kind = "feeds"
        options = { feeds = ["ftp://a.example"], every = "soon", evrey = "5m" }
        [[sources]]
        id = "none"
        kind = "feeds"
        [[sources]]
        id = "strange"
        kind = "telepathy"
        [[sources]]
        id = "sky"
        kind = "bluesky"
        url = "https://bsky.app"
        [[sources]]
        id = "pushed"
        options = { key = 1 }
        """
    )
    with pytest.raises(InvalidSetting) as caught:
        load(file, {})
    assert sorted(problem.pointer for problem in caught.value.problems) == [
        "sources.news.options.every",
        "sources.news.options.evrey",
        "sources.news.options.feeds",
        "sources.none.options.feeds",
        "sources.pushed.options",
        "sources.sky.url",
        "sources.strange.kind",
    ]
