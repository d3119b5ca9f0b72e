"""From the outbox to Slack and back: what is sent, when, how often, and what is not."""

from __future__ import annotations

import threading
import time
from typing import Any

from resonance.stores import schema
from resonance.stores.outbox import LEASE
from services.channels.channel import GaveUp
from services.notifier import Notifier
from tests.support.fake_slack import SECRET, WORDS, Answer, FakeSlack, webhook
from tests.support.outbox import MINUTE, NOW, Ear, World, down


def notifier(world: World, told: list[tuple[str, str]] | None = None, **channels: Any) -> Notifier:
    heard = told if told is not None else []
    return Notifier(
        world.outbox,
        lambda: channels,
        "http://localhost",
        now=world.seconds,
        on_delivery=lambda channel, outcome, _: heard.append((channel, outcome)),
        jitter=lambda: 1.0,
    )


def test_a_message_is_written_from_what_still_exists(world: World) -> None:
    world.mention("bluesky:1")
    world.alert("a", mentions=("bluesky:1", "bluesky:deleted"))
    world.notice("firing", "a")
    ear = Ear()
    assert notifier(world, slack=ear).step() == 1
    message = ear.heard[0][1]
    assert message.title == "Nordlicht: ungewöhnlich viele Erwähnungen"
    assert [quote.text for quote in message.quotes] == ["„Text von bluesky:1“"]
    assert "Zuständig: Presse und PR (Ottilie Sandvoss), gone" in message.lines


def test_pseudonymous_messages_name_nobody(world: World) -> None:
    world.add(schema.author, author_key=b"a" * 16, platform="bluesky", id="1", handle="ana.example", seen_at=NOW)
    world.mention("bluesky:1")
    world.alert("a", mentions=("bluesky:1",))
    for names, group in ((True, "one"), (False, "other")):
        world.notice("firing", "a", group=group)
        ear = Ear()
        sender = notifier(world, slack=ear)
        sender.names = names
        sender.step()
        assert ("ana.example" in str(ear.heard[0][1])) is names


def test_after_a_429_the_whole_channel_rests_and_nothing_is_lost(world: World, slack: FakeSlack) -> None:
    slack.script = [Answer(429, "rate_limited", "30")]
    keys = [world.notice("firing", name) for name in ("a", "b")]
    sender = notifier(world, slack=webhook(slack))
    assert [sender.step(), sender.step()] == [1, 0]
    world.later(29)
    assert sender.step() == 0
    world.later(1.1)
    assert [sender.step(), sender.step(), sender.step()] == [1, 1, 0]
    assert sorted(key for _, key, status, _ in slack.seen if status == 200) == keys


def test_5xx_then_success_is_told_once_with_growing_pauses(world: World, slack: FakeSlack) -> None:
    slack.script = [Answer(500), Answer(502), Answer(503)]
    world.notice("firing", "a")
    told: list[tuple[str, str]] = []
    sender = notifier(world, told, slack=webhook(slack))
    for pause in (0, 1.01, 2.01, 4.01):
        world.later(pause)
        assert sender.step() == 1
        assert sender.step() == 0
    assert [outcome for _, outcome in told] == ["retry", "retry", "retry", "sent"]
    assert len(slack.messages) == 1


def test_a_refusal_stays_visible_and_frees_the_group(world: World) -> None:
    first = world.notice("firing", "a")
    second = world.notice("firing", "b", group="print-a")
    ear = Ear(problems=[GaveUp("channel_is_archived")])
    sender = notifier(world, slack=ear)
    sender.step()
    assert world.deliveries()[first] == ("failed", "channel_is_archived")
    sender.step()
    assert ear.keys == [second]


def test_after_a_day_it_is_given_up_with_the_reason(world: World) -> None:
    key = world.notice("firing", "a")
    ear = Ear(problems=[down() for _ in range(1000)])
    sender = notifier(world, slack=ear)
    while world.deliveries().get(key, ("", None))[0] != "failed":
        sender.step()
        world.later(301)
        assert world.now - NOW < 25 * 60 * MINUTE
    assert world.now - NOW >= 24 * 60 * MINUTE
    assert world.deliveries()[key] == ("failed", "given up after a day: down")


