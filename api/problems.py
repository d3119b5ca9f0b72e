"""Errors over HTTP: RFC 9457 problem+json, every mistake at once, `type` from a closed list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from msgspec import structs
from starlette.exceptions import HTTPException

from api.wording import in_language, preferred
from resonance.errors import Conflict, Full, Invalid, NotFound, Problem, RateLimited, Retry, Stop
from resonance.stores.feed import Forgotten

BASE = "https://resonance.invalid/problems/"
_LONGEST = 2000
TYPES: dict[str, tuple[int, str, str]] = {
    "invalid": (422, "The input is wrong", "Die Eingabe ist fehlerhaft"),
    "malformed": (400, "The request cannot be read", "Die Anfrage ist nicht lesbar"),
    "unauthenticated": (401, "A key is needed", "Ein Schlüssel ist nötig"),
    "forbidden": (403, "This key may not do that", "Dieser Schlüssel darf das nicht"),
    "not-found": (404, "There is no such thing", "Das gibt es nicht"),
    "method": (405, "That cannot be done here", "Das geht hier nicht"),
    "conflict": (409, "It exists, or changed meanwhile", "Es besteht schon oder hat sich geändert"),
    "gone": (410, "It is no longer kept", "Das wird nicht mehr aufbewahrt"),
    "changed": (412, "It changed meanwhile", "Es hat sich inzwischen geändert"),
    "too-large": (413, "Too much at once", "Zu viel auf einmal"),
    "condition-required": (428, "If-Match is needed", "If-Match ist nötig"),
    "too-many": (429, "Slow down", "Bitte langsamer"),
    "internal": (500, "Something went wrong on our side", "Bei uns ist etwas schiefgegangen"),
    "not-yet": (501, "This is not offered yet", "Das gibt es noch nicht"),
    "unavailable": (503, "Not possible at the moment", "Im Moment nicht möglich"),
    "full": (507, "No room", "Kein Platz"),
}


class Refused(Exception):
    """An answer that is a problem."""

    def __init__(
        self, kind: str, detail: str = "", *, errors: Sequence[Problem] = (), headers: dict[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers
        super().__init__(detail)


def answer(
    request: Request, kind: str, detail: str = "", errors: Sequence[Problem] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """The problem as JSON, in the reader's language where the sentence is a common one."""
    status, english, german = TYPES[kind]
    language = getattr(request.state, "language", None) or preferred(request.headers.get("accept-language"))
    title = german if language == "de" else english
    told = [structs.replace(problem, detail=in_language(problem.detail, language)) for problem in errors]
    if errors and detail == _joined(errors):
        detail = _joined(told)
    body: dict[str, Any] = {
        "type": BASE + kind,
        "title": title,
        "status": status,
        "detail": in_language(detail, language)[:_LONGEST] or title,
        "instance": request.url.path,
    }
    if told:
        body["errors"] = [structs.asdict(problem) for problem in told]
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _joined(problems: Sequence[Problem]) -> str:
    return "; ".join(map(str, problems))


def _place(location: Sequence[Any]) -> str:
    """A JSON pointer into the body; a parameter by its name."""
    origin, *rest = location
    return "".join(f"/{part}" for part in rest) if origin == "body" else "/".join(map(str, rest))


_BY_ERROR: tuple[tuple[type[Exception], str], ...] = (
    (NotFound, "not-found"),
    (Conflict, "conflict"),
    (Forgotten, "gone"),
    (Full, "full"),
    (Stop, "unavailable"),
)
_BY_STATUS = {
    404: "not-found",
    405: "method",
    413: "too-large",
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
}


def install(app: FastAPI) -> None:
    """Turn every error into a problem."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> JSONResponse:
        return answer(request, error.kind, error.detail, error.errors, error.headers)

    @app.exception_handler(Invalid)
    def invalid(request: Request, error: Invalid) -> JSONResponse:
        cursor = any(problem.code == "cursor" for problem in error.problems)
        return answer(request, "malformed" if cursor else "invalid", _joined(error.problems), error.problems)

    @app.exception_handler(RequestValidationError)
    def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return answer(request, "malformed", "the body is no JSON")
        problems = [
            Problem(item["msg"].removeprefix("Value error, "), _place(item["loc"]), item["type"])
            for item in error.errors()
        ]
        return answer(request, "invalid", _joined(problems), problems)

    @app.exception_handler(Retry)
    def retry(request: Request, error: Retry) -> JSONResponse:
        kind = "too-many" if isinstance(error, RateLimited) else "unavailable"
        return answer(request, kind, str(error), headers={"Retry-After": "1"})

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(request, _BY_STATUS.get(error.status_code, "internal"), headers=dict(error.headers or {}))

    for known, kind in _BY_ERROR:
        app.add_exception_handler(known, _handler(kind))


def _handler(kind: str) -> Any:
    def handle(request: Request, error: Exception) -> JSONResponse:
        return answer(request, kind, str(error))

    return handle
