"""/v1/hooks: mentions that are pushed with a signature in place of a key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.parts import Parts
from api.problems import Refused
from api.routes.mentions import read_body, read_items, refuse_overload
from api.security import PartsOf, known_parameters
from api.signatures import Signed
from resonance.catalogue import Source
from resonance.errors import NotFound
from resonance.model import micros
from resonance.ports import Receipt

router = APIRouter(tags=["mentions"], dependencies=[Depends(known_parameters)])
_KIND = "hook"


@router.post("/v1/hooks/{source}", status_code=202, summary="Take in mentions and events, signed")
async def push_hook(source: str, request: Request, parts: PartsOf) -> dict[str, Any]:
    """One event, a list, or NDJSON, as to `/v1/mentions`, signed as Standard Webhooks says: `webhook-id`,
    `webhook-timestamp` (± 5 min), `webhook-signature` over id.timestamp.body. 401: the signature, its time or a header is
    wrong; 409: the same signed message came before. A new attempt carries a new time."""
    configured = await run_in_threadpool(_configured, source, parts)
    signed = Signed(request.headers, parts.real() / 1e6)
    body = await read_body(request)
    signed.verify(body, await run_in_threadpool(parts.secret, configured.options["secret"]))
    refuse_overload(parts)
    items, broken = read_items(body)
    receipt = await run_in_threadpool(_once, configured, signed, [item for _, item in items], len(broken), parts)
    rejected = broken + [{"index": items[r.index][0], "problem": r.problem} for r in receipt.rejected]
    rejected.sort(key=lambda item: item["index"])
    return {"accepted": receipt.accepted, "duplicate": receipt.duplicate, "rejected": rejected}


def _configured(name: str, parts: Parts) -> Source:
    try:
        found: Source = parts.entries.get("source", name).entry
    except NotFound:
        raise NotFound(f"there is no source {name!r}") from None
    if found.kind != _KIND:
        raise NotFound(f"there is no source {name!r}")
    return found


def _once(source: Source, signed: Signed, items: list[Any], broken: int, parts: Parts) -> Receipt:
    """Log the items of a message that did not come before; it counts as come only once they are in the log."""
    actor = f"hook:{source.id}"
    at = datetime.fromtimestamp(parts.real() / 1e6, UTC)
    if parts.idempotency.claim(signed.name, actor, "", at) is not None:
        raise Refused(
            "conflict", f"the message {signed.id!r} of this time came before; sign a new attempt with a new time"
        )
    try:
        receipt = parts.intake.take(items, source=source.id, mode="live")
    except BaseException:
        parts.idempotency.release(signed.name, actor)
        raise
    parts.idempotency.keep(signed.name, actor, 202, "")
    counters = {"events": receipt.accepted, "rejected": len(receipt.rejected) + broken, "duplicates": receipt.duplicate}
    parts.states.pushed(source.id, micros(parts.clock.now()), {name: n for name, n in counters.items() if n})
    return receipt
