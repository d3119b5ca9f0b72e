"""Slack by an app's token: one message an incident, its thread, and what a crash leaves of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonance.access import EVERYTHING, Actor
from resonance.alerts.message import Message, Quote
from resonance.catalogue import Channel
from resonance.errors import RateLimited, Retry
from resonance.model import instant
from resonance.stores import schema
from resonance.stores.heads import Head, Heads
from resonance.stores.incidents import Incidents
from resonance.stores.outbox import LEASE
from services.channels.channel import GaveUp
from services.channels.slack_app import SlackApp
from services.notifier import Notifier
from tests.support.fake_slack import Answer
from tests.support.fake_slack_app import ROOM, TOKEN, FakeSlackApp, refused
from tests.support.outbox import MINUTE, NOW, World

WORDS = Message("Nordlicht", ("24 statt 4",), links=(("Ansehen", "https://resonance.example/alerts/a"),), alert="a")


@pytest.fixture
def slack() -> Iterator[FakeSlackApp]:
    fake = FakeSlackApp()
    yield fake
    fake.close()


@pytest.fixture
def world(world: World) -> World:
    entry = Channel(id="slack", kind="slack", room=ROOM, secret="env:TOKEN")
    world.add(
        schema.entry,
        kind="channel",
        id="slack",
        revision=1,
        body=msgspec.json.encode(entry).decode(),
        changed_at=NOW,
    )
    world.alert("a")
    return world


def app(world: World, slack: FakeSlackApp, **options: Any) -> SlackApp:
    made = {"token": TOKEN, "heads": Heads(world.database), "buttons": True, "pause": 0.0, "timeout": 2.0}
    return SlackApp("slack", ROOM, base=slack.base, **{**made, **options})  # type: ignore[arg-type]


def notifier(world: World, channel: Any) -> Notifier:
    return Notifier(world.outbox, lambda: {"slack": channel}, "http://localhost", now=world.seconds, jitter=lambda: 1.0)


def buttons(message: dict[str, Any]) -> list[str]:
    return [one["action_id"] for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


def header(message: dict[str, Any]) -> str:
    found: str = message["blocks"][0]["text"]["text"]
    return found


def run(world: World, channel: Any) -> None:
    sender = notifier(world, channel)
    while sender.step():
        pass


def test_an_incident_is_one_message_edited_to_how_it_stands_and_a_thread(world: World, slack: FakeSlackApp) -> None:
    world.notice("firing", "a")
    run(world, app(world, slack))
    [head] = slack.heads
    assert buttons(head) == ["acknowledge", "silence", "open"] and header(head).startswith("🔺")

    user = Actor("user", "slack:U024BE7LH")
    Incidents(world.database).acknowledge("a", EVERYTHING, actor=user, at=instant(NOW), real_at=world.now)
    run(world, app(world, slack))
    [head] = slack.heads
    assert buttons(head) == ["silence", "open"] and header(head).startswith("👀")
    assert head["blocks"][1]["text"]["text"] == "<@U024BE7LH> kümmert sich darum."
    assert [one["thread_ts"] for one in slack.replies] == [head["ts"]]

    world.alert("a", resolved_at=NOW + 38 * MINUTE)
    world.notice("resolved", "a")
    run(world, app(world, slack))
    [head] = slack.heads
    assert header(head).startswith("✅") and buttons(head) == ["open"]
    assert "Rückruf" in str(head["blocks"]), "the reasons stay readable"
    assert len(slack.replies) == 2
    assert {state for state, _ in world.deliveries().values()} == {"sent"}


def test_without_a_signing_secret_there_are_no_buttons_that_nobody_hears(world: World, slack: FakeSlackApp) -> None:
    app(world, slack, buttons=False).send(WORDS, "key")
    assert buttons(slack.heads[0]) == ["open"]


def test_killed_between_the_answer_and_the_note_no_second_message_is_posted(world: World, slack: FakeSlackApp) -> None:
    world.notice("firing", "a")
    [claimed] = world.outbox.claim("killed", world.now)
    app(world, slack).send(WORDS, claimed.idempotency_key)
    world.now += LEASE
    run(world, app(world, slack))
    assert len(slack.heads) == 1


class Killed(BaseException):
    """The process is gone."""


class Dying(Heads):
    """Killed after Slack's answer, before the place is noted."""

    def keep(self, channel: str, alert: str, place: str) -> None:
        raise Killed


@pytest.mark.parametrize(("readable", "heads"), [(True, 1), (False, 2)])
def test_killed_before_the_place_is_noted_it_is_found_again_where_we_may_look(
    world: World, slack: FakeSlackApp, readable: bool, heads: int
) -> None:
    slack.readable = readable
    with pytest.raises(Killed):
        app(world, slack, heads=Dying(world.database)).send(WORDS, "key")
    assert Heads(world.database).get("slack", "a") is not None
    app(world, slack).send(WORDS, "key")
    assert len(slack.heads) == heads
    app(world, slack).send(WORDS, "key")
    assert len(slack.heads) == heads
    assert Heads(world.database).get("slack", "a") == Head(0, slack.heads[-1]["ts"])


