"""What all views share: whose page it is, in which language and zone, how it is framed, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_date
from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from api.parts import Parts
from api.problems import Refused
from api.security import Caller, PartsOf, Reader
from api.web.assets import address
from api.web.words import templates
from api.wording import Language, preferred
from resonance.alerts.speech import Speech, author_name, platform_name
from resonance.catalogue import Catalogue
from resonance.model import instant, micros

COOKIE = "resonance_language"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def language_of(request: Request) -> Language:
    """The reader's choice, else what the browser prefers, else German."""
    chosen = request.cookies.get(COOKIE)
    if chosen in ("de", "en"):
        return "de" if chosen == "de" else "en"
    return preferred(request.headers.get("accept-language"), "de")


@dataclass(frozen=True)
class Page:
    """A view in the making."""

    request: Request
    parts: Parts
    caller: Caller
    language: Language
    speech: Speech
    now: datetime
    catalogue: Catalogue

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are told."""
        return self.speech.zone

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The view as an answer."""
        shown = templates(self.language).get_template(template).render(**self._frame(), **values)
        return HTMLResponse(shown, status, _headers())

    def _frame(self) -> dict[str, Any]:
        """What every template knows: how numbers and times are written here, and what stands around the view."""
        local = self.now.astimezone(self.zone)
        play = self.parts.demo.state() if self.parts.demo else None
        return {
            "language": self.language,
            "here": str(self.request.url.path) + (f"?{self.request.url.query}" if self.request.url.query else ""),
            "path": self.request.url.path,
            "asset": address,
            "now": micros(self.now),
            "zone": str(self.zone),
            "today": format_date(
                local.date(), "EEEE, d. MMMM" if self.language == "de" else "EEEE, d MMMM", self.language
            ),
            "clock": self.speech.clock,
            "when": self.when,
            "date": self.speech.date,
            "number": self.speech.number,
            "about": self.about,
            "lasted": self.speech.lasted,
            "percent": self.percent,
            "signed": self.signed,
            "platform": platform_name,
            "named": author_name,
            "instant": lambda at: instant(at).isoformat(),
            "writes": bool(self.caller.permissions & {"write", "admin"}),
            "play": play,
            "changeable": self.parts.demo is not None and self.parts.demo.change is not None,
        }

    def when(self, at: int) -> str:
        """The time of day of µs; with the day where that is another than today."""
        days = {moment.astimezone(self.zone).date() for moment in (instant(at), self.now)}
        return self.speech.clock(at) if len(days) == 1 else self.speech.date(at)

    def about(self, value: float) -> str:
        """A number that is expected rather than counted: with a digit after the point where it is small."""
        return self.speech.number(value, 1 if value < 10 else 0)

    def percent(self, share: float | None) -> str:
        """A share as people write it; a dash for what is unknown."""
        if share is None:
            return "–"
        return self.speech.number(100 * share) + ("\u00a0%" if self.language == "de" else "%")

    def signed(self, value: float | None, digits: int = 2) -> str:
        """A number with its sign; a dash for what is unknown."""
        if value is None:
            return "–"
        value = round(value, digits)
        point = "," if self.language == "de" else "."
        return ("−" if value < 0 else "+" if value > 0 else "±") + f"{abs(value):.{digits}f}".replace(".", point)


def _page(request: Request, parts: PartsOf, caller: Reader) -> Page:
    language = language_of(request)
    catalogue = parts.entries.load()
    speech = Speech(language, catalogue.zone_of(None))
    return Page(request, parts, caller, language, speech, parts.clock.now(), catalogue)


PageOf = Annotated[Page, Depends(_page)]


def _headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": POLICY,
        "Vary": "Accept-Language, Cookie",
        # Not "no-referrer": with it browsers hide the origin of forms, too, and every one would be refused.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def share(part: float | None, whole: float | None) -> float | None:
    """A part of a whole; None of nothing, or of what is unknown."""
    return part / whole if part is not None and whole else None


def back(to: str | None, otherwise: str = "/") -> RedirectResponse:
    """To a place of this page; anything that could lead elsewhere leads to `otherwise`."""
    local = to is not None and to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return RedirectResponse(to if local and to else otherwise, 303)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a plain form of this page."""
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused("forbidden", "the request comes from another site")
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=20))
    except ValueError:
        raise Refused("malformed", "the form cannot be read") from None


Form = Annotated[dict[str, str], Depends(_form)]


class Viewed(APIRoute):
    """A route for people: what is refused is told as a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler; its problems in a frame."""
        handle = super().get_route_handler()

        async def viewing(request: Request) -> Response:
            request.state.language = language_of(request)
            try:
                return await handle(request)
            except Exception as error:
                known = request.app.exception_handlers
                handler = next((known[kind] for kind in type(error).__mro__ if kind in known), None)
                if handler is None or type(error) is Exception:
                    raise
                return _refusal(request, handler(request, error))

        return viewing


def _refusal(request: Request, answer: Any) -> Response:
    problem = msgspec.json.decode(answer.body)
    language = language_of(request)
    shown = templates(language).get_template("problem.html").render(language=language, problem=problem, asset=address)
    return HTMLResponse(shown, answer.status_code, {**_headers(), **_kept(answer.headers)})


def _kept(headers: Any) -> dict[str, str]:
    return {name: headers[name] for name in ("www-authenticate", "retry-after") if name in headers}
