"""/v1/alerts and /v1/silences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api import shapes
from api.parts import Parts
from api.repeats import Repeatable
from api.security import PartsOf, Reader, Writer, known_parameters
from api.times import Moment
from api.wording import preferred
from resonance.alerts.brief import brief
from resonance.errors import Invalid, Problem
from resonance.stores.incidents import AlertFilter

router = APIRouter(tags=["alerts"], route_class=Repeatable, dependencies=[Depends(known_parameters)])
Names = Annotated[list[str], Query()]
State = Literal["pending", "firing", "resolved"]


class Silencing(BaseModel):
    """Which alerts are to be silent, until when, and why."""

    model_config = ConfigDict(extra="forbid")
    topic: str | None = None
    rule: str | None = None
    starts_at: Moment | None = None
    ends_at: Moment
    comment: str = Field("", max_length=2000)


class Acknowledging(BaseModel):
    """A word to the others."""

    model_config = ConfigDict(extra="forbid")
    comment: str | None = Field(None, max_length=2000)


@router.get("/v1/alerts", summary="Incidents, the newest first")
def list_alerts(
    request: Request,
    parts: PartsOf,
    caller: Reader,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    topic: Names = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """One id an incident."""
    chosen = AlertFilter(state=tuple(state), topic=tuple(topic))
    rows, following = parts.incidents.page(chosen, caller.scope, limit=limit, cursor=cursor)
    return {"items": [_alert(row, parts, request) for row in rows], "next": following}


@router.get("/v1/alerts/{name}", summary="One incident, and why")
def get_alert(name: str, request: Request, parts: PartsOf, caller: Reader) -> dict[str, Any]:
    """With its reasons; `text` says it in the reader's language."""
    return _alert(parts.incidents.get(name, caller.scope), parts, request)


def _alert(row: Mapping[str, Any], parts: Parts, request: Request) -> dict[str, Any]:
    topic = parts.entries.load().topics.get(row["topic"])
    said = brief(
        msgspec.json.decode(row["reasons"]),
        rule=row["rule"],
        topic=topic.name if topic else row["topic"],
        value=row["value"],
        expected=row["expected"],
        language=preferred(request.headers.get("accept-language")),
    )
    return shapes.alert(row, said)


@router.post("/v1/alerts/{name}/acknowledge", summary="Say that somebody looks after it")
def acknowledge_alert(
    name: str, request: Request, parts: PartsOf, caller: Writer, body: Acknowledging | None = None
) -> dict[str, Any]:
    """The first acknowledgement stands; doing it again changes nothing."""
    comment = body.comment if body else None
    row = parts.incidents.acknowledge(
        name, caller.scope, actor=caller.actor, at=parts.clock.now(), real_at=parts.real(), comment=comment
    )
    return _alert(row, parts, request)


@router.get("/v1/silences", summary="All silences")
def list_silences(
    parts: PartsOf, caller: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 200, cursor: str | None = None
) -> dict[str, Any]:
    """The ones that end last come first."""
    rows, following = parts.incidents.silences(caller.scope, limit=limit, cursor=cursor)
    return {"items": [_shown(row) for row in rows], "next": following}


@router.post("/v1/silences", status_code=201, summary="Tell nobody for a while")
def create_silence(body: Silencing, parts: PartsOf, caller: Writer) -> dict[str, Any]:
    """Alerts go on, notifications do not. Without topic and rule: all of them."""
    caller.require_topics([body.topic or "*"])
    problems = [Problem(f"there is no {kind} {name!r}", f"/{kind}", "unknown") for kind, name in _unknown(body, parts)]
    if problems:
        raise Invalid(problems)
    now = parts.clock.now()
    starts = body.starts_at or now
    if body.ends_at <= starts:
        raise Invalid([Problem("must be after starts_at", "/ends_at", "range")])
    row = parts.incidents.silence(
        topic=body.topic,
        rule=body.rule,
        starts=starts,
        ends=body.ends_at,
        comment=body.comment,
        actor=caller.actor,
        at=now,
    )
    return _shown(row)


def _unknown(body: Silencing, parts: Parts) -> list[tuple[str, str]]:
    catalogue = parts.entries.load()
    named = (("topic", body.topic, set(catalogue.topics)), ("rule", body.rule, set(catalogue.rules)))
    return [(kind, name) for kind, name, known in named if name is not None and name not in known]


@router.delete("/v1/silences/{name}", status_code=204, summary="End a silence")
def remove_silence(name: str, parts: PartsOf, caller: Writer) -> None:
    """From now on people are told again."""
    caller.require_topics([parts.incidents.get_silence(name)["topic"] or "*"])
    parts.incidents.unsilence(name, actor=caller.actor, at=parts.clock.now())


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "starts_at": shapes.time_text(row["starts_at"]), "ends_at": shapes.time_text(row["ends_at"])}
