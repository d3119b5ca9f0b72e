"""What people are shown of notifications: how each stands, by alert and by channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from resonance.stores.deliveries import Deliveries
from tests.support.outbox import World, fresh


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(fresh(tmp_path))
    yield made
    made.database.close()


def test_a_notification_waits_until_it_is_sent_or_given_up(world: World) -> None:
    for channel in ("slack", "mail", "hook"):
        world.notice("firing", "a1", channel=channel)
    claimed = {item.channel: item for item in world.outbox.claim("me", world.now)}
    world.outbox.sent(claimed["slack"], world.now)
    world.outbox.failed(claimed["mail"], world.now, "no such mailbox")
    world.outbox.retry(claimed["hook"], world.now, "down")
    world.notice("firing", "a2", channel="hook")
    found = Deliveries(world.database)
    assert [(one.channel, one.state, one.problem) for one in found.of_alert("a1")] == [
        ("slack", "sent", None),
        ("mail", "failed", "no such mailbox"),
        ("hook", "waiting", "down"),
    ]
    assert [(one.channel, one.state) for one in found.of_alert("a2")] == [("hook", "waiting")]
    assert found.waiting() == {"hook": 2}


def test_what_is_being_sent_still_waits(world: World) -> None:
    world.notice("firing", "a1")
    world.outbox.claim("me", world.now)
    assert Deliveries(world.database).waiting() == {"slack": 1}


def test_a_firing_that_collapsed_into_its_end_is_merged(world: World) -> None:
    world.notice("firing", "a1")
    world.notice("resolved", "a1")
    (item,) = world.outbox.claim("me", world.now)
    world.outbox.sent(item, world.now)
    states = [(one.kind, one.state) for one in Deliveries(world.database).of_alert("a1")]
    assert states == [("firing", "merged"), ("resolved", "sent")]


def test_the_newest_of_a_channel_stands_for_it(world: World) -> None:
    for kind, alert, channel in (("firing", "a1", "slack"), ("firing", "a2", "mail"), ("test", "test-1", "slack")):
        world.notice(kind, alert, channel=channel)
    latest = Deliveries(world.database).latest()
    assert {name: (one.kind, one.alert) for name, one in latest.items()} == {
        "slack": ("test", "test-1"),
        "mail": ("firing", "a2"),
    }
