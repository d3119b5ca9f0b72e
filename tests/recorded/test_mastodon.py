"""Recorded answers and event streams of Mastodon 4.6: what they say is read, cut anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cleaning import clean
from ingest.fetching import pause_of
from ingest.sources.mastodon_statuses import Lines, Malformed, read_json, read_status
from resonance.clock import SystemClock
from resonance.model import Mention, Upsert, instant
from tests.support.data import data_path


def exchanges() -> list[dict[str, Any]]:
    files = sorted(data_path("recorded/mastodon").glob("*.json"))
    return [
        exchange for file in files for exchange in json.loads(file.read_text("utf-8")) if isinstance(exchange, dict)
    ]


def statuses(value: Any) -> list[dict[str, Any]]:
    """Every status anywhere in it."""
    found: list[dict[str, Any]] = []
    if isinstance(value, dict):
        if {"uri", "visibility", "content"} <= value.keys():
            found.append(value)
        for inner in value.values():
            found += statuses(inner)
    elif isinstance(value, list):
        for inner in value:
            found += statuses(inner)
    return found


def mention(data: dict[str, Any]) -> Mention | None:
    return read_status(data, "https://a.example", {}.get, only_indexable=False).mention


def test_every_recorded_status_is_read_and_can_be_logged() -> None:
    recorded = statuses([exchange.get("body") for exchange in exchanges()])
    assert len(recorded) > 70
    shown = [found for data in recorded if (found := mention(data))]
    assert len(shown) > 30
    for found in shown:
        clean(Upsert(mention=found), source="s", observed_at=SystemClock().now())
        assert "<" not in found.text or "&lt;" in json.dumps(recorded)
    assert {"post", "comment"} <= {found.kind for found in shown}


def test_an_edit_is_a_later_version_of_the_same_mention() -> None:
    (file,) = data_path("recorded/mastodon").glob("status_edit.json")
    versions = [mention(data) for data in statuses([e["body"] for e in json.loads(file.read_text("utf-8"))])]
    found = [version for version in versions if version]
    assert len({version.id for version in found}) == 1
    assert [bool(version.edited_at) for version in found][:2] == [False, True]


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("name", ["sse_user_local", "sse_user_direct", "sse_direct"])
def test_a_recorded_stream_is_the_same_however_it_is_cut(name: str, size: int) -> None:
    raw = data_path(f"recorded/mastodon/{name}.sse").read_bytes()
    whole, lines = list(Lines().feed(raw)), Lines()
    cut = [event for start in range(0, len(raw), size) for event in lines.feed(raw[start : start + size])]
    assert cut == whole and whole
    assert all(read_json(data) is not None for event, data in whole if event in ("update", "conversation"))


def test_a_recorded_reset_is_a_time_to_wait_for() -> None:
    resets = [
        exchange["headers"]["x-ratelimit-reset"]
        for exchange in exchanges()
        if "x-ratelimit-reset" in exchange.get("headers", {})
    ]
    assert len(resets) > 20
    for reset in resets:
        assert pause_of({"X-RateLimit-Reset": reset}, instant(0)) is not None


@settings(max_examples=300, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "uri", "account", "visibility", "content", "tags", "created_at", "quote", "reblog"]), inner), max_leaves=12))  # fmt: skip
def test_what_is_no_public_status_is_refused_or_left_alone_whatever_it_is(value: Any) -> None:
    try:
        found = read_status(value, "https://a.example", {}.get, only_indexable=False)
    except Malformed:
        return
    # It has an id and is not public.
    assert found.mention is None