def test_what_waited_while_we_were_down_for_days_is_tried_more_than_once(world: World) -> None:
    world.notice("firing", "a")
    world.later(3 * 86_400)
    ear = Ear(problems=[down()])
    sender = notifier(world, slack=ear)
    sender.step()
    world.later(2)
    sender.step()
    assert len(ear.heard) == 1


def test_a_missing_channel_is_waited_for(world: World) -> None:
    key = world.notice("firing", "a", channel="new")
    notifier(world).step()
    state, problem = world.deliveries()[key]
    assert state == "waiting" and problem is not None and "'new'" in problem
    world.later(2)
    ear = Ear()
    notifier(world, new=ear).step()
    assert ear.keys == [key]


def test_a_message_that_cannot_be_written_holds_up_nobody(world: World) -> None:
    world.alert("a")
    with world.database.write() as connection:
        connection.exec_driver_sql('UPDATE alert SET reasons = \'[{"code": "volume", "values": {"count": 1}}]\'')
    broken, good = world.notice("firing", "a"), world.notice("firing", "b")
    ear = Ear()
    sender = notifier(world, slack=ear)
    sender.step()
    sender.step()
    assert ear.keys == [good]
    assert world.deliveries()[broken][0] == "waiting"


def test_a_crash_between_sending_and_noting_repeats_with_the_same_key(world: World, slack: FakeSlack) -> None:
    key = world.notice("firing", "a")
    [claimed] = world.outbox.claim("crashed", world.now)
    webhook(slack).send(WORDS, claimed.idempotency_key)
    sender = notifier(world, slack=webhook(slack))
    world.now += LEASE - 1
    assert sender.step() == 0
    world.now += 1
    assert sender.step() == 1
    assert [seen[1] for seen in slack.seen] == [key, key]


def test_a_restart_repeats_nothing(world: World) -> None:
    key = world.notice("firing", "a")
    ear = Ear()
    notifier(world, slack=ear).step()
    world.now += 10 * LEASE
    assert notifier(world, slack=ear).step() == 0
    assert ear.keys == [key]


def test_after_a_catch_up_one_message_tells_both(world: World) -> None:
    world.alert("a", resolved_at=NOW + 38 * MINUTE)
    firing, resolved = world.notice("firing", "a"), world.notice("resolved", "a")
    told: list[tuple[str, str]] = []
    ear = Ear()
    sender = notifier(world, told, slack=ear)
    assert [sender.step(), sender.step()] == [1, 0]
    assert ear.keys == [resolved]
    assert "schon vorbei" in ear.heard[0][1].title
    assert {key: state for key, (state, _) in world.deliveries().items()} == {firing: "merged", resolved: "sent"}
    assert told == [("slack", "merged"), ("slack", "sent")]


def test_a_crash_after_the_collapse_still_tells_both(world: World) -> None:
    world.alert("a", resolved_at=NOW + 38 * MINUTE)
    world.notice("firing", "a")
    world.notice("resolved", "a")
    assert world.outbox.claim("crashed", world.now)[0].whole
    world.now += LEASE
    ear = Ear()
    notifier(world, slack=ear).step()
    assert "schon vorbei" in ear.heard[0][1].title


def test_what_was_told_is_not_told_again_when_it_resolves(world: World) -> None:
    world.alert("a")
    ear = Ear()
    sender = notifier(world, slack=ear)
    world.notice("firing", "a")
    sender.step()
    world.alert("a", resolved_at=NOW + 38 * MINUTE)
    world.notice("resolved", "a")
    sender.step()
    assert [message.title for _, message in ear.heard] == [
        "Nordlicht: ungewöhnlich viele Erwähnungen",
        "Nordlicht: wieder so viele Erwähnungen wie üblich",
    ]


