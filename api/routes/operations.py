"""/v1/sources, dead letters, jobs, authors, health, metrics: for those who run it; and what is not offered yet."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse

from api import shapes
from api.problems import Refused
from api.repeats import Repeatable
from api.security import Admin, PartsOf, Reader, Writer, known_parameters
from api.sources import sources
from resonance.errors import Conflict, Invalid, NotFound, Problem, ResonanceError
from resonance.ports import Mode
from resonance.stores import schema
from resonance.stores.audit import record
from resonance.stores.mentions import read_cursor, write_cursor

router = APIRouter(route_class=Repeatable, dependencies=[Depends(known_parameters)])
later = APIRouter()
"""What is not offered yet; it takes any parameter, for the same reason."""
_LAG = 60.0
Number = Annotated[int, Path(ge=1, le=2**53)]


class _Letters(msgspec.Struct, frozen=True):
    state: str


@router.get("/v1/sources", tags=["operations"], summary="Sources: connected, lag, gaps, rejected")
def list_sources(parts: PartsOf, caller: Reader) -> dict[str, Any]:
    """Configured sources with what is known of each."""
    return {"items": sources(parts), "next": None}


@router.get("/v1/dead-letters", tags=["operations"], summary="What could not be taken")
def list_dead_letters(
    parts: PartsOf,
    caller: Admin,
    state: Literal["open", "retried"] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """The newest first, each with its reason."""
    caller.require_everything()
    letter = schema.dead_letter.c
    chosen = _Letters(state)
    query = sa.select(schema.dead_letter).where(letter.state == state).order_by(letter.id.desc()).limit(limit + 1)
    if cursor:
        query = query.where(letter.id < read_cursor(cursor, chosen)[1])
    with parts.database.read() as connection:
        rows = connection.execute(query).mappings().all()
    items = [
        {
            "id": row["id"],
            "at": shapes.time_text(row["at"]),
            "source": row["source"],
            "reason": row["reason"],
            "problem": row["problem"],
            "payload": bytes(row["payload"]).decode("utf-8", "replace"),
        }
        for row in rows[:limit]
    ]
    return {"items": items, "next": write_cursor(chosen, 0, rows[limit - 1]["id"]) if len(rows) > limit else None}


@router.post("/v1/dead-letters/{number}/retry", tags=["operations"], status_code=202, summary="Try one again")
def retry_dead_letter(number: Number, parts: PartsOf, caller: Admin) -> dict[str, Any]:
    """It goes through the front door; what is still wrong with it is the answer. What was imported notifies nobody."""
    caller.require_everything()
    letter = schema.dead_letter
    with parts.database.read() as connection:
        row = connection.execute(sa.select(letter).where(letter.c.id == number)).mappings().first()
    if row is None:
        raise NotFound(f"there is no dead letter {number}")
    if row["state"] != "open":
        raise Conflict(f"the dead letter {number} is {row['state']} already")
    try:
        item = msgspec.json.decode(bytes(row["payload"]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid([Problem(f"is still no JSON: {error}", "/payload", "syntax")]) from None
    mode: Mode = "backfill" if row["source"] == "import" else "live"
    receipt = parts.intake.take([item], source=row["source"], mode=mode)
    if receipt.rejected:
        raise Invalid(receipt.rejected[0].problems)
    with parts.database.write() as connection:
        connection.execute(sa.update(letter).where(letter.c.id == number).values(state="retried"))
        record(connection, caller.actor, "retry", f"dead_letter:{number}", parts.clock.now())
    return {"accepted": receipt.accepted}


@router.get("/v1/jobs/{name}", tags=["operations"], summary="How a job is doing")
def get_job(name: str, parts: PartsOf, caller: Reader) -> dict[str, Any]:
    """Its state and progress (0 to 1)."""
    return shapes.job(parts.jobs.get(name, caller.scope))


@router.delete("/v1/jobs/{name}", tags=["operations"], summary="Cancel a job")
def cancel_job(name: str, parts: PartsOf, caller: Writer) -> dict[str, Any]:
    """What it did so far stays."""
    parts.jobs.cancel(name, actor=caller.actor, at=parts.clock.now(), scope=caller.scope)
    return shapes.job(parts.jobs.get(name))


@router.delete("/v1/authors/{author_key}", tags=["operations"], status_code=202, summary="Erase an author")
def erase_author(author_key: str, response: Response, parts: PartsOf, caller: Admin) -> dict[str, Any]:
    """For good, with a receipt: the job's result."""
    caller.require_everything()
    if len(author_key) != 32 or any(c not in "0123456789abcdef" for c in author_key):
        raise Invalid([Problem("is 32 hexadecimal digits", "author_key", "key")])
    number = parts.jobs.create("erase", {"author_key": author_key}, actor=caller.actor, at=parts.clock.now())
    response.headers["Location"] = f"/v1/jobs/{number}"
    return shapes.job(parts.jobs.get(number))


@router.get("/health/live", tags=["health"], summary="Does this process answer?")
def live() -> dict[str, str]:
    """It does."""
    return {"status": "live"}


@router.get("/health/ready", tags=["health"], summary="Can work be sent here?")
def ready(parts: PartsOf) -> JSONResponse:
    """503 when processing lags more than 60 s, the store cannot be written, or a migration waits; the body says which."""
    problems = []
    lag: float | None = None
    try:
        lag = parts.backlog().seconds
        if lag > _LAG:
            problems.append(f"processing lags {lag:.0f} s")
    except (ResonanceError, sa.exc.SQLAlchemyError) as error:
        problems.append(f"how far processing is behind cannot be told: {error}")
    try:
        # A row that really changes: on a full disk a transaction that writes nothing succeeds.
        parts.database.set_meta("asked_whether_ready", str(time.time_ns()))
        if parts.pending():
            problems.append("a migration waits")
    except (ResonanceError, sa.exc.SQLAlchemyError) as error:
        problems.append(f"the store cannot be written: {error}")
    body = {"status": "ready" if not problems else "not ready", "lag_s": lag, "problems": problems}
    return JSONResponse(body, 200 if not problems else 503)


@router.get("/metrics", tags=["health"], summary="Prometheus", response_class=Response)
def metrics(parts: PartsOf) -> Response:
    """Of all processes of this machine."""
    return Response(parts.metrics(), media_type="text/plain; version=0.0.4")


def _later(method: str, path: str, name: str) -> None:
    def refuse(caller: Reader) -> None:
        raise Refused("not-yet", f"{method} {path} is not offered yet")

    later.add_api_route(
        path, refuse, methods=[method], name=name, status_code=501, tags=["later"], summary="Not offered yet"
    )


for _method, _path, _name in (
    ("POST", "/v1/rules/backtest", "backtest_rule"),
    ("GET", "/v1/topics/{topic}/drivers", "topic_drivers"),
    ("GET", "/v1/topics/{topic}/environments", "topic_environments"),
):
    _later(_method, _path, _name)
