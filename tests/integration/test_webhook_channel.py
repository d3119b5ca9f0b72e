"""Signed webhooks to a real receiver on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from api.notified import Notification
from api.signatures import key_of
from resonance.alerts.message import Message, Quote
from resonance.errors import RateLimited, Retry
from resonance.stores import schema
from resonance.stores.outbox import LEASE
from services.channels.channel import GaveUp, TurnedOff
from services.channels.webhook import WebhookChannel
from services.notifier import Notifier
from tests.support.outbox import NOW, World
from tests.support.receiver import Receiver, Reply
from tests.support.signing import SECRET, signed

WORDS = Message(
    "Nordlicht",
    ("24 statt 4",),
    (Quote("„ü<&“", "@ana", "https://bluesky.example/1"),),
    links=(("open", "https://resonance.example/alerts/a"),),
    alert="a",
    rule="surge",
    topic="nordlicht",
    fired_at=NOW,
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def webhook(receiver: Receiver, **options: Any) -> WebhookChannel:
    return WebhookChannel(receiver.url, key_of(SECRET), **{"timeout": 2.0, "now": lambda: NOW / 1e6, **options})


def notifier(world: World, channel: WebhookChannel) -> Notifier:
    return Notifier(world.outbox, lambda: {"hook": channel}, "http://localhost", now=world.seconds, jitter=lambda: 1.0)


def test_the_signature_is_the_one_that_the_specification_asks_for(receiver: Receiver) -> None:
    webhook(receiver).send(WORDS, "key-1")
    [(path, headers, body)] = receiver.seen
    assert path == "/geheim?a=b"
    expected = signed(body, name="key-1", stamp=NOW // 1_000_000)
    assert {name: headers[name] for name in expected} == expected
    Notification.model_validate_json(body)
    told = json.loads(body)
    assert (told["type"], told["timestamp"]) == ("alert.firing", "2026-11-24T13:32:00Z")
    assert told["data"]["mentions"] == [{"text": "„ü<&“", "who": "@ana", "url": "https://bluesky.example/1"}]
    assert told["data"]["url"] == "https://resonance.example/alerts/a"


@pytest.mark.parametrize(
    ("mark", "kind"), [("test", "channel.test"), ("silent", "alert.firing"), ("resolved", "alert.resolved")]
)
def test_every_body_is_as_it_is_described(receiver: Receiver, mark: str, kind: str) -> None:
    webhook(receiver).send(Message("x", mark=mark), "key")
    assert Notification.model_validate_json(receiver.seen[0][2]).type == kind


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_delivered(receiver: Receiver, status: int) -> None:
    receiver.script = [Reply(status)]
    webhook(receiver).send(WORDS, "key")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    other = Receiver()
    receiver.script = [Reply(status, {"Location": other.url})]
    with pytest.raises(GaveUp, match="redirects are not followed"):
        webhook(receiver).send(WORDS, "key")
    other.close()
    assert (len(receiver.seen), other.seen) == (1, [])


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        (Reply(429, {"Retry-After": "12"}), timedelta(seconds=12)),
        (Reply(503, {"Retry-After": "Tue, 24 Nov 2026 13:32:40 GMT"}), timedelta(seconds=40)),
        (Reply(429), None),
        (Reply(429, {"Retry-After": "soon"}), None),
        (Reply(429, {"Retry-After": "9999999"}), timedelta(hours=1)),
    ],
)
def test_the_pause_that_is_asked_for_is_kept(receiver: Receiver, reply: Reply, after: timedelta | None) -> None:
    receiver.script = [reply]
    with pytest.raises(RateLimited) as caught:
        webhook(receiver).send(WORDS, "key")
    assert caught.value.after == after


@pytest.mark.parametrize("status", [408, 500, 502, 503])
def test_what_passes_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.script = [Reply(status)]
    with pytest.raises(Retry):
        webhook(receiver).send(WORDS, "key")


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_is_final(receiver: Receiver, status: int) -> None:
    receiver.script = [Reply(status)]
    with pytest.raises(GaveUp, match=str(status)) as caught:
        webhook(receiver).send(WORDS, "key")
    assert not isinstance(caught.value, TurnedOff)


def test_a_slow_receiver_is_not_waited_for(receiver: Receiver) -> None:
    receiver.script = [Reply(200, after=1.0)]
    with pytest.raises(Retry, match="Timeout"):
        webhook(receiver, timeout=0.2).send(WORDS, "key")


def test_a_receiver_that_drips_is_hung_up_on() -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer:
                while not over.wait(0.05):
                    try:
                        peer.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        channel = WebhookChannel(f"http://127.0.0.1:{server.getsockname()[1]}/", key_of(SECRET), timeout=0.2)
        with pytest.raises(Retry):
            channel.send(WORDS, "key")
        over.set()
        thread.join(5)


@pytest.mark.parametrize(
    "url", ["ftp://a.example/geheim", "http://127.0.0.1:1/geheim", "http://[/geheim", "http://a b/geheim"]
)
def test_address_and_key_are_in_no_error_and_no_repr(url: str, caplog: pytest.LogCaptureFixture) -> None:
    channel = WebhookChannel(url, key_of(SECRET), timeout=1.0)
    with pytest.raises((Retry, GaveUp)) as caught:
        channel.send(WORDS, "key")
    assert "geheim" not in f"{caught.value!r}{caught.value.__cause__!r}{channel!r}{caplog.text}"
    assert "kkkk" not in repr(channel)


def test_killed_between_post_and_note_the_same_id_comes_again(world: World, receiver: Receiver) -> None:
    key = world.notice("firing", "a", channel="hook")
    [claimed] = world.outbox.claim("killed", world.now)
    webhook(receiver).send(WORDS, claimed.idempotency_key)
    world.now += LEASE
    notifier(world, webhook(receiver)).step()
    assert [headers["webhook-id"] for _, headers, _ in receiver.seen] == [key, key]
    assert world.deliveries()[key] == ("sent", None)


def test_a_retry_carries_the_same_id_and_a_new_time(world: World, receiver: Receiver) -> None:
    key = world.notice("firing", "a", channel="hook")
    receiver.script = [Reply(500, {"Retry-After": "7"})]
    sender = notifier(world, webhook(receiver, now=world.seconds))
    sender.step()
    world.later(6.9)
    assert sender.step() == 0
    world.later(0.2)
    assert sender.step() == 1
    assert [headers["webhook-id"] for _, headers, _ in receiver.seen] == [key, key]
    stamps = [int(headers["webhook-timestamp"]) for _, headers, _ in receiver.seen]
    assert stamps[1] - stamps[0] == 7


def entry(world: World, revision: int) -> None:
    with world.database.write() as connection:
        connection.execute(sa.delete(schema.entry).where(schema.entry.c.kind == "channel"))
    body = msgspec.json.encode({"id": "hook"}).decode()
    world.add(schema.entry, kind="channel", id="hook", revision=revision, body=body, changed_at=NOW)


@pytest.mark.parametrize("how", ["changed", "tested"])
def test_410_turns_the_channel_off_until_it_is_changed_or_takes_a_test(
    world: World, receiver: Receiver, how: str
) -> None:
    entry(world, 1)
    receiver.script = [Reply(410)]
    sender = notifier(world, webhook(receiver))
    keys = [world.notice("firing", name, channel="hook") for name in "ab"]
    for _ in keys:
        assert sender.step() == 1
    for key in keys:
        state, problem = world.deliveries()[key]
        assert state == "failed" and problem is not None and "410 Gone" in problem
    assert len(receiver.seen) == 1
    if how == "changed":
        entry(world, 2)
    else:
        world.notice("test", "test-1", channel="hook")
        sender.step()
    key = world.notice("firing", "c", channel="hook")
    sender.step()
    assert world.deliveries()[key] == ("sent", None)
