"""/: a plain overview for people, rendered here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from api import shapes
from api.parts import Parts
from api.security import PartsOf, Reader
from resonance.access import Scope
from resonance.stores.figures import value_of
from resonance.stores.incidents import AlertFilter
from resonance.update import Counts

router = APIRouter(include_in_schema=False)
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "web" / "templates"), autoescape=select_autoescape(default=True)
)
_WORDS: dict[str, dict[str, str]] = {
    "de": {
        "title": "Heute",
        "calm": "Es ist ruhig: kein Alarm.",
        "alerts": "Alarme",
        "topics": "Themen",
        "hour": "letzte Stunde",
        "day": "24 Stunden",
        "felt": "Stimmung",
        "since": "seit",
        "topic": "Thema",
    },
    "en": {
        "title": "Today",
        "calm": "All is calm: no alert.",
        "alerts": "Alerts",
        "topics": "Topics",
        "hour": "last hour",
        "day": "24 hours",
        "felt": "sentiment",
        "since": "since",
        "topic": "Topic",
    },
}


@router.get("/")
def overview(request: Request, parts: PartsOf, caller: Reader) -> HTMLResponse:
    """Open alerts in a sentence each, and every topic in numbers."""
    accepted = request.headers.get("accept-language", "de").lower()
    language = "en" if accepted.startswith("en") else "de"
    alerts, _ = parts.incidents.page(AlertFilter(state=("firing",)), caller.scope, limit=20)
    page = _templates.get_template("overview.html").render(
        words=_WORDS[language],
        language=language,
        now=shapes.time_text(parts.clock.now()),
        alerts=[shapes.alert(row, shapes.alert_text(row)) for row in alerts],
        topics=_topics(parts, caller.scope),
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _topics(parts: Parts, scope: Scope) -> list[dict[str, Any]]:
    now = parts.clock.now()
    known = [item.entry for item in parts.entries.list("topic") if scope.sees(item.entry.id)]
    names = [topic.id for topic in known]
    hour = parts.figures.totals(names, now - timedelta(hours=1), now, group="topic")
    day = parts.figures.totals(names, now - timedelta(days=1), now, group="topic")
    return [
        {
            "name": topic.name,
            "hour": hour.get(topic.id, Counts()).mentions,
            "day": day.get(topic.id, Counts()).mentions,
            "felt": value_of("net_sentiment", day.get(topic.id, Counts())),
        }
        for topic in known
    ]