def test_another_incidents_message_is_not_taken_for_ours(world: World, slack: FakeSlackApp) -> None:
    app(world, slack).send(msgspec.structs.replace(WORDS, alert="b"), "key")
    Heads(world.database).begin("slack", "a", world.now)
    app(world, slack).send(WORDS, "key")
    assert len(slack.heads) == 2


def test_a_message_that_somebody_took_away_is_posted_anew(world: World, slack: FakeSlackApp) -> None:
    app(world, slack).send(WORDS, "key")
    slack.messages.clear()
    app(world, slack).send(msgspec.structs.replace(WORDS, mark="resolved"), "key")
    assert len(slack.heads) == 1


def test_what_a_person_did_is_not_told_once_it_is_over(world: World, slack: FakeSlackApp) -> None:
    world.notice("firing", "a")
    run(world, app(world, slack))
    Incidents(world.database).acknowledge("a", EVERYTHING, actor=Actor("user", "ana"), at=instant(NOW))
    world.alert("a", resolved_at=NOW + MINUTE)
    world.notice("resolved", "a")
    run(world, app(world, slack))
    assert len(slack.replies) == 1 and header(slack.heads[0]).startswith("✅")


def test_only_channels_that_can_edit_are_told_what_a_person_did(world: World) -> None:
    world.notice("firing", "a", channel="slack-webhook")
    Incidents(world.database).acknowledge("a", EVERYTHING, actor=Actor("user", "ana"), at=instant(NOW))
    assert [item.kind for item in world.outbox.claim("me", world.now)] == ["firing"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [("invalid_auth", "token is wrong"), ("channel_not_found", "invite the app"), ("not_in_channel", "/invite")],
)
def test_a_wrong_token_or_room_is_final_and_named(world: World, slack: FakeSlackApp, word: str, hint: str) -> None:
    slack.script = {"chat.postMessage": [word]}
    with pytest.raises(GaveUp, match=f"{word}.*{hint}"):
        app(world, slack).send(WORDS, "key")


def test_the_token_stands_in_no_error_and_no_repr(world: World, slack: FakeSlackApp) -> None:
    channel = app(world, slack, token="xoxb-falsch")
    with pytest.raises(GaveUp, match="invalid_auth") as caught:
        channel.send(WORDS, "key")
    assert "falsch" not in f"{caught.value!r}{caught.value.__cause__!r}{channel!r}"


def test_slacks_pause_is_kept_and_what_passes_comes_again(world: World, slack: FakeSlackApp) -> None:
    slack.script = {"chat.postMessage": [Answer(429, "", "30"), Answer(500), "internal_error"]}
    with pytest.raises(RateLimited) as caught:
        app(world, slack).send(WORDS, "key")
    assert caught.value.after == timedelta(seconds=30)
    for _ in range(2):
        with pytest.raises(Retry):
            app(world, slack).send(WORDS, "key")
    app(world, slack).send(WORDS, "key")
    assert len(slack.heads) == 1


def test_one_message_a_second_is_answered_by_a_pause(world: World, slack: FakeSlackApp) -> None:
    slack.rate = 60.0
    app(world, slack).send(WORDS, "key")
    with pytest.raises(RateLimited) as caught:
        app(world, slack).send(msgspec.structs.replace(WORDS, alert="b"), "key")
    assert caught.value.after == timedelta(seconds=1)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=4000) | st.sampled_from(
    ["<!channel>", "&" * 3000, "<" * 3000, "slack:U024BE7LH"]
)


class Remembered:
    """Heads without a store."""

    def get(self, channel: str, alert: str) -> Head | None:
        return None

    def begin(self, channel: str, alert: str, at: int) -> None:
        """Nothing."""

    keep = begin  # type: ignore[assignment]


@given(TEXT, st.lists(TEXT, max_size=60), st.lists(TEXT, max_size=5), TEXT, st.booleans())
def test_whatever_people_write_stays_within_slacks_limits(
    title: str, lines: list[str], quotes: list[str], by: str, taken: bool
) -> None:
    channel = SlackApp("slack", ROOM, TOKEN, Remembered(), buttons=True)  # type: ignore[arg-type]
    quoted = tuple(Quote(one, one, "https://a.example/?x=<b>|c&d") for one in quotes)
    message = Message(
        title or "x",
        tuple(lines),
        quoted,
        "Zitate",
        "öffnen",
        (("Ansehen", "https://b/"),),
        alert="a",
        taken=taken,
        by=by,
    )
    assert refused(channel._shown(message)) is None
