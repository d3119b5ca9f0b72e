"""The application: routes, problems, the frame around every request, and its description."""

from __future__ import annotations

from fastapi import FastAPI

from api import notified, problems
from api.description import DESCRIPTION, describe
from api.frame import Frame
from api.parts import Parts
from api.routes import alerts, changes, entries, figures, hooks, mentions, operations, queries, slack
from api.web import assets, channels, demo, incidents, live, said, sources, today, topics


def create_app(parts: Parts) -> FastAPI:
    """The API over these parts; it reads nothing else."""
    app = FastAPI(title="Resonance", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.parts = parts
    problems.install(app)
    app.include_router(operations.later)
    for module in (operations, mentions, hooks, entries, figures, queries, alerts, slack, changes):
        app.include_router(module.router)
    for view in (today, topics, said, incidents, channels, sources, live, demo, assets):
        app.include_router(view.router)
    app.webhooks.include_router(notified.router)
    app.openapi = describe(app)  # type: ignore[method-assign]

    def extra() -> dict[str, str]:
        return {"X-Resonance-Time": parts.clock.now().isoformat()} if parts.simulated else {}

    app.add_middleware(Frame, extra=extra)
    return app
