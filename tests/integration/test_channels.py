"""What Slack and the terminal get of a message, and what becomes of what Slack answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resonance.errors import RateLimited, Retry
from services.channels.channel import GaveUp
from services.channels.log import LogChannel, one_line
from services.channels.slack import SlackChannel
from tests.support.fake_slack import WORDS, Answer, FakeSlack, webhook


def test_slack_gets_blocks_a_fallback_text_and_the_key(slack: FakeSlack) -> None:
    webhook(slack).send(WORDS, "key-1")
    assert slack.seen[0][1] == "key-1"
    assert slack.messages[0]["text"].startswith("🔺 Nordlicht")
    assert slack.messages[0]["unfurl_links"] is False


def test_a_429_becomes_the_pause_that_slack_asks_for(slack: FakeSlack) -> None:
    slack.script = [Answer(429, "rate_limited", "12"), Answer(429, "rate_limited", "soon")]
    for seconds in (12, 1):
        with pytest.raises(RateLimited) as caught:
            webhook(slack).send(WORDS, "key")
        assert caught.value.after == timedelta(seconds=seconds)


@pytest.mark.parametrize("answer", [Answer(503), Answer(500), Answer(408), Answer(200, "<html>log in</html>")])
def test_what_passes_is_tried_again(slack: FakeSlack, answer: Answer) -> None:
    slack.script = [answer]
    with pytest.raises(Retry):
        webhook(slack).send(WORDS, "key")
    webhook(slack).send(WORDS, "key")
    assert len(slack.messages) == 1


def test_a_slow_slack_is_not_waited_for_for_ever(slack: FakeSlack) -> None:
    slack.gate.clear()
    try:
        with pytest.raises(Retry, match="Timeout"):
            webhook(slack, timeout=0.3).send(WORDS, "key")
    finally:
        slack.gate.set()


@pytest.mark.parametrize(
    ("status", "word"), [(404, "no_service"), (410, "channel_is_archived"), (403, "action_prohibited")]
)
def test_a_refusal_is_final_and_says_slacks_word(slack: FakeSlack, status: int, word: str) -> None:
    slack.script = [Answer(status, word)]
    with pytest.raises(GaveUp, match=word):
        webhook(slack).send(WORDS, "key")


def test_what_slack_does_not_want_as_blocks_comes_as_plain_text(slack: FakeSlack) -> None:
    slack.script = [Answer(400, "invalid_blocks")]
    webhook(slack).send(WORDS, "key")
    assert "blocks" not in slack.messages[0] and "Nordlicht" in slack.messages[0]["text"]


@pytest.mark.parametrize(
    "url", ["ftp://hooks.example/geheim", "http://bad host/geheim", "http://127.0.0.1:1/geheim", "http://[/geheim"]
)
def test_the_address_is_in_no_error_no_log_and_no_repr(
    url: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = SlackChannel(url, timeout=1)
    with pytest.raises((Retry, GaveUp)) as caught:
        channel.send(WORDS, "key")
    shown = capsys.readouterr()
    assert "geheim" not in f"{caught.value!r}{caught.value.__cause__!r}{channel!r}{caplog.text}{shown.out}{shown.err}"


def test_the_terminal_gets_a_block_and_one_line_where_it_is_narrow() -> None:
    written: list[str] = []
    LogChannel(written.append).send(WORDS, "key")
    LogChannel(written.append, width=0).send(WORDS, "key")
    assert "┃ ▲ Nordlicht" in written[0]
    assert written[1] == one_line(WORDS)
