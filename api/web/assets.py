"""The page's files: our own, and those that set-up brings from npm. Without the latter the page is whole, but not live."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from resonance.errors import NotFound

router = APIRouter(include_in_schema=False)
_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "vendor/htmx.min.js": "text/javascript",
    "vendor/uPlot.iife.min.js": "text/javascript",
    "vendor/uPlot.min.css": "text/css",
}


@cache
def _body(name: str) -> bytes | None:
    file = _FOLDER / name
    return file.read_bytes() if file.exists() else None


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(_body(name) or b"", mtime=0)


@cache
def address(name: str) -> str | None:
    """Where a file is, with a mark that changes with its content; None where it is not installed."""
    body = _body(name)
    return None if body is None else f"/static/{name}?v={hashlib.blake2b(body, digest_size=6).hexdigest()}"


@router.get("/static/{name:path}")
def static(name: str, request: Request) -> Response:
    """One of the files, kept by browsers for as long as its address stays the same."""
    body = _body(name) if name in _KINDS else None
    if body is None:
        raise NotFound("there is no such file")
    same = request.url.path + "?" + request.url.query == address(name)
    kept = "public, max-age=31536000, immutable" if same else "no-cache"
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = _packed(name), "gzip"
    return Response(body, media_type=_KINDS[name], headers=headers)
