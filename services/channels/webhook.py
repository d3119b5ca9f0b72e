"""Any receiver by a signed webhook, as Standard Webhooks has it (standardwebhooks.com, specification 1.0.0).

`webhook-id` is the same whenever the same message is sent again, so that a receiver can leave out what it knows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from resonance.alerts.message import Message
from resonance.errors import RateLimited, Retry
from services.channels.channel import GaveUp, TurnedOff
from services.channels.posting import Answer, at_text, pause, post

_TYPES = {"firing": "alert.firing", "silent": "alert.firing", "resolved": "alert.resolved", "test": "channel.test"}


@dataclass
class WebhookChannel:
    """Posts to `url`, signed with `key`. `timeout` in seconds, for connecting and for each read; `now` in seconds since
    1970, which is the time of the attempt that is signed."""

    url: str = field(repr=False)
    key: bytes = field(repr=False)
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 0.0
    timeout: float = 10.0
    now: Callable[[], float] = time.time

    def send(self, message: Message, idempotency_key: str) -> None:
        """2xx is delivered; 410 turns the channel off; 408, 429 and 5xx come again, after Retry-After where it is given;
        anything else, a redirect too, is a refusal for good."""
        now = self.now()
        content = msgspec.json.encode(body(message, now))
        headers = {"Content-Type": "application/json", "User-Agent": "resonance"}
        headers |= signed(content, self.key, idempotency_key, int(now))
        _judge(post(self.url, content, headers, timeout=self.timeout), now)


def body(message: Message, now: float) -> dict[str, Any]:
    """What is posted. `timestamp` is when it fired or was over, of a test `now`."""
    at = message.resolved_at if message.mark == "resolved" else message.fired_at
    return {
        "type": _TYPES[message.mark],
        "timestamp": at_text(int(now * 1e6) if at is None else at),
        "data": {
            "id": message.alert,
            "rule": message.rule,
            "topic": message.topic,
            "severity": message.severity,
            "fired_at": None if message.fired_at is None else at_text(message.fired_at),
            "resolved_at": None if message.resolved_at is None else at_text(message.resolved_at),
            "title": message.title,
            "lines": message.lines,
            "mentions": message.quotes,
            "url": message.links[0][1] if message.links else None,
        },
    }


def signed(content: bytes, key: bytes, name: str, stamp: int) -> dict[str, str]:
    """The three headers; `stamp` in seconds since 1970."""
    digest = hmac.digest(key, f"{name}.{stamp}.".encode() + content, hashlib.sha256)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(stamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _judge(answer: Answer, now: float) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 410:
        raise TurnedOff(
            "the receiver answered 410 Gone: it wants no more messages. The channel is off until it is changed or takes a test"
        )
    after = pause(answer.headers, now)
    if status == 429 or (status == 503 and after is not None):
        raise RateLimited(f"the receiver answered {status} and asks for a pause", after)
    if status == 408 or status >= 500:
        raise Retry(f"the receiver answered {status}", after)
    if 300 <= status < 400:
        raise GaveUp(f"the receiver answered {status}: redirects are not followed, write the final address")
    raise GaveUp(f"the receiver refused the message: {status}")
