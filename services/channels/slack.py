"""Slack by incoming webhook. The address is a secret: it stands in no log, no error and no repr. Slack knows no
idempotency: after a crash between the POST and our note of it, the message comes twice (the key goes along all the same).
"""

from __future__ import annotations

import http.client
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient, WebhookResponse

from resonance.alerts.message import Message, Quote
from resonance.errors import RateLimited, Retry
from services.channels.channel import GaveUp

_HEADER, _SECTION, _BLOCKS, _FALLBACK = 150, 3000, 50, 3000
_TOTAL = 12_000
"""Characters of all blocks as JSON. Slack refuses a whole message near 13,000 (undocumented)."""

_LONGEST_PAUSE = 3600.0
_MARKS = {"firing": "🔺", "resolved": "✅", "silent": "🔇", "test": "🔔", "taken": "👀"}
_TOO_MUCH = ("invalid_blocks", "msg_blocks_too_long", "invalid_payload")

# The SDK writes the address into its own log when a request fails.
_silent = logging.Logger("resonance.slack", logging.CRITICAL)
_silent.disabled = True


@dataclass
class SlackChannel:
    """One incoming webhook. `timeout` in seconds, for connecting and for each answer."""

    url: str = field(repr=False)
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 1.0
    timeout: int = 10

    def send(self, message: Message, idempotency_key: str) -> None:
        """Raises RateLimited with Slack's pause, Retry for what passes, GaveUp with Slack's own word. What Slack does
        not want as blocks goes out as plain text: better plain than not at all."""
        body = payload(message)
        answer = self._post(body, idempotency_key)
        if answer.status_code == 400 and any(word in answer.body for word in _TOO_MUCH):
            time.sleep(self.pause)
            answer = self._post({name: value for name, value in body.items() if name != "blocks"}, idempotency_key)
        _judge(answer)

    def _post(self, body: dict[str, Any], idempotency_key: str) -> WebhookResponse:
        client = WebhookClient(self.url, timeout=self.timeout, retry_handlers=[], logger=_silent)
        # No causes are attached below: they hold the address.
        try:
            return client.send_dict(body, {"Idempotency-Key": idempotency_key})
        except (SlackClientError, http.client.InvalidURL):
            raise GaveUp("the webhook's address is no https address") from None
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise Retry(f"Slack does not answer: {_reason(error)}") from None
        except ValueError:
            raise GaveUp("the webhook's address is no https address") from None


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return type(inner if isinstance(inner, Exception) else error).__name__


def _judge(answer: WebhookResponse) -> None:
    status = answer.status_code
    if status == 429:
        raise RateLimited("Slack asks for a pause", timedelta(seconds=_seconds(answer.headers)))
    if status >= 500 or status == 408:
        raise Retry(f"Slack answered {status}")
    if 200 <= status < 300:
        if answer.body.lstrip()[:1] == "<":
            raise Retry("something that is not Slack answered with a web page")
        return
    raise GaveUp(f"Slack refused the message: {status} {answer.body[:200]}".rstrip())


def payload(message: Message) -> dict[str, Any]:
    """The message as Slack's blocks, within all of its limits, with plain text beside them for notifications."""
    title = f"{_MARKS.get(message.mark, '')} {message.title}".strip()
    # A header is plain text in which entities may or may not be read: it gets neither.
    header = cut(title.translate(str.maketrans("<>", "‹›")), _HEADER)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
    ]
    links = _links(message)
    footer = [{"type": "context", "elements": [_words(links)]}] if links else []
    budget = _TOTAL - _length(blocks) - _length(footer)
    for text in _sections(message):
        block = {"type": "section", "text": _words(text)}
        budget -= _length([block])
        if budget < 0 or len(blocks) + len(footer) >= _BLOCKS:
            break
        blocks.append(block)
    fallback = "\n".join((title, *message.lines))
    return {
        "text": escape(fallback, _FALLBACK),
        "blocks": [*blocks, *footer],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escape(text: str, limit: int = _SECTION) -> str:
    """Foreign text as Slack wants it, at most `limit` characters of it; no entity is cut in two. An invisible space
    keeps @here and the like from calling anybody, and a backtick from swallowing what follows.

    >>> escape("<b> & @x")
    '&lt;b&gt; &amp; @\\u200bx'
    >>> escape("a<<<", 6)
    'a&lt;…'
    """
    parts = [_ESCAPED.get(character, character) for character in text]
    if sum(map(len, parts)) <= limit:
        return "".join(parts)
    length = 0
    for kept, part in enumerate(parts):
        length += len(part)
        if length > limit - 1:
            return "".join(parts[:kept]) + "…"
    return "".join(parts)


_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b", "`": "´"}


def cut(text: str, limit: int) -> str:
    """At most `limit` characters.

    >>> cut("Nordlicht", 5)
    'Nord…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def address(url: str) -> str:
    """An address that cannot end Slack's <address|words> early.

    >>> address("https://a.example/?x=<b>|c&d")
    'https://a.example/?x=%3Cb%3E%7Cc&amp;d'
    """
    return re.sub(r"[<>|\s]", lambda found: f"%{ord(found[0]):02X}", url).replace("&", "&amp;")


def _sections(message: Message) -> list[str]:
    found = [escape(line) for line in message.lines if line]
    if message.quotes:
        found.append(f"*{escape(message.quotes_title)}*")
    return found + [_quote(quote, message.quotes_link) for quote in message.quotes]


def _quote(quote: Quote, words: str) -> str:
    link = f" · <{address(quote.url)}|{escape(words)}>" if quote.url else ""
    return f">{escape(quote.text, 1000)}\n{escape(quote.who, 400)}{link}"


def _links(message: Message) -> str:
    parts = [f"<{address(url)}|{escape(words, 75)}>" for words, url in message.links[:5] if len(url) <= 500]
    return " · ".join(parts)


def _words(text: str) -> dict[str, Any]:
    # verbatim: Slack turns nothing in it into a link, a channel or a person by itself.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _length(blocks: list[dict[str, Any]]) -> int:
    return len(repr(blocks))


def _seconds(headers: Mapping[str, Any]) -> float:
    """Slack's Retry-After; 1 s where it says nothing readable."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        seconds = float(said[0] if isinstance(said, list) else said or 1)
    except ValueError:
        return 1.0
    return min(max(seconds, 0.0), _LONGEST_PAUSE) if seconds == seconds else 1.0
