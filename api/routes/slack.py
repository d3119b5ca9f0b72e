"""/v1/slack: clicks on the buttons below an alert in Slack."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.parts import Parts
from api.problems import Refused
from api.routes.mentions import read_body
from api.security import PartsOf, known_parameters
from resonance.access import EVERYTHING, Actor
from resonance.errors import NotFound

router = APIRouter(tags=["alerts"], dependencies=[Depends(known_parameters)])
TOLERANCE = 300
"""Seconds that a time stamp may lie before or after our time."""


class _Action(msgspec.Struct):
    action_id: str = ""
    value: str = ""


class _User(msgspec.Struct):
    id: str = ""


class _Click(msgspec.Struct):
    type: str = ""
    user: _User = msgspec.field(default_factory=_User)
    actions: list[_Action] = msgspec.field(default_factory=list)


@router.post("/v1/slack/interactions", summary="Take a click on a button in Slack")
async def click(request: Request, parts: PartsOf) -> dict[str, Any]:
    """Slack's own form, signed as Slack signs (`X-Slack-Signature` v0, ± 5 min). 401: signature or time is wrong; 409: the
    same click came before. Acknowledges the alert, or silences its rule and topic for an hour, in the name of
    `user:slack:…`; what else is clicked changes nothing."""
    secret = parts.slack_signing()
    if not secret:
        raise NotFound("there is no Slack app: slack.signing_secret is not set")
    body = await read_body(request)
    signature = verified(request.headers, body, secret, parts.real() / 1e6)
    pressed = _read(body)
    done = await run_in_threadpool(_once, signature, pressed, parts)
    return {"accepted": done}


def verified(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """The signature, which is the secret's over time and body; raises Refused. `now` in seconds since 1970."""
    stamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 13) or abs(int(stamp) - now) > TOLERANCE:
        raise Refused("unauthenticated", "X-Slack-Request-Timestamp is not of the last five minutes")
    expected = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise Refused("unauthenticated", "X-Slack-Signature is not that of this body by our secret")
    return signature


def _read(body: bytes) -> _Click:
    try:
        form = parse_qs(body.decode(), max_num_fields=20)
        return msgspec.json.decode(form["payload"][0], type=_Click)
    except (ValueError, KeyError, msgspec.MsgspecError):
        raise Refused("malformed", "this is no click of Slack") from None


def _once(signature: str, pressed: _Click, parts: Parts) -> int:
    """How many actions changed something; the same signature is carried out once only."""
    actor = f"slack:{pressed.user.id}"[:80]
    at = datetime.fromtimestamp(parts.real() / 1e6, UTC)
    if parts.idempotency.claim(signature, "slack", "", at) is not None:
        raise Refused("conflict", "this click came before")
    try:
        done = sum(_act(action, Actor("user", actor), parts) for action in pressed.actions[:5])
    except BaseException:
        parts.idempotency.release(signature, "slack")
        raise
    parts.idempotency.keep(signature, "slack", 200, "")
    return done


def _act(action: _Action, actor: Actor, parts: Parts) -> bool:
    if action.action_id not in ("acknowledge", "silence"):
        return False
    try:
        alert = parts.incidents.get(action.value, EVERYTHING)
    except NotFound:
        return False  # It was erased, or retention has taken it: there is nothing to do about it.
    now, real = parts.clock.now(), parts.real()
    if action.action_id == "acknowledge":
        parts.incidents.acknowledge(alert["id"], EVERYTHING, actor=actor, at=now, real_at=real)
    else:
        parts.incidents.silence(
            topic=alert["topic"],
            rule=alert["rule"],
            starts=now,
            ends=now + timedelta(hours=1),
            comment="",
            actor=actor,
            at=now,
            alert=alert["id"],
            real_at=real,
        )
    return True
