"""The reader of Mastodon against an instance on loopback: holes, deletions, edits, refusals, and bytes cut anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec import convert

from ingest.fetching import Web
from ingest.source import AuthFailed, Batch, Transient
from ingest.sources.mastodon import Mastodon, Options
from ingest.sources.mastodon_places import RECENT, read_token
from resonance.clock import SystemClock
from resonance.errors import RateLimited
from resonance.model import Delete, EngagementSeen, Upsert
from tests.support.fake_mastodon import FakeMastodon, account
from tests.support.reading import batches_of
from tests.support.serving import Serving


@pytest.fixture
def world() -> Iterator[tuple[FakeMastodon, str]]:
    fake = FakeMastodon()
    with Serving(fake.app()) as server:
        yield fake, server.url


def source(address: str, *, token: bool = True, streams: tuple[str, ...] = ("hashtag:bahn",), **more: Any) -> Mastodon:
    instance = {"url": address, "streams": streams} | ({"token": "env:T"} if token else {})
    options = convert({"instances": [instance], "every": "0s", "recheck": "0s", **more}, Options)
    return Mastodon(options, SystemClock(), lambda _: "secret", Web(spacing=0.0))


def read(made: Mastodon, token: str | None, until: Callable[[list[Batch]], bool]) -> list[Batch]:
    return batches_of(made, token, until)


def texts(found: list[Batch]) -> list[str]:
    return [e.mention.text for b in found for e in b.events if isinstance(e, Upsert)]


def gone(found: list[Batch]) -> list[str]:
    return [e.id for b in found for e in b.events if isinstance(e, Delete)]


def started(fake: FakeMastodon, address: str, **more: Any) -> str:
    """A token after `number 0` came by stream."""
    done = []

    def until(found: list[Batch]) -> bool:
        if fake.connections and not done and found[-1].token and read_token(found[-1].token):
            done.append(fake.post(0))
        return "number 0" in texts(found)

    token = read(source(address, **more), None, until)[-1].token
    assert token is not None
    return token


def test_what_was_said_while_the_stream_was_away_is_fetched_before_it_is_read_on(
    world: tuple[FakeMastodon, str],
) -> None:
    fake, address = world
    fake.post(0, "said before we came")
    fake.statuses.clear()
    token = started(fake, address)
    for number in range(1, 121):
        fake.post(number)
    found = read(source(address), token, lambda found: len(texts(found)) >= 120)
    assert texts(found) == [f"number {number}" for number in range(1, 121)]
    assert not [batch.gap for batch in found if batch.gap]
    assert sum(batch.duplicates for batch in found) == 1


def test_history_before_the_first_start_is_left_alone(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    for number in range(100, 160):
        fake.post(number)
    done: list[str] = []

    def until(found: list[Batch]) -> bool:
        if not done and found[-1].token and read_token(found[-1].token):
            done.append(fake.post(200))
        return bool(texts(found))

    assert texts(read(source(address), None, until)) == ["number 200"]


def test_a_status_that_another_server_sends_late_is_not_overlooked(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    fake.post(50)
    token = started(fake, address)
    fake.post(400, "the latest")
    token = read(source(address), token, lambda found: "the latest" in texts(found))[-1].token or ""
    fake.post(399, "written before it, known after it")
    assert texts(read(source(address), token, lambda found: bool(texts(found)))) == [
        "written before it, known after it"
    ]


def test_a_timeline_that_does_not_reach_back_is_a_gap(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)
    fake.reach = 50
    for number in range(1, 101):
        fake.post(number)
    found = read(source(address), token, lambda found: len(texts(found)) >= 50)
    assert [batch.gap.reason for batch in found if batch.gap] == [
        f"{address} hashtag:bahn does not reach back to where we were"
    ]


def test_deletions_and_edits_come_by_stream(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)
    names: list[str] = []

    def until(found: list[Batch]) -> bool:
        if not names and fake.connections > 1:
            names.extend(fake.post(number) for number in (1, 2))
            fake.edit(names[0], "changed")
            fake.delete(names[1])
            fake.tell("delete", "123")
            fake.tell("update", "{broken")
            fake.tell("announcement", "{}")
        return bool(gone(found)) and found[-1].token is not None and sum(b.ignored for b in found) == 1

    fake.post(9)
    found = read(source(address), token, until)
    assert texts(found) == ["number 9", "number 1", "number 2", "changed"]
    edited = [e.mention for b in found for e in b.events if isinstance(e, Upsert)][-1]
    assert (
        edited.edited_at is not None and edited.id == f"mastodon:https://social.example/users/kim/statuses/{names[0]}"
    )
    assert gone(found) == [f"mastodon:https://social.example/users/kim/statuses/{names[1]}"]
    assert (sum(b.unknown for b in found), sum(b.malformed for b in found)) == (1, 1)


def test_deletions_and_edits_of_the_latest_are_found_after_a_restart(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)
    names = [fake.post(number) for number in range(1, 11)]
    token = read(source(address), token, lambda found: len(texts(found)) >= 10)[-1].token or ""
    fake.delete(names[3], told=False)
    fake.edit(names[4], "changed", told=False)
    fake.statuses[names[5]]["favourites_count"] = 7
    found = read(source(address), token, lambda found: bool(gone(found)))
    assert gone(found) == [f"mastodon:https://social.example/users/kim/statuses/{names[3]}"]
    assert texts(found) == ["changed"]
    counted = [e.engagement.likes for b in found for e in b.events if isinstance(e, EngagementSeen)]
    assert set(counted) == {7}
    fake.delete(names[6], told=True)
    assert gone(read(source(address), found[-1].token, lambda found: bool(gone(found)))) == [
        f"mastodon:https://social.example/users/kim/statuses/{names[6]}"
    ]


def test_an_answer_that_leaves_statuses_out_deletes_nothing(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)
    for number in range(1, 5):
        fake.post(number)
    token = read(source(address), token, lambda found: len(texts(found)) >= 4)[-1].token or ""
    fake.before["/api/v1/statuses"] = [web.json_response([])]
    fake.post(9)
    found = read(source(address), token, lambda found: bool(texts(found)))
    assert gone(found) == []


def test_an_instance_that_is_older_is_read_without_being_looked_at_again(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    fake.old = True
    token = started(fake, address)
    fake.post(1)
    assert texts(read(source(address), token, lambda found: bool(texts(found)))) == ["number 1"]


def test_quotes_replies_and_warnings_keep_what_they_mean(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)
    first = fake.post(1)
    quoted = fake.statuses[first]
    fake.post(2, quote={"state": "accepted", "quoted_status": quoted}, spoiler_text="Bahn", sensitive=True)
    fake.post(3, quote={"state": "pending", "quoted_status": quoted})
    fake.post(4, in_reply_to_id=first)
    found = read(source(address), token, lambda found: len(texts(found)) >= 4)
    _, quote, pending, reply = [e.mention for b in found for e in b.events if isinstance(e, Upsert)]
    assert (quote.kind, quote.quote_of, quote.quoted_text, quote.title) == (
        "quote",
        f"mastodon:{quoted['uri']}",
        "number 1",
        "Bahn",
    )
    assert (pending.kind, pending.quote_of) == ("post", None)
    assert (reply.kind, reply.reply_to) == ("comment", f"mastodon:{quoted['uri']}")


@pytest.mark.parametrize(
    "more",
    [{"visibility": "unlisted"}, {"account": account(indexable=False)}, {"account": account(note="<p>#nobot</p>")}],
)
def test_who_does_not_want_to_be_found_is_not(world: tuple[FakeMastodon, str], more: dict[str, Any]) -> None:
    fake, address = world
    token = started(fake, address)
    fake.post(1, "hidden", **more)
    fake.post(2, "shown")
    found = read(source(address), token, lambda found: bool(texts(found)))
    assert texts(found) == ["shown"]
    assert sum(batch.ignored for batch in found) == 1


def test_without_a_token_an_open_timeline_is_asked_for(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    done: list[str] = []

    def until(found: list[Batch]) -> bool:
        if not done and found[-1].token and read_token(found[-1].token):
            done.append(fake.post(1))
        return bool(texts(found))

    assert texts(read(source(address, token=False, streams=("public",)), None, until)) == ["number 1"]
    assert fake.connections == 0


def test_a_closed_timeline_needs_a_person_and_says_why(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    fake.open = False
    with pytest.raises(AuthFailed, match=r"does not show its timeline public without a token \(401\)"):
        read(source(address, token=False, streams=("public",)), None, lambda _: False)


def test_one_closed_timeline_does_not_stop_the_others(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    fake.before["/api/v1/timelines/public"] = [web.json_response({"error": "no"}, status=401)]
    done: list[str] = []

    def until(found: list[Batch]) -> bool:
        if not done and found[-1].token and read_token(found[-1].token) and fake.connections == 2:
            done.append(fake.post(1))
        return bool(texts(found)) and found[-1].problem is not None

    found = read(source(address, streams=("public", "hashtag:bahn")), None, until)
    assert texts(found) == ["number 1"]
    assert "does not show its timeline public with this token (401)" in (found[-1].problem or "")


def test_the_reset_that_an_instance_names_is_waited_for(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    reset = (SystemClock().now() + timedelta(seconds=90)).isoformat().replace("+00:00", "Z")
    fake.before["/api/v1/timelines"] = [web.Response(status=429, headers={"X-RateLimit-Reset": reset})]
    with pytest.raises(RateLimited) as caught:
        read(source(address), None, lambda _: False)
    assert caught.value.after is not None and 80 < caught.value.after.total_seconds() <= 90


def test_a_stream_that_breaks_is_told_after_what_it_brought(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)

    def until(found: list[Batch]) -> bool:
        if "number 1" in texts(found):
            fake.hang_up()
        return False

    fake.post(1)
    with pytest.raises(Transient):
        read(source(address), token, until)


def test_the_place_stays_small_however_much_is_said(world: tuple[FakeMastodon, str]) -> None:
    fake, address = world
    token = started(fake, address)
    fake.reach = 5000
    for number in range(1, 3 * RECENT):
        fake.post(number, ms=1_780_000_000_000 + number * 977)
    found = read(source(address), token, lambda found: len(texts(found)) >= 3 * RECENT - 1)
    assert max(len(batch.token or "") for batch in found) < 12_000
