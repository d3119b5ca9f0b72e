"""Frames of Jetstream, constructed: each kind of post, and what clients of that network write in place of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cleaning import clean
from ingest.sources.bluesky_frames import Malformed, Parsed, ServerError, parse_v1, parse_v2
from resonance.errors import Invalid
from resonance.model import Delete, DeleteAuthor, Media, Mention, Upsert

SERVER = 1_783_175_888_000_000
SERVER_TIME = datetime(2026, 7, 4, 14, 38, 8, tzinfo=UTC)
QUOTED = "at://did:plc:b/app.bsky.feed.post/7"


def commit(record: Any, operation: str = "create", collection: str = "app.bsky.feed.post") -> dict[str, Any]:
    inner = {"operation": operation, "collection": collection, "rkey": "3k", "cid": "bafy", "record": record}
    return {"did": "did:plc:a", "time_us": SERVER, "kind": "commit", "commit": inner}


def parsed(frame: dict[str, Any]) -> Parsed:
    return parse_v1(json.dumps(frame))


def mention(record: dict[str, Any], operation: str = "create") -> Mention:
    event = parsed(commit({"createdAt": "2026-07-04T16:00:00+02:00", **record}, operation)).event
    assert isinstance(event, Upsert)
    return event.mention


def test_a_post_is_its_text_with_what_its_facets_name() -> None:
    text = "😂 Grüße #Café https://x.de/lang…"
    start = len("😂 Grüße ".encode())
    facets = [
        {"index": {"byteStart": start, "byteEnd": start + 6}, "features": [{"$type": "…facet#tag", "tag": "Café"}]},
        {"index": {"byteStart": start + 7, "byteEnd": 99}, "features": [{"$type": "…#link", "uri": "https://x.de/l"}]},
    ]
    found = mention({"text": text, "langs": ["de", "en"], "facets": facets, "tags": ["daneben"]})
    assert found == Mention(
        id="bluesky:at://did:plc:a/app.bsky.feed.post/3k",
        platform="bluesky",
        text=text,
        language="de",
        url="https://bsky.app/profile/did:plc:a/post/3k",
        site="bsky.app",
        published_at=datetime(2026, 7, 4, 14, 0, tzinfo=UTC),
        author=found.author,
        links=("https://x.de/l",),
        hashtags=("Café", "daneben"),
    )
    assert found.author is not None and found.author.id == "did:plc:a"


def test_an_answer_knows_what_it_answers_and_where_the_thread_began() -> None:
    reply = {"parent": {"uri": QUOTED}, "root": {"uri": "at://did:plc:c/app.bsky.feed.post/1"}}
    found = mention({"text": "ja", "reply": reply})
    assert (found.kind, found.reply_to) == ("comment", f"bluesky:{QUOTED}")
    assert found.thread_root == "bluesky:at://did:plc:c/app.bsky.feed.post/1"


@pytest.mark.parametrize("beside", [False, True])
def test_a_quote_names_what_it_quotes_also_beside_pictures(beside: bool) -> None:
    record = {"record": {"uri": QUOTED}}
    media = {"images": [{"alt": "ein Bild"}]}
    found = mention({"text": "sieh an", "embed": {"record": record, "media": media} if beside else record})
    assert (found.kind, found.quote_of) == ("quote", f"bluesky:{QUOTED}")
    assert found.media == ((Media(type="image", alt="ein Bild"),) if beside else ())


def test_a_list_that_is_shown_is_no_quote() -> None:
    found = mention({"text": "a", "embed": {"record": {"uri": "at://did:plc:b/app.bsky.graph.list/7"}}})
    assert (found.kind, found.quote_of) == ("post", None)


def test_an_edit_says_when_and_which_a_new_post_does_not() -> None:
    edited = mention({"text": "a"}, "update")
    assert (edited.edited_at, edited.version) == (SERVER_TIME, "bafy")
    assert not mention({"text": "a"}).is_edit


def test_a_repost_names_its_root_and_says_nothing_itself() -> None:
    record = {"createdAt": "2026-07-04T14:00:00Z", "subject": {"uri": QUOTED, "cid": "x"}}
    event = parsed(commit(record, collection="app.bsky.feed.repost")).event
    assert isinstance(event, Upsert)
    assert (event.mention.kind, event.mention.text, event.mention.repost_of) == ("repost", "", f"bluesky:{QUOTED}")


@pytest.mark.parametrize("collection", ["app.bsky.feed.post", "app.bsky.feed.repost"])
def test_what_is_taken_back_is_deleted(collection: str) -> None:
    frame = commit(None, "delete", collection)
    assert parsed(frame).event == Delete(id=f"bluesky:at://did:plc:a/{collection}/3k")


@pytest.mark.parametrize("collection", ["app.bsky.feed.like", "app.bsky.graph.follow", "fm.teal.alpha.actor.status"])
def test_likes_and_follows_are_passed_over(collection: str) -> None:
    assert parsed(commit({}, collection=collection)) == Parsed(None, SERVER, SERVER)


@pytest.mark.parametrize(
    ("account", "gone"),
    [
        ({"active": False, "status": "deleted"}, True),
        ({"active": False, "status": "suspended"}, True),
        ({"active": False, "status": "takendown"}, True),
        ({"active": False, "status": "deactivated"}, True),
        ({"active": False}, True),
        ({"active": False, "status": "throttled"}, False),
        ({"active": False, "status": "desynchronized"}, False),
        ({"active": True}, False),
        ({}, False),
    ],
)
def test_an_account_that_is_gone_takes_what_it_said_along(account: dict[str, Any], gone: bool) -> None:
    frame = {"did": "did:plc:x", "time_us": 1, "kind": "account", "account": account}
    assert parsed(frame).event == (DeleteAuthor(author="bluesky:did:plc:x") if gone else None)


@pytest.mark.parametrize(
    "claim", [None, 7, "", "gestern", "2026-07-04T14:00:00", "2026-13-04T14:00:00Z", "9999-12-31T23:59:59-08:00"]
)
def test_where_no_time_is_claimed_the_servers_stands_in(claim: Any) -> None:
    event = parsed(commit({"text": "a", "createdAt": claim})).event
    assert isinstance(event, Upsert)
    assert event.mention.published_at == SERVER_TIME


@pytest.mark.parametrize(
    "broken",
    [
        {"facets": [None, {"features": [None, {"tag": 7}, {"uri": "x" * 9000}]}, {"features": {}}]},
        {"facets": {}, "langs": "de", "tags": {"a": 1}},
        {"embed": [1], "reply": "at://"},
        {"embed": {"images": [None, {"alt": 3}], "external": {"uri": None}}, "langs": [None]},
        {"reply": {"parent": None, "root": {"uri": 7}}, "tags": [None, "x" * 2000]},
        {"embed": {"images": [{"alt": "x" * 20_000}]}},
    ],
)
def test_a_post_with_a_broken_part_is_still_a_post(broken: dict[str, Any]) -> None:
    event = Upsert(mention=mention({"text": "trotzdem", **broken}))
    taken = clean(event, source="s", observed_at=SERVER_TIME)
    assert isinstance(taken, Upsert)
    assert taken.mention.text == "trotzdem"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{",
        b"\xff",
        '{"kind":"commit"}',
        '{"did":1,"time_us":"x","kind":"commit"}',
        '{"did":"d","time_us":1,"kind":"commit","commit":7}',
        '{"did":"d","time_us":1e400,"kind":"identity"}',
        json.dumps(commit(7)),
        json.dumps(commit({}, collection="app.bsky.feed.repost")),
    ],
)
def test_a_frame_that_is_none_is_malformed(data: bytes | str) -> None:
    with pytest.raises(Malformed):
        parse_v1(data)
    with pytest.raises(Malformed):
        parse_v2(data)


def test_kinds_and_operations_that_nobody_knows_are_told_apart() -> None:
    assert parsed({"did": "d", "time_us": 7, "kind": "surprise"}) == Parsed(None, 7, 7, known=False)
    assert parsed({"did": "d", "time_us": 7, "kind": "identity", "identity": {}}) == Parsed(None, 7, 7)
    assert not parsed(commit({}, "rename")).known


def test_notices_and_errors_of_version_2() -> None:
    assert parse_v2('{"$type":"message","payload":{"$type":"x#info","name":"OutdatedCursor"}}') is None
    with pytest.raises(ServerError, match="ConsumerTooSlow: read faster"):
        parse_v2('{"$type":"error","error":"ConsumerTooSlow","message":"read faster"}')
    sync = '{"$type":"message","payload":{"$type":"x#sync","seq":7,"did":"d","time":"1970-01-01T00:00:00.000003Z"}}'
    assert parse_v2(sync) == Parsed(None, 7, 3)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["text", "createdAt", "langs", "facets", "embed", "reply", "tags", "subject", "record", "uri"])


@settings(max_examples=200, deadline=None)
@given(record=st.dictionaries(names, values), collection=st.sampled_from(["post", "repost"]), update=st.booleans())
def test_no_record_whatever_breaks_the_reader(record: dict[str, Any], collection: str, update: bool) -> None:
    frame = commit(record, "update" if update else "create", f"app.bsky.feed.{collection}")
    try:
        event = parsed(frame).event
    except Malformed:
        return
    assert isinstance(event, Upsert)
    try:
        clean(event, source="s", observed_at=SERVER_TIME)
    except Invalid as error:
        assert [problem.code for problem in error.problems] == ["empty"]
