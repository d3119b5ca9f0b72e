"""Slack's Web API of our own on loopback, with Slack's limits: postMessage, update, history; scripted failures; clicks."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.support.fake_slack import Answer
from tests.support.loopback import Loopback, Quiet

TOKEN = "xoxb-geheim"
ROOM = "C0123456789"
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_LINK = re.compile(r"<(https?://[^<>|\s]+(\|[^<>|]*)?|@[UW][A-Z0-9]+)>")


@dataclass
class FakeSlackApp:
    """`messages`: ts → the message as it stands, `calls`: (method, body) as they came. `script`: method → answers that come
    first: an Answer, or a word of Slack's. `rate`: seconds between two posts."""

    rate: float = 0.0
    readable: bool = True
    script: dict[str, list[Answer | str]] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _last: float = -1e9

    def __post_init__(self) -> None:
        slack, lock = self, threading.Lock()

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Type"].startswith("application/json"):
                    body = json.loads(content)
                else:
                    body = {name: values[0] for name, values in parse_qs(content.decode()).items()}
                with lock:
                    answer = slack.answer(self.path.rpartition("/")[2], self.headers.get("Authorization"), body)
                self.send_response(answer.status)
                if answer.retry_after is not None:
                    self.send_header("Retry-After", answer.retry_after)
                self.send_header("Content-Length", str(len(answer.body.encode())))
                self.end_headers()
                self.wfile.write(answer.body.encode())

        self._server = Loopback(Handler)
        self.base = f"http://127.0.0.1:{self._server.port}/api"

    def close(self) -> None:
        self._server.close()

    @property
    def heads(self) -> list[dict[str, Any]]:
        """What stands in the room itself, oldest first."""
        return [one for _, one in sorted(self.messages.items()) if "thread_ts" not in one]

    @property
    def replies(self) -> list[dict[str, Any]]:
        """What stands in threads, oldest first."""
        return [one for _, one in sorted(self.messages.items()) if "thread_ts" in one]

    def answer(self, method: str, authorization: str | None, body: dict[str, Any]) -> Answer:
        """By script, else as Slack would."""
        self.calls.append((method, body))
        scripted = self.script.get(method)
        if scripted:
            found = scripted.pop(0)
            return found if isinstance(found, Answer) else _said(error=found)
        if authorization != f"Bearer {TOKEN}":
            return _said(error="invalid_auth")
        if body.get("channel") != ROOM:
            return _said(error="channel_not_found")
        if method == "chat.postMessage":
            return self._post(body)
        if method == "chat.update":
            return self._update(body)
        if method == "conversations.history":
            return self._history(body)
        return _said(error="unknown_method")

    def _post(self, body: dict[str, Any]) -> Answer:
        now = time.monotonic()
        if now - self._last < self.rate:
            return Answer(429, "", "1")
        if problem := refused(body):
            return _said(error=problem)
        if body.get("thread_ts") is not None and body["thread_ts"] not in self.messages:
            return _said(error="thread_not_found")
        self._last = now
        ts = f"{time.time():.0f}.{len(self.messages):06d}"
        self.messages[ts] = {**body, "ts": ts}
        return _said(ts=ts, channel=ROOM)

    def _update(self, body: dict[str, Any]) -> Answer:
        if body.get("ts") not in self.messages:
            return _said(error="message_not_found")
        if problem := refused(body):
            return _said(error=problem)
        # What an update does not name stays.
        self.messages[body["ts"]] |= body
        return _said(ts=body["ts"], channel=ROOM)

    def _history(self, body: dict[str, Any]) -> Answer:
        if not self.readable:
            return _said(error="missing_scope")
        later = [one for one in self.heads if float(one["ts"]) > float(body.get("oldest", 0))]
        return _said(messages=later[::-1][: int(body["limit"])])


def _said(error: str | None = None, **values: Any) -> Answer:
    body = {"ok": error is None, **values} | ({"error": error} if error else {})
    return Answer(200, json.dumps(body))


def refused(body: dict[str, Any]) -> str | None:
    """Slack's word for what is wrong with a message; None where nothing is. `text` is asked for beside blocks, too."""
    blocks = body.get("blocks") or []
    if not body.get("text"):
        return "no_text"
    if len(body["text"]) > 40_000:
        return "msg_too_long"
    if not _escaped(body["text"]) or len(blocks) > 50 or not all(map(_fits, blocks)):
        return "invalid_blocks"
    if len(json.dumps(blocks, ensure_ascii=False)) > 13_000:
        return "msg_blocks_too_long"
    return None


def _escaped(text: str) -> bool:
    """Whether `&`, `<` and `>` stand only where Slack's own marks do; a quote's `>` begins a line."""
    rest = _LINK.sub("", re.sub(r"^>", "", text, flags=re.MULTILINE))
    return not (_ENTITY.search(rest) or "<" in rest or ">" in rest)


def _fits(block: dict[str, Any]) -> bool:
    if block["type"] == "header":
        return _text(block["text"], 150, "plain_text")
    if block["type"] == "section":
        return _text(block["text"], 3000)
    if block["type"] == "context":
        return 1 <= len(block["elements"]) <= 10 and all(_text(one, 3000) for one in block["elements"])
    if block["type"] == "actions":
        elements = block["elements"]
        names = [one["action_id"] for one in elements]
        return 1 <= len(elements) <= 25 and len(set(names)) == len(names) and all(map(_button, elements))
    return False


def _button(one: dict[str, Any]) -> bool:
    return (
        one["type"] == "button"
        and 1 <= len(one["action_id"]) <= 255
        and len(one.get("value", "")) <= 2000
        and len(one.get("url", "")) <= 3000
        and one.get("style", "primary") in ("primary", "danger")
        and _text(one["text"], 75, "plain_text")
    )


def _text(text: dict[str, Any], limit: int, kind: str | None = None) -> bool:
    if not 1 <= len(text.get("text", "")) <= limit or (kind is not None and text["type"] != kind):
        return False
    return text["type"] == "plain_text" or _escaped(text["text"])


def clicked(action: str, value: str, *, stamp: int, user: str = "U024BE7LH", secret: str = SIGNING) -> dict[str, Any]:
    """A click as Slack sends it: `content` and `headers` of the request, signed as Slack's documentation says."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "ana"},
        "container": {"type": "message", "channel_id": ROOM},
        "actions": [{"type": "button", "action_id": action, "value": value}],
    }
    content = urlencode({"payload": json.dumps(payload)})
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{content}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(stamp),
        "X-Slack-Signature": f"v0={digest}",
    }
    return {"content": content.encode(), "headers": headers}
