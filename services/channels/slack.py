"""Slack by incoming webhook. The address is a secret and never logged. Slack knows no idempotency: after a crash between
the POST and our note of it, the message comes twice."""

from __future__ import annotations

import http.client
import urllib.error
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_sdk.webhook import WebhookClient

from resonance.errors import RateLimited, Retry
from services.channels.channel import GaveUp, Message

_HEADER, _SECTION, _BLOCKS, _TOTAL = 150, 2900, 50, 12_000
_EMOJI = {"firing": "🔺", "resolved": "✅", "test": "🔔"}


@dataclass
class SlackChannel:
    """One incoming webhook."""

    url: str
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 1.0
    timeout: int = 10

    def send(self, message: Message, idempotency_key: str) -> None:
        """Raises RateLimited with Slack's pause, Retry for what passes, GaveUp with Slack's own word."""
        client = WebhookClient(self.url, timeout=self.timeout, retry_handlers=[])
        try:
            answer = client.send_dict(payload(message))
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise Retry(f"Slack does not answer: {type(error).__name__}") from error
        if answer.status_code == 200:
            return
        if answer.status_code == 429:
            raise RateLimited("Slack asks for a pause", timedelta(seconds=_seconds(answer.headers)))
        if answer.status_code >= 500:
            raise Retry(f"Slack answered {answer.status_code}")
        raise GaveUp(f"Slack refused the message: {answer.status_code} {answer.body[:200]}")


def payload(message: Message) -> dict[str, Any]:
    """The message as Slack's blocks, within all of its limits, with the plain text beside them."""
    title = f"{_EMOJI.get(message.kind, '')} {message.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER), "emoji": True}}
    ]
    left = _TOTAL
    for line in message.lines:
        text = _cut(escape(line), min(_SECTION, left))
        if not text or len(blocks) >= _BLOCKS - 1:
            break
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
        left -= len(text)
    if message.links:
        words = " · ".join(
            f"<{escape(address).replace('|', '%7C')}|{escape(name)}>" for name, address in message.links[:5]
        )
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(words, _SECTION)}]})
    return {"text": _cut(escape(title), _SECTION), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def escape(text: str) -> str:
    """What Slack asks of foreign text; a zero-width space keeps @here and the like from calling anybody.

    >>> escape("<b> & @x")
    '&lt;b&gt; &amp; @\\u200bx'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def _seconds(headers: dict[str, Any]) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return max(0.0, float(value[0] if isinstance(value, list) else value))
            except ValueError:
                break
    return 1.0