def test_the_peak_is_the_fullest_window_of_the_incident(world: World) -> None:
    world.alert("a", resolved_at=NOW + 60 * MINUTE)
    counts = {-20: 500, -6: 1, -5: 10, 2: 20, 9: 12, 30: 30, 61: 900}
    for minute, mentions in counts.items():
        place = {"topic": "nordlicht", "version": 1, "platform": "bluesky", "lane": 0}
        world.add(schema.arrival, minute=NOW // 1_000_000 + 60 * minute, mentions=mentions, **place)
    world.notice("resolved", "a")
    [claimed] = world.outbox.claim("me", world.now)
    assert world.outbox.material(claimed).peak == 10 + 20 + 12


# ---- in threads, in real time ------------------------------------------------------------------------------------


def running(sender: Notifier) -> tuple[threading.Event, threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    return stop, thread


def until(holds: Any, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(holds())


def test_a_slow_channel_holds_up_no_other_and_stopping_finishes_what_is_being_sent(
    world: World, slack: FakeSlack
) -> None:
    slack.gate.clear()
    slow = world.notice("firing", "a")
    ear = Ear()
    sender = Notifier(world.outbox, lambda: {"slack": webhook(slack, timeout=5), "log": ear}, "http://localhost")
    stop, thread = running(sender)
    try:
        assert until(lambda: world.deliveries().get(slow, ("", None))[0] == "sending")
        quick = world.notice("firing", "a", channel="log")
        assert until(lambda: ear.keys == [quick])
        assert world.deliveries()[slow][0] == "sending"
    finally:
        stop.set()
        slack.gate.set()
        thread.join(5)
    assert not thread.is_alive()
    assert world.deliveries() == {slow: ("sent", None), quick: ("sent", None)}


def test_a_channel_keeps_its_pace(world: World, slack: FakeSlack) -> None:
    slack.rate = 0.25
    keys = [world.notice("firing", name) for name in "abc"]
    stop, thread = running(Notifier(world.outbox, lambda: {"slack": webhook(slack, pause=0.3)}, "http://localhost"))
    assert until(lambda: len(slack.messages) == 3)
    stop.set()
    thread.join(5)
    assert [(key, status) for _, key, status, _ in slack.seen] == [(key, 200) for key in keys]


def test_nothing_of_the_address_stands_in_the_store(world: World, slack: FakeSlack) -> None:
    slack.script = [Answer(500)]
    world.notice("firing", "a")
    notifier(world, slack=webhook(slack)).step()
    assert SECRET not in str(world.deliveries())


# ---- leases ------------------------------------------------------------------------------------------------------


def test_whoever_lost_the_lease_cannot_put_off_or_give_up_what_another_sends(world: World) -> None:
    key = world.notice("firing", "a")
    [lost] = world.outbox.claim("slow", world.now)
    world.now += LEASE
    [held] = world.outbox.claim("quick", world.now)
    world.outbox.retry(lost, world.now + 1, "late")
    world.outbox.failed(lost, world.now, "late")
    assert world.deliveries()[key] == ("sending", None)
    world.outbox.sent(held, world.now)
    assert world.deliveries()[key] == ("sent", None)


def test_a_resolution_tells_both_where_its_firing_was_given_up(world: World) -> None:
    world.notice("firing", "a")
    [firing] = world.outbox.claim("me", world.now)
    world.outbox.failed(firing, world.now, "refused")
    world.notice("resolved", "a")
    assert [item.whole for item in world.outbox.claim("me", world.now)] == [True]


def test_an_old_row_that_waits_is_found_behind_a_long_history(world: World) -> None:
    waiting = world.notice("firing", "a")
    outbox = world.outbox
    [held] = outbox.claim("me", world.now)
    outbox.retry(held, world.now + 3 * 3_600_000_000, "down")
    world.notice("firing", "b")
    outbox.sent(outbox.claim("me", world.now)[0], world.now)
    world.later(2 * 3600)
    assert outbox.claim("me", world.now) == []
    world.later(3600)
    assert [item.idempotency_key for item in outbox.claim("me", world.now)] == [waiting]
