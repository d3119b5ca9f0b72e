"""What a webhook channel posts to its receiver, as the API's description tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

router = APIRouter()


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QuotedMention(_Told):
    """A mention that the message quotes."""

    text: str
    who: str
    url: str | None


class Notified(_Told):
    """The alert, in ids and in words of the channel's language; of a test the ids are empty."""

    id: str
    rule: str
    topic: str
    severity: str
    fired_at: datetime | None
    resolved_at: datetime | None
    title: str
    lines: list[str]
    mentions: list[QuotedMention]
    url: str | None = Field(description="where people read more")


class Notification(_Told):
    """The body, signed by `webhook-id`, `webhook-timestamp` and `webhook-signature` as Standard Webhooks says."""

    type: Literal["alert.firing", "alert.resolved", "channel.test"]
    timestamp: datetime = Field(description="when it fired or was over; of a test, when it was sent")
    data: Notified


@router.post("alert", tags=["channels"], summary="Hear of an alert by a channel of kind webhook")
def alert(body: Notification) -> None:
    """Answer 2xx: delivered. 429, 408, 5xx: it comes again with the same `webhook-id`, after Retry-After. 410: no more."""
