"""A Slack of our own on loopback: incoming webhooks that enforce Slack's limits, with scripted failures."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from resonance.alerts.message import Message
from services.channels.slack import SlackChannel
from tests.support.loopback import Loopback, Quiet

SECRET = "/services/T000/B000/geheim"
WORDS = Message("Nordlicht", ("24 statt 4",))


@dataclass(frozen=True)
class Answer:
    """One scripted answer; `after` seconds of silence come first."""

    status: int
    body: str = "error"
    retry_after: str | None = None
    after: float = 0.0


@dataclass
class FakeSlack:
    """Answers one request a `rate` seconds, by script first and by Slack's rules otherwise. `messages` were accepted,
    `seen` are all requests as (seconds, idempotency key, status, body)."""

    rate: float = 0.0
    script: list[Answer] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[float, str, int, dict[str, Any]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    _last: float = -1e9

    def __post_init__(self) -> None:
        self.gate.set()
        slack, lock = self, threading.Lock()

        class Handler(Quiet, BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                slack.gate.wait(10)
                with lock:
                    answer = slack.answer(self.path, body)
                    key = self.headers.get("Idempotency-Key", "")
                    slack.seen.append((time.monotonic(), key, answer.status, body))
                time.sleep(answer.after)
                self.send_response(answer.status)
                if answer.retry_after is not None:
                    self.send_header("Retry-After", answer.retry_after)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body.encode())

        self._server = Loopback(Handler)
        self.url = f"http://127.0.0.1:{self._server.port}{SECRET}"

    def close(self) -> None:
        self.gate.set()
        self._server.close()

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        """By script, else as Slack would."""
        if self.script:
            return self.script.pop(0)
        now = time.monotonic()
        if now - self._last < self.rate:
            return Answer(429, "rate_limited", "1")
        self._last = now
        if path != SECRET:
            return Answer(404, "no_service")
        problem = refused(body)
        if problem:
            return Answer(400, problem)
        self.messages.append(body)
        return Answer(200, "ok")


def webhook(fake: FakeSlack, **options: Any) -> SlackChannel:
    """The channel to it, which waits for nothing unless asked to."""
    return SlackChannel(fake.url, **{"pause": 0.0, "timeout": 2, **options})


def refused(body: dict[str, Any]) -> str | None:
    """Slack's word for what is wrong with a message; None where nothing is."""
    blocks = body.get("blocks") or []
    if not blocks and not body.get("text"):
        return "no_text"
    if len(body.get("text", "")) > 40_000:
        return "msg_too_long"
    if len(blocks) > 50 or not all(map(_fits, blocks)):
        return "invalid_blocks"
    if len(json.dumps(blocks, ensure_ascii=False)) > 13_000:
        return "msg_blocks_too_long"
    return None


def _fits(block: dict[str, Any]) -> bool:
    text = block.get("text", {})
    length = len(text.get("text", ""))
    if block["type"] == "header":
        return text.get("type") == "plain_text" and 1 <= length <= 150
    if block["type"] == "section":
        return text.get("type") in ("mrkdwn", "plain_text") and 1 <= length <= 3000
    if block["type"] == "context":
        elements = block.get("elements", [])
        return 1 <= len(elements) <= 10 and all(1 <= len(one.get("text", "")) <= 3000 for one in elements)
    return False
