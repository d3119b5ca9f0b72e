"""/alerts: what fired and why, who looks after it, and for how long nobody is to be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from api.security import Writer
from api.web.page import Form, Page, PageOf, Viewed, back
from api.web.telling import as_sent, tell, tell_all, told_to
from resonance.alerts.speech import web_address
from resonance.alerts.wording import message
from resonance.errors import Invalid, Problem
from resonance.model import micros
from resonance.stores.incidents import AlertFilter

router = APIRouter(include_in_schema=False, route_class=Viewed)
SILENCES = {"1": 1, "4": 4, "24": 24}
_PAGE = 25


@router.get("/alerts")
def alerts_view(page: PageOf, cursor: str | None = None) -> HTMLResponse:
    """Open ones in a sentence, past ones in a line; silences that still hold."""
    open_, _ = page.parts.incidents.page(AlertFilter(state=("firing",)), page.caller.scope, limit=20)
    past, more = page.parts.incidents.page(
        AlertFilter(state=("resolved",)), page.caller.scope, limit=_PAGE, cursor=cursor
    )
    return page.render(
        "alerts.html",
        alerts=tell_all(page, open_),
        past=[_past(page, row) for row in past],
        more=f"/alerts?cursor={more}" if more else None,
        silences=_silences(page),
        names={name: topic.name for name, topic in page.catalogue.topics.items()},
    )


def _past(page: Page, row: Mapping[str, Any]) -> dict[str, object]:
    material = page.parts.incidents.material(row, names=False)
    told = message(material, "resolved", language=page.language, zone=str(page.zone), url="")
    return {"row": row, "title": told.title, "lines": told.lines}


def _silences(page: Page) -> list[dict[str, object]]:
    now = micros(page.now)
    rows, _ = page.parts.incidents.silences(page.caller.scope)
    return [row for row in rows if row["ends_at"] > now]


@router.get("/alerts/{name}")
def alert_view(name: str, page: PageOf) -> HTMLResponse:
    """Everything about one alert."""
    row = page.parts.incidents.get(name, page.caller.scope)
    open_, _ = page.parts.incidents.page(AlertFilter(("firing",), (row["topic"],)), page.caller.scope, limit=20)
    others = [one for one in open_ if one["id"] != name] if row["state"] == "firing" else []
    told = tell(page, row, others)
    channels = told_to(page, name)
    return page.render(
        "alert.html",
        told=told,
        row=row,
        reasons={reason["code"]: reason["values"] for reason in told.material.reasons},
        sent=as_sent(page, row),
        told_to=channels,
        in_slack=any(one["kind"] == "slack" and one["last"].state == "sent" for one in channels),
        logged=all(one["kind"] == "log" for one in channels),
        silences=[
            one
            for one in _silences(page)
            if one["topic"] in (None, row["topic"]) and one["rule"] in (None, row["rule"])
        ],
        hours=tuple(SILENCES),
        address=web_address,
    )


@router.post("/alerts/{name}/acknowledge")
def acknowledge(name: str, page: PageOf, caller: Writer, form: Form) -> RedirectResponse:
    """Somebody looks after it, and after the others that were told together with it."""
    for one in (name, *form.get("also", "").split()):
        page.parts.incidents.acknowledge(one, caller.scope, actor=caller.actor, at=page.now, real_at=page.parts.real())
    return back(form.get("to"), f"/alerts/{name}")


@router.post("/alerts/{name}/silence")
def silence(name: str, page: PageOf, caller: Writer, form: Form) -> RedirectResponse:
    """Nobody is told of this rule and topic for some hours."""
    row = page.parts.incidents.get(name, caller.scope)
    hours = SILENCES.get(form.get("hours", ""))
    if hours is None:
        raise Invalid([Problem(f"is one of {', '.join(SILENCES)}", "hours", "choice")])
    page.parts.incidents.silence(
        topic=row["topic"],
        rule=row["rule"],
        starts=page.now,
        ends=page.now + timedelta(hours=hours),
        comment=form.get("comment", "")[:2000],
        actor=caller.actor,
        at=page.now,
    )
    return back(form.get("to"), f"/alerts/{name}")


@router.post("/silences/{name}/end")
def end_silence(name: str, page: PageOf, caller: Writer, form: Form) -> RedirectResponse:
    """From now on people are told again."""
    caller.require_topics([page.parts.incidents.get_silence(name)["topic"] or "*"])
    page.parts.incidents.unsilence(name, actor=caller.actor, at=page.now)
    return back(form.get("to"), "/alerts")
