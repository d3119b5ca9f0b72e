"""/sources: what is connected, how late it is, what was missed, and what each can see at all."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.sources import sources
from api.web.page import PageOf, Viewed

router = APIRouter(include_in_schema=False, route_class=Viewed)


@router.get("/sources")
def sources_view(page: PageOf) -> HTMLResponse:
    """One paragraph a source."""
    page.caller.require_everything()
    return page.render("sources.html", sources=sources(page.parts), backlog=page.parts.backlog())
