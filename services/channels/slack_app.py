"""Slack by an app's token: one message an incident, what follows in its thread, the message itself edited to how it stands.

Slack knows no idempotency. Before the message is posted the store says that it is about to be; who comes after a crash
looks for it in the channel by its metadata, and posts another only where it is not found (the scope `channels:history` is
needed to look). A reply in the thread may come twice after a crash.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from msgspec import structs

from resonance.alerts.message import Message
from resonance.alerts.phrases import PHRASES
from resonance.errors import RateLimited, Retry
from resonance.stores.heads import Head
from services.channels.channel import GaveUp
from services.channels.posting import pause as asked_pause
from services.channels.posting import post
from services.channels.slack import cut, escape, payload

BASE = "https://slack.com/api"
_EVENT = "resonance_alert"
_PASSES = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"}
_HINTS = {
    "invalid_auth": "the token is wrong",
    "not_authed": "the token is empty",
    "account_inactive": "the token's app or workspace is gone",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "missing_scope": "the app needs the scope chat:write",
    "channel_not_found": "there is no such room, or the app cannot see it: write its id, and invite the app",
    "not_in_channel": "invite the app into the room: /invite",
    "is_archived": "the room is archived",
}
_GONE = ("message_not_found", "cant_update_message", "edit_window_closed")
_WHO = re.compile(r"slack:([UW][A-Z0-9]{2,20})")


class Known(Protocol):
    """Remembers heads, over crashes (resonance.stores.heads.Heads)."""

    def get(self, channel: str, alert: str) -> Head | None: ...
    def begin(self, channel: str, alert: str, at: int) -> None: ...
    def keep(self, channel: str, alert: str, place: str) -> None: ...


class _Refused(Exception):
    """Slack's word for why not."""


@dataclass
class SlackApp:
    """One room of Slack, by id. `name` is the channel's id here. `buttons`: whether clicks come to us. `now` in seconds
    since 1970; `timeout` in seconds."""

    name: str
    room: str
    token: str = field(repr=False)
    heads: Known = field(repr=False)
    buttons: bool = False
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 1.0
    timeout: float = 5.0
    base: str = BASE
    now: Callable[[], float] = time.time

    def send(self, message: Message, idempotency_key: str) -> None:
        """Raises RateLimited with Slack's pause, Retry for what passes, GaveUp with Slack's own word and what to do."""
        try:
            if not message.alert:
                self._call("chat.postMessage", {"channel": self.room, **payload(message)})
            else:
                self._tell(message)
        except _Refused as error:
            word = str(error)
            if word in _PASSES:
                raise Retry(f"Slack answered {word}") from None
            hint = f": {_HINTS[word]}" if word in _HINTS else ""
            raise GaveUp(f"Slack refused the message: {word}{hint}") from None

    # ---- the head and its thread ----------------------------------------------------------------------------

    def _tell(self, message: Message) -> None:
        head = self._head(message.alert)
        if head is None:
            self._begin(message)
            return
        try:
            self._call("chat.update", {"channel": self.room, "ts": head, **self._shown(message)})
        except _Refused as error:
            if str(error) not in _GONE:
                raise
            # Somebody has taken it away: the incident gets another.
            self._begin(message)
            return
        if message.mark not in ("firing", "silent") or message.by:
            reply = structs.replace(
                message, links=(), quotes=(), lines=message.lines[:1] if message.by else message.lines
            )
            self._call("chat.postMessage", {"channel": self.room, "thread_ts": head, **_named(payload(reply), message)})

    def _head(self, alert: str) -> str | None:
        known = self.heads.get(self.name, alert)
        if known is None:
            return None
        found = known.place or self._find(alert, known.begun_at)
        if found is not None and known.place is None:
            self.heads.keep(self.name, alert, found)
        return found

    def _begin(self, message: Message) -> None:
        self.heads.begin(self.name, message.alert, int(self.now() * 1e6))
        metadata = {"event_type": _EVENT, "event_payload": {"alert": message.alert}}
        answer = self._call("chat.postMessage", {"channel": self.room, "metadata": metadata, **self._shown(message)})
        self.heads.keep(self.name, message.alert, str(answer["ts"]))

    def _find(self, alert: str, begun_at: int) -> str | None:
        """The message that somebody posted before a crash; None where it is not there, or we may not look."""
        asked = {
            "channel": self.room,
            "oldest": f"{begun_at / 1e6 - 60:.6f}",
            "include_all_metadata": "true",
            "limit": "100",
        }
        try:
            answer = self._call("conversations.history", asked, form=True)
        except _Refused as error:
            if str(error) in _PASSES:
                raise
            return None
        for one in answer.get("messages") or []:
            metadata = one.get("metadata") or {}
            if metadata.get("event_type") == _EVENT and metadata.get("event_payload", {}).get("alert") == alert:
                return str(one["ts"])
        return None

    def _shown(self, message: Message) -> dict[str, Any]:
        """The head: everything that is known, and buttons as long as it is open."""
        links, more = message.links, message.lines + message.why
        mark = "taken" if message.taken and message.mark != "resolved" else message.mark
        body = _named(payload(structs.replace(message, mark=mark, lines=more, links=())), message)
        words, buttons = PHRASES[self.language], []
        if self.buttons and message.mark != "resolved":
            if not message.taken:
                buttons.append(_button("acknowledge", words["acknowledge"], message.alert) | {"style": "primary"})
            buttons.append(_button("silence", words["silence"], message.alert))
        buttons += [_button("open", text, message.alert) | {"url": url} for text, url in links[:1] if len(url) <= 3000]
        if buttons:
            body["blocks"].append({"type": "actions", "elements": buttons})
        return body

    # ---- one call -------------------------------------------------------------------------------------------

    def _call(self, method: str, body: dict[str, Any], *, form: bool = False) -> dict[str, Any]:
        kind = "application/x-www-form-urlencoded" if form else "application/json; charset=utf-8"
        content = urlencode(body).encode() if form else msgspec.json.encode(body)
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self.token}"}
        answer = post(f"{self.base}/{method}", content, headers, timeout=self.timeout)
        if answer.status == 429:
            raise RateLimited("Slack asks for a pause", asked_pause(answer.headers, self.now()) or timedelta(seconds=1))
        if answer.status != 200:
            raise Retry(f"Slack answered {answer.status}")
        try:
            found = msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Retry("something that is not Slack answered") from None
        if not found.get("ok"):
            raise _Refused(str(found.get("error", "unknown"))[:100])
        return found


def _button(name: str, words: str, value: str) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": name,
        "value": value[:2000],
        "text": {"type": "plain_text", "text": cut(words, 75), "emoji": False},
    }


def _named(body: dict[str, Any], message: Message) -> dict[str, Any]:
    """Who of Slack did it, as Slack names them: only where the line is ours."""
    found = _WHO.fullmatch(message.by)
    if found is None or not message.lines or len(body["blocks"]) < 2:
        return body
    said = escape(message.lines[0])
    for block in body["blocks"][1:2]:
        if block.get("text", {}).get("text") == said:
            block["text"]["text"] = said.replace(message.by, f"<@{found[1]}>")
    return body
