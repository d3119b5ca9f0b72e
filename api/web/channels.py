"""/channels: where alerts go, and whether a message gets there."""

from __future__ import annotations

import time

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from api.security import Writer
from api.web.page import Form, Page, PageOf, Viewed

router = APIRouter(include_in_schema=False, route_class=Viewed)
_PATIENCE = 6.0
"""Seconds for which the answer to a test is waited for."""


@router.get("/channels")
def channels_view(page: PageOf, trial: str | None = None) -> HTMLResponse:
    """One paragraph a channel; with how the test stands that was just asked for."""
    return _view(page, trial)


def _view(page: Page, trial: str | None) -> HTMLResponse:
    page.caller.require_everything()
    found = page.parts.trials.get(trial) if trial else None
    latest, waiting = page.parts.deliveries.latest(), page.parts.deliveries.waiting()
    channels = [
        {
            "id": one.entry.id,
            "kind": one.entry.kind,
            "last": latest.get(one.entry.id),
            "waiting": waiting.get(one.entry.id, 0),
            "departments": [
                known.name for known in page.catalogue.departments.values() if one.entry.id in known.channels
            ],
            "off": page.parts.outbox.off(one.entry.id),
        }
        for one in page.parts.entries.list("channel")
    ]
    return page.render("channels.html", channels=channels, trial=found)


@router.post("/channels/{name}/test")
def test_channel(name: str, page: PageOf, caller: Writer, form: Form) -> RedirectResponse:
    """Send a message, and see what became of it."""
    caller.require_everything()
    page.parts.entries.get("channel", name)
    trials = page.parts.trials
    trial = trials.ask(name, actor=caller.actor, at=page.now, real_at=page.parts.real())
    trials.wait(trial, _PATIENCE, time.sleep)
    return RedirectResponse(f"/channels?trial={trial.id}", 303)
