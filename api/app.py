"""The application: routes, problems, limits, and the request's id."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from api import problems
from api.parts import Parts
from api.routes import alerts, changes, entries, figures, mentions, operations, overview, queries

DESCRIPTION = """What is said about your topics, how it is felt, how far it carries, and who should know.

Keys go into `X-API-Key` or `Authorization: Bearer`. Errors are problem+json (RFC 9457) and name every mistake at once.
Lists answer `{"items": […], "next": cursor or null}`; times are RFC 3339 in UTC."""
_LARGEST = 9_000_000


def create_app(parts: Parts) -> FastAPI:
    """The API over these parts; it reads nothing else."""
    app = FastAPI(title="Resonance", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.parts = parts
    problems.install(app)
    for module in (operations, mentions, entries, figures, queries, alerts, changes, overview):
        app.include_router(module.router)

    @app.middleware("http")
    async def around(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        if int(request.headers.get("content-length") or 0) > _LARGEST:
            return problems.answer(request, "too-large", "the body is too large")
        response = await proceed(request)
        response.headers["X-Request-ID"] = request.headers.get("x-request-id", "")[:64] or uuid.uuid4().hex
        response.headers["X-Content-Type-Options"] = "nosniff"
        if parts.simulated:
            response.headers["X-Resonance-Time"] = parts.clock.now().isoformat()
        return response

    return app
