"""/v1/mentions: taking mentions in, and finding them again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api import shapes
from api.parts import Parts
from api.problems import Refused
from api.security import Caller, PartsOf, Reader, Writer, known_parameters
from api.times import Moment
from resonance.errors import Invalid, NotFound, Problem
from resonance.matching import Matcher
from resonance.model import Delete, key_bytes, key_text, micros
from resonance.ports import Mode
from resonance.stores.audit import record
from resonance.stores.mentions import Found, MentionFilter, Order
from resonance.stores.rows import read_mention

ITEMS, BYTES = 5000, 8_000_000
_SCANNED, _SLICE = 5000, 200
_PROBED = 100
router = APIRouter(tags=["mentions"], dependencies=[Depends(known_parameters)])
Names = Annotated[list[str], Query()]


@router.post("/v1/mentions", status_code=202, summary="Take in mentions and events")
async def push_mentions(
    request: Request, response: Response, parts: PartsOf, caller: Writer, mode: Mode = "live"
) -> dict[str, Any]:
    """One event, a list, or NDJSON; at most 5,000 items or 8 MB. Good items are taken beside bad ones; 202 means: in the log."""
    refuse_overload(parts)
    items, broken = read_items(await read_body(request))
    source = "push" if mode == "live" else "import"
    receipt = await run_in_threadpool(parts.intake.take, [item for _, item in items], source=source, mode=mode)
    rejected = broken + [{"index": items[r.index][0], "problem": r.problem} for r in receipt.rejected]
    patience = re.search(r"wait=(\d+)", request.headers.get("prefer", ""))
    if patience:
        stored = await run_in_threadpool(parts.await_stored, min(float(patience[1]), 60.0))
        if stored:
            response.headers["Preference-Applied"] = f"wait={patience[1]}"
    rejected.sort(key=lambda item: item["index"])
    return {"accepted": receipt.accepted, "duplicate": receipt.duplicate, "rejected": rejected}


def refuse_overload(parts: Parts) -> None:
    """Raises Refused where there is no room, or processing is behind."""
    if parts.free_disk_mb() < parts.least_disk_mb:
        raise Refused("full", "the disk is nearly full; nothing was taken")
    backlog = parts.backlog()
    if backlog.seconds > parts.backlog_seconds or backlog.envelopes > parts.backlog_envelopes:
        pause = max(1, math.ceil(min(backlog.seconds, 30)))
        raise Refused("too-many", "processing is behind; nothing was taken", headers={"Retry-After": str(pause)})


async def read_body(request: Request) -> bytes:
    """The whole body; raises Refused for more than 8 MB."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BYTES:
            raise Refused("too-large", f"at most {BYTES:,} bytes at once")
    return bytes(body)


def read_items(body: bytes) -> tuple[list[tuple[int, Any]], list[dict[str, Any]]]:
    """(index, value) of what can be read, and what is broken: a JSON document, or one a line. Raises Refused for more
    than 5,000."""
    stripped = body.strip()
    if not stripped:
        raise Refused("malformed", "the body is empty")
    try:
        pieces = _pieces(stripped)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        pieces = [line for line in stripped.split(b"\n") if line.strip()]
        # An array that breaks off is not a list of lines, and neither is one line.
        if len(pieces) == 1 or not any(map(_readable, pieces[:_PROBED])):
            raise Refused("malformed", f"the body is no JSON: {error}") from None
    if len(pieces) > ITEMS:
        raise Refused("too-large", f"at most {ITEMS:,} items at once")
    return _each(pieces)


def _pieces(document: bytes) -> list[bytes]:
    """The items of an array, or the one document, each still unread: what is wrong with one is its own affair."""
    if document.startswith(b"["):
        try:
            return [bytes(raw) for raw in msgspec.json.decode(document, type=list[msgspec.Raw])]
        except msgspec.DecodeError:
            # One string with half a surrogate pair must not cost the whole list: the standard library reads on.
            return [json.dumps(value).encode() for value in _lenient(document)]
    msgspec.json.decode(document)
    return [document]


def _lenient(document: bytes) -> list[Any]:
    try:
        found: list[Any] = json.loads(document.decode())
    except ValueError as error:
        # Also a number of more digits than the standard library reads.
        raise msgspec.DecodeError(str(error)) from None
    return found


