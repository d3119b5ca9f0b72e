"""/demo: what a visitor may do with a demo's time."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from api.security import Writer
from api.web.page import Form, PageOf, Viewed, back
from resonance.errors import NotFound

router = APIRouter(include_in_schema=False, route_class=Viewed)


@router.post("/demo")
def steer(page: PageOf, caller: Writer, form: Form) -> RedirectResponse:
    """Pause, resume, jump to the crisis, or play the other story, whose alerts and mentions are others: from the start."""
    caller.require_everything()
    demo = page.parts.demo
    known = {"pause": demo.pause, "resume": demo.resume, "jump": demo.jump, "change": demo.change} if demo else {}
    act = known.get(form.get("act", ""))
    if act is None:
        raise NotFound("there is no such demo")
    act()
    return back("/" if form["act"] == "change" else form.get("to"))
