"""/: a plain overview for people, rendered here."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from api import shapes
from api.parts import Parts
from api.security import PartsOf, Reader
from api.sources import sources
from api.wording import Language, alert_sentence, preferred
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
        "sources": "Quellen",
        "source": "Quelle",
        "state": "Zustand",
        "last": "zuletzt",
        "gaps": "Lücken",
        "on": "verbunden",
        "off": "getrennt",
        "idle": "wartet",
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
        "sources": "Sources",
        "source": "Source",
        "state": "State",
        "last": "last event",
        "gaps": "gaps",
        "on": "connected",
        "off": "disconnected",
        "idle": "waiting",
    },
}


@router.get("/")
def overview(request: Request, parts: PartsOf, caller: Reader) -> HTMLResponse:
    """Open alerts in a sentence each, every topic in numbers, every source with its state."""
    language = preferred(request.headers.get("accept-language"), "de")
    open_, _ = parts.incidents.page(AlertFilter(state=("firing",)), caller.scope, limit=20)
    known = parts.entries.load().topics
    names = {name: topic.name for name, topic in known.items()}
    nonce = secrets.token_urlsafe(16)
    page = _templates.get_template("overview.html").render(
        words=_WORDS[language],
        language=language,
        nonce=nonce,
        now=shapes.time_text(parts.clock.now()),
        alerts=[
            {
                "text": alert_sentence(row, names.get(row["topic"], row["topic"]), language),
                "at": shapes.time_text(row["fired_at"]),
            }
            for row in open_
        ],
        topics=_topics(parts, caller.scope, language),
        sources=sources(parts),
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Vary": "Accept-Language", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(page, headers={**headers, "Cache-Control": "no-store"})


def _topics(parts: Parts, scope: Scope, language: Language) -> list[dict[str, Any]]:
    now = parts.clock.now()
    known = [
        item.entry
        for item in parts.entries.list("topic")
        if scope.sees(item.entry.id) and item.entry.status != "archived"
    ]
    names = [topic.id for topic in known]
    hour = parts.figures.totals(names, now - timedelta(hours=1), now, group="topic")
    day = parts.figures.totals(names, now - timedelta(days=1), now, group="topic")
    return [
        {
            "name": topic.name,
            "hour": _number(hour.get(topic.id, Counts()).mentions, language),
            "day": _number(day.get(topic.id, Counts()).mentions, language),
            "felt": _felt(value_of("net_sentiment", day.get(topic.id, Counts())), language),
        }
        for topic in known
    ]


def _number(count: int, language: Language) -> str:
    return f"{count:,}".replace(",", ".") if language == "de" else f"{count:,}"


def _felt(value: float | None, language: Language) -> str:
    if value is None:
        return "–"
    text = f"{value:+.2f}".replace("-", "−")
    return text.replace(".", ",") if language == "de" else text
