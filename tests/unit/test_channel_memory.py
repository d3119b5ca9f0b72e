"""What the notifier remembers of channels, on both stores."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.access import EVERYTHING, SYSTEM, Actor
from resonance.catalogue import Channel
from resonance.model import instant
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.entries import Entries
from resonance.stores.heads import Head, Heads
from resonance.stores.incidents import Incidents
from resonance.stores.outbox import Outbox
from resonance.stores.trials import Trials
from tests.support.outbox import NOW, World


def test_a_head_is_begun_then_kept_and_may_be_begun_anew(database: Database) -> None:
    heads = Heads(database)
    assert heads.get("slack", "a") is None
    heads.begin("slack", "a", NOW)
    assert heads.get("slack", "a") == Head(NOW, None)
    heads.keep("slack", "a", "1.2")
    assert heads.get("slack", "a") == Head(0, "1.2")
    heads.begin("slack", "a", NOW + 1)
    assert (heads.get("slack", "a"), heads.get("slack", "b")) == (Head(NOW + 1, None), None)


def test_off_is_true_of_one_revision(database: Database) -> None:
    outbox, entries, at = Outbox(database), Entries(database), instant(NOW)
    entries.create("channel", Channel(id="hook"), actor=SYSTEM, at=at)
    outbox.turn_off("hook", "410", NOW)
    outbox.turn_off("hook", "410 again", NOW)
    assert (outbox.off("hook"), outbox.off("other")) == ("410 again", None)
    entries.replace("channel", Channel(id="hook", language="en"), revision=None, actor=SYSTEM, at=at)
    assert outbox.off("hook") is None
    outbox.turn_off("hook", "410", NOW)
    outbox.turn_on("hook")
    assert outbox.off("hook") is None


def test_who_acknowledges_is_told_where_it_can_be_shown_and_once(database: Database) -> None:
    world, at = World(database), instant(NOW)
    entries: Any = Entries(database)
    entries.create("channel", Channel(id="room", kind="slack", room="C012", secret="env:A"), actor=SYSTEM, at=at)
    entries.create("channel", Channel(id="mail", kind="slack", secret="env:A"), actor=SYSTEM, at=at)
    world.alert("told")
    for channel in ("room", "mail"):
        world.notice("firing", "told", channel=channel)
    for name in ("ana", "ben"):
        Incidents(database).acknowledge("told", EVERYTHING, actor=Actor("user", name), at=at, real_at=NOW + 5)
    box = schema.outbox.c
    with database.read() as connection:
        rows = connection.execute(sa.select(schema.outbox).where(box.kind == "acknowledged")).mappings().all()
    assert [(row["channel"], row["grouping"], row["real_at"]) for row in rows] == [("room", "print-told", NOW + 5)]
    assert msgspec.json.decode(rows[0]["values"]) == {"alert": "told", "by": "user:ana"}


def test_a_trial_waits_until_it_was_tried(database: Database) -> None:
    trials, outbox = Trials(database), Outbox(database)
    trial = trials.ask("tried", actor=SYSTEM, at=instant(NOW), real_at=NOW)
    slept: list[float] = []
    assert trials.wait(trial, 0.3, slept.append).state == "waiting" and len(slept) == 3

    def send(_: float) -> None:
        [item] = [one for one in outbox.claim("me", NOW) if one.idempotency_key == trial.id]
        outbox.failed(item, NOW, "no")

    found = trials.wait(trial, 5.0, send)
    assert (found.state, found.problem, found.channel) == ("failed", "no", "tried")
    assert trials.get("none") is None