def _readable(piece: bytes) -> bool:
    try:
        msgspec.json.decode(piece)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _each(pieces: Sequence[bytes]) -> tuple[list[tuple[int, Any]], list[dict[str, Any]]]:
    items: list[tuple[int, Any]] = []
    broken: list[dict[str, Any]] = []
    for index, piece in enumerate(pieces):
        try:
            items.append((index, msgspec.json.decode(piece)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            broken.append({"index": index, "problem": f"is no JSON: {error}"})
    return items, broken


# ---- finding ------------------------------------------------------------------------------------------------


def _filter(
    topic: Names = [],  # noqa: B006 - FastAPI copies defaults
    q: str | None = None,
    platform: Names = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    label: Names = [],  # noqa: B006
    kind: Names = [],  # noqa: B006
    community: Names = [],  # noqa: B006
    author: Names = [],  # noqa: B006
    voice: Names = [],  # noqa: B006
    department: Names = [],  # noqa: B006
    source: Names = [],  # noqa: B006
    site: Names = [],  # noqa: B006
    reach_min: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    start: Moment | None = None,
    end: Moment | None = None,
    order: Order = "newest",
) -> MentionFilter:
    if start and end and end <= start:
        raise Invalid([Problem("must be after start", "end", "range")])
    lists = {name: tuple(values) for name, values in locals().items() if isinstance(values, list)}
    return MentionFilter(q=q, reach_min=reach_min, start=_at(start), end=_at(end), order=order, **lists)


def _at(moment: datetime | None) -> int | None:
    return micros(moment) if moment else None


@router.get("/v1/mentions", summary="Find mentions")
def list_mentions(
    parts: PartsOf,
    caller: Reader,
    chosen: Annotated[MentionFilter, Depends(_filter)],
    id: str | None = None,
    query: Annotated[str | None, Query(description="our query language, matched against stored mentions")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Any:
    """Repeated parameters are OR, different ones AND. With `id`: that one mention. `query` looks at up to 5,000 stored
    mentions a request and says in `scanned` at how many it did; `next` goes on. `order=resonance` is by time until
    mentions have a resonance."""
    if id is not None:
        return _shown(parts.mentions.get_by_id(id, caller.scope), parts)
    _check_topics(parts, caller, chosen.topic)
    if query is None:
        page = parts.mentions.page(chosen, caller.scope, limit=limit, cursor=cursor)
        return {"items": [_shown(item, parts) for item in page.items], "next": page.next}
    found, following, scanned = _matched(parts, caller, chosen, query, limit, cursor)
    return {"items": [_shown(item, parts) for item in found], "next": following, "scanned": scanned}


def _shown(found: Found, parts: Parts) -> dict[str, Any]:
    return shapes.mention(found, pseudonymous=parts.pseudonymous)


def _check_topics(parts: Parts, caller: Caller, topics: tuple[str, ...]) -> None:
    if topics:
        caller.topics(topics, frozenset(item.entry.id for item in parts.entries.list("topic")))


def _matched(
    parts: Parts, caller: Caller, chosen: MentionFilter, query: str, limit: int, cursor: str | None
) -> tuple[list[Found], str | None, int]:
    """Candidates page by page until enough match; at most 5,000 are looked at per request. How many were, stands beside
    them: a page may be empty although `next` goes on."""
    matcher = Matcher.compile({"query": query})
    found: list[Found] = []
    scanned = 0
    while scanned < _SCANNED and len(found) < limit:
        page = parts.mentions.page(chosen, caller.scope, limit=_SLICE, cursor=cursor)
        for item in page.items:
            scanned += 1
            if matcher.match(read_mention(item.row, None), language=item.row["language"]):
                found.append(item)
            if len(found) == limit:
                # The next page begins after the last that is given; where it is the very last, there is none.
                last = item is page.items[-1] and page.next is None
                return found, None if last else parts.mentions.cursor_after(chosen, item), scanned
        cursor = page.next
        if cursor is None:
            break
    return found, cursor, scanned


@router.get("/v1/mentions/{key}", summary="One mention, and why it matched")
def get_mention(key: str, parts: PartsOf, caller: Reader) -> dict[str, Any]:
    """With topics, spans, sentiment and reach."""
    return shapes.mention(parts.mentions.get(_key(key), caller.scope), pseudonymous=parts.pseudonymous)


@router.delete("/v1/mentions/{key}", status_code=202, summary="Delete a mention")
def delete_mention(key: str, parts: PartsOf, caller: Writer) -> dict[str, Any]:
    """It is gone for good; the deletion travels through the log like any other."""
    return _delete(parts.mentions.get(_key(key), caller.scope), parts, caller)


@router.delete("/v1/mentions", status_code=202, summary="Delete a mention by its id")
def delete_mention_by_id(id: str, parts: PartsOf, caller: Writer) -> dict[str, Any]:
    """The same, for those who know the id and not the key."""
    return _delete(parts.mentions.get_by_id(id, caller.scope), parts, caller)


def _delete(found: Found, parts: Parts, caller: Caller) -> dict[str, Any]:
    # It vanishes from every topic that it matched.
    caller.require_everything()
    now = parts.clock.now()
    with parts.database.write() as connection:
        # Before the event: of a deletion that nobody wrote down nobody could tell who it was.
        record(connection, caller.actor, "delete", f"mention:{key_text(found.row['key'])}", now)
    parts.sink.write([Delete(id=found.row["id"], observed_at=now)], source="api")
    return {"accepted": 1}


def _key(text: str) -> bytes:
    try:
        return key_bytes(text)
    except ValueError:
        raise NotFound("there is no such mention") from None
