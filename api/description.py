"""The OpenAPI description: what FastAPI finds in the routes, with problems, keys and repeatable requests written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import BASE, TYPES
from api.repeats import HEADER

_TYPES = "\n".join(f"- `{BASE}{name}` ({status}): {english}" for name, (status, english, _) in TYPES.items())
DESCRIPTION = f"""What is said about your topics, how it is felt, how far it carries, and who should know.

Keys go into `X-API-Key` or `Authorization: Bearer`. Lists answer `{{"items": […], "next": cursor or null}}`; a cursor is
bound to its filters; times are RFC 3339 in UTC. POST requests other than `/v1/mentions` and `/v1/hooks/…` may carry `{HEADER}`: within 24 h a
repetition gets the first answer and changes nothing.

Errors are problem+json (RFC 9457) and name every mistake at once; `detail` is German or English (Accept-Language). `type`
is one of:

{_TYPES}"""
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [BASE + name for name in TYPES]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail", "pointer", "code"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into the body, or a parameter's name"},
                    "code": {"type": "string"},
                    "line": {"type": ["integer", "null"]},
                    "column": {"type": ["integer", "null"]},
                },
            },
        },
    },
}
_REPEATABLE = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "Makes a repetition within 24 h harmless.",
}
_OPEN = ("/health/", "/metrics", "/v1/hooks/")
_BY_ID = ("/v1/mentions", "/v1/hooks/{source}")
"""What may be repeated anyway: mentions have ids."""


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The function that gives the app's description, made once."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                webhooks=app.webhooks.routes,
            )
            app.openapi_schema = _completed(found)
        return app.openapi_schema

    return described


def _completed(found: dict[str, Any]) -> dict[str, Any]:
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    parts["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            answers.pop("422", None)
            answers["default"] = {
                "description": "A problem",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            if not path.startswith(_OPEN):
                operation["security"] = [{"key": []}, {"bearer": []}, {}]
            if method == "post" and path not in _BY_ID:
                operation.setdefault("parameters", []).append(_REPEATABLE)
    return found
