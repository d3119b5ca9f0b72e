"""/v1/topics, /v1/rules, /v1/departments, /v1/channels: the catalogue, with ETag and If-Match."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Body, Depends, Header, Query, Response
from msgspec import structs

from api import shapes
from api.parts import Parts
from api.problems import Refused
from api.security import Caller, PartsOf, Reader, Writer, known_parameters
from resonance.catalogue import Catalogue, Rule, Topic, entry_id, read_entry
from resonance.catalogue_check import check_channel, check_department, check_rule, check_topic
from resonance.errors import Conflict, Invalid, NotFound, Problem
from resonance.model import micros
from resonance.stores import schema
from resonance.stores.entries import Stored

router = APIRouter(dependencies=[Depends(known_parameters)])
Plain = Annotated[dict[str, Any], Body()]
IfMatch = Annotated[str | None, Header()]


def _mistakes(kind: str, entry: Any, catalogue: Catalogue) -> list[Problem]:
    checks: dict[str, Callable[[], list[Problem]]] = {
        "topic": lambda: check_topic(entry, catalogue),
        "rule": lambda: check_rule(entry, catalogue),
        "department": lambda: check_department(entry, catalogue),
        "channel": lambda: check_channel(entry),
    }
    return [structs.replace(p, pointer="/" + p.pointer.split(".")[-1]) for p in checks[kind]()]


def _read(kind: str, body: dict[str, Any], parts: Parts) -> Any:
    """The entry; every mistake at once."""
    body = {name: value for name, value in body.items() if name not in ("revision", "version", "valid_from")}
    entry = read_entry(kind, body)
    problems = _mistakes(kind, entry, parts.entries.load())
    if problems:
        raise Invalid(problems)
    return entry


def _shown(stored: Stored, response: Response | None = None) -> dict[str, Any]:
    if response is not None:
        response.headers["ETag"] = f'"{stored.revision}"'
    return {**shapes.entry(stored.entry), "revision": stored.revision}


def _revision(value: str | None, *, needed: bool) -> int | None:
    if value is None:
        if needed:
            raise Refused("condition-required", "send If-Match with the ETag that you read, or * to overwrite")
        return None
    if value.strip() == "*":
        return None
    number = value.strip().removeprefix("W/").strip('"')
    if not number.isdecimal():
        raise Refused("changed", "the ETag is none of ours")
    return int(number)


def _list(kind: str, parts: Parts, caller: Caller) -> dict[str, Any]:
    seen = [item for item in parts.entries.list(kind) if kind != "topic" or caller.scope.sees(item.entry.id)]
    return {"items": [_shown(item) for item in seen], "next": None}


def _get(kind: str, name: str, parts: Parts, caller: Caller) -> Stored:
    if kind == "topic" and not caller.scope.sees(name):
        raise NotFound(f"there is no topic {name!r}")
    return parts.entries.get(kind, name)


def _replace(kind: str, name: str, body: dict[str, Any], if_match: str | None, parts: Parts, caller: Caller) -> Stored:
    _get(kind, name, parts, caller)
    entry = _read(kind, {**body, "id": body.get("id", name)}, parts)
    if entry_id(kind, entry) != name:
        raise Invalid([Problem("an id cannot be changed", "/id", "immutable")])
    try:
        revision = _revision(if_match, needed=kind == "topic")
        return parts.entries.replace(kind, entry, revision=revision, actor=caller.actor, at=parts.clock.now())
    except Conflict as error:
        raise Refused("changed", str(error)) from error


def _create(kind: str, body: dict[str, Any], parts: Parts, caller: Caller) -> Stored:
    entry = _read(kind, body, parts)
    if isinstance(entry, Topic) and not caller.scope.sees(entry.id):
        raise Refused("forbidden", "this key may not make that topic")
    return parts.entries.create(kind, entry, actor=caller.actor, at=parts.clock.now())


def _routes(kind: str, plural: str) -> None:
    """List, get, create, replace of one kind of entry."""

    def listing(parts: PartsOf, caller: Reader) -> dict[str, Any]:
        return _list(kind, parts, caller)

    def getting(name: str, response: Response, parts: PartsOf, caller: Reader) -> dict[str, Any]:
        return _shown(_get(kind, name, parts, caller), response)

    def creating(body: Plain, response: Response, parts: PartsOf, caller: Writer) -> dict[str, Any]:
        stored = _create(kind, body, parts, caller)
        response.headers["Location"] = f"/v1/{plural}/{entry_id(kind, stored.entry)}"
        return _shown(stored, response)

    def replacing(
        name: str, body: Plain, response: Response, parts: PartsOf, caller: Writer, if_match: IfMatch = None
    ) -> dict[str, Any]:
        return _shown(_replace(kind, name, body, if_match, parts, caller), response)

    path, one = f"/v1/{plural}", f"/v1/{plural}/{{name}}"
    tags: list[Any] = [plural]
    router.get(path, tags=tags, name=f"list_{plural}", summary=f"All {plural}")(listing)
    router.get(one, tags=tags, name=f"get_{kind}", summary=f"One {kind}, with its ETag")(getting)
    router.post(path, tags=tags, name=f"create_{kind}", summary=f"Make a {kind}", status_code=201)(creating)
    router.put(one, tags=tags, name=f"replace_{kind}", summary=f"Change a {kind} (If-Match)")(replacing)


for _kind, _plural in (("topic", "topics"), ("rule", "rules"), ("department", "departments"), ("channel", "channels")):
    _routes(_kind, _plural)


@router.delete("/v1/topics/{name}", tags=["topics"], summary="Archive a topic, or purge it")
def archive_topic(
    name: str,
    response: Response,
    parts: PartsOf,
    caller: Writer,
    purge: Annotated[bool, Query()] = False,
    if_match: IfMatch = None,
) -> Any:
    """Archived: it is no longer matched, its numbers stay. With `purge=true` a job removes everything."""
    stored = _get("topic", name, parts, caller)
    if stored.entry.status != "archived":
        entry = structs.replace(stored.entry, status="archived")
        revision = _revision(if_match, needed=False)
        stored = parts.entries.replace("topic", entry, revision=revision, actor=caller.actor, at=parts.clock.now())
    if not purge:
        return _shown(stored, response)
    caller.require("admin")
    return _job(parts, caller, response, "purge", {"topic": name})


@router.post(
    "/v1/topics/{name}/backfill", tags=["topics"], status_code=202, summary="Match stored mentions with today's query"
)
def backfill_topic(
    name: str, response: Response, parts: PartsOf, caller: Writer, days: Annotated[int | None, Query(ge=1)] = None
) -> dict[str, Any]:
    """A job; it never notifies. Only what is stored can be found."""
    _get("topic", name, parts, caller)
    return _job(parts, caller, response, "backfill", {"topic": name, "days": days})


def _job(parts: Parts, caller: Caller, response: Response, kind: Any, request: dict[str, Any]) -> dict[str, Any]:
    number = parts.jobs.create(kind, request, actor=caller.actor, at=parts.clock.now())
    response.status_code = 202
    response.headers["Location"] = f"/v1/jobs/{number}"
    return shapes.job(parts.jobs.get(number))


@router.delete("/v1/rules/{name}", tags=["rules"], status_code=204, summary="Remove a rule")
def remove_rule(name: str, parts: PartsOf, caller: Writer, if_match: IfMatch = None) -> None:
    """Its open incidents are resolved."""
    found = parts.entries.get("rule", name)
    assert isinstance(found.entry, Rule)
    revision = _revision(if_match, needed=False)
    parts.entries.remove("rule", name, revision=revision, actor=caller.actor, at=parts.clock.now())


@router.post("/v1/channels/{name}/test", tags=["channels"], status_code=202, summary="Send a test message")
def test_channel(name: str, parts: PartsOf, caller: Writer) -> dict[str, Any]:
    """The message goes the way of all notifications."""
    parts.entries.get("channel", name)
    now = parts.clock.now()
    key = uuid.uuid4().hex
    row = {
        "idempotency_key": key,
        "channel": name,
        "grouping": f"test-{key}",
        "alert": f"test-{key}",
        "kind": "test",
        "at": micros(now),
        "real_at": micros(now),
        "values": msgspec.json.encode({"rule": "test"}).decode(),
    }
    with parts.database.write() as connection:
        connection.execute(sa.insert(schema.outbox), row)
    return {"accepted": 1}
