"""/v1/topics, /v1/rules, /v1/departments, /v1/channels: the catalogue, with ETag and If-Match."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from msgspec import structs

from api import shapes
from api.parts import Parts
from api.problems import Refused
from api.repeats import Repeatable
from api.security import Caller, PartsOf, Reader, Writer, known_parameters
from resonance.catalogue import Catalogue, Rule, Topic, entry_id, read_entry
from resonance.catalogue_check import check_channel, check_department, check_rule, check_topic
from resonance.errors import Conflict, Invalid, NotFound, Problem
from resonance.stores.entries import Stored

router = APIRouter(route_class=Repeatable, dependencies=[Depends(known_parameters)])
Plain = Annotated[dict[str, Any], Body()]
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_STAND_IN: dict[str, dict[str, Any]] = {
    "rule": {"id": "new", "when": {"kind": "threshold"}},
    "topic": {"id": "new", "name": "new", "query": "new"},
    "department": {"id": "new", "name": "new"},
    "channel": {"id": "new", "kind": "log"},
}
"""What stands for the fields that cannot be read while the others are judged."""
_PATIENCE = 10.0
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
    """The entry; every mistake at once: fields, references, queries."""
    body = {name: value for name, value in body.items() if name not in ("revision", "version", "valid_from")}
    problems = list(_unfit(body, ""))
    if problems:
        raise Invalid(problems)
    try:
        entry = read_entry(kind, body)
    except Invalid as error:
        more = _mistakes_of_rest(kind, body, error, parts)
        raise Invalid(error.problems + more) from None
    problems = _mistakes(kind, entry, parts.entries.load())
    if problems:
        raise Invalid(problems)
    return entry


def _mistakes_of_rest(kind: str, body: dict[str, Any], error: Invalid, parts: Parts) -> list[Problem]:
    """What is wrong with the fields that can be read, so that nobody has to come twice."""
    wrong = {problem.pointer.split("/")[1] for problem in error.problems}
    rest = {name: value for name, value in body.items() if name not in wrong}
    try:
        entry = read_entry(kind, {**_STAND_IN[kind], **rest})
    except Invalid:
        return []
    return [problem for problem in _mistakes(kind, entry, parts.entries.load()) if problem.pointer[1:] in rest]


def _unfit(value: Any, pointer: str) -> Iterator[Problem]:
    """Characters that no store and no page can hold: NUL, and halves of surrogate pairs."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _unfit(name, pointer)
            yield from _unfit(inner, f"{pointer}/{name}".encode("utf-8", "replace").decode())
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unfit(inner, f"{pointer}/{number}")
    elif isinstance(value, str) and _UNFIT.search(value):
        yield Problem("holds a character that is none (NUL or half a surrogate pair)", pointer, "character")


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
    if not (number.isascii() and number.isdecimal() and len(number) < 18):
        raise Refused("changed", "the ETag is none of ours")
    return int(number)


def _list(kind: str, parts: Parts, caller: Caller) -> dict[str, Any]:
    seen = [item for item in parts.entries.list(kind) if _visible(item.entry, caller)]
    return {"items": [_shown(item) for item in seen], "next": None}


def _visible(entry: Any, caller: Caller) -> bool:
    """A topic of the caller's, a rule that watches one, and every department and channel."""
    if isinstance(entry, Topic):
        return caller.scope.sees(entry.id)
    if isinstance(entry, Rule):
        return "*" in entry.topics or any(map(caller.scope.sees, entry.topics))
    return True


def _require_reach(entry: Any, caller: Caller) -> None:
    """Refuse a change that reaches beyond the caller's topics."""
    if isinstance(entry, Topic):
        caller.require_topics([entry.id])
    elif isinstance(entry, Rule):
        caller.require_topics(entry.topics)
    else:
        caller.require_everything()


def _get(kind: str, name: str, parts: Parts, caller: Caller) -> Stored:
    found = parts.entries.get(kind, name)
    if not _visible(found.entry, caller):
        raise NotFound(f"there is no {kind} {name!r}")
    return found


def _replace(kind: str, name: str, body: dict[str, Any], if_match: str | None, parts: Parts, caller: Caller) -> Stored:
    _require_reach(_get(kind, name, parts, caller).entry, caller)
    entry = _read(kind, {**body, "id": body.get("id", name)}, parts)
    if entry_id(kind, entry) != name:
        raise Invalid([Problem("an id cannot be changed", "/id", "immutable")])
    _require_reach(entry, caller)
    return _put(kind, entry, _revision(if_match, needed=kind == "topic"), parts, caller)


def _put(kind: str, entry: Any, revision: int | None, parts: Parts, caller: Caller) -> Stored:
    try:
        return parts.entries.replace(kind, entry, revision=revision, actor=caller.actor, at=parts.clock.now())
    except Conflict as error:
        raise Refused("changed", str(error)) from error


def _create(kind: str, body: dict[str, Any], parts: Parts, caller: Caller) -> Stored:
    entry = _read(kind, body, parts)
    _require_reach(entry, caller)
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
    if purge:
        caller.require("admin")
    stored = _get("topic", name, parts, caller)
    if stored.entry.status != "archived":
        entry = structs.replace(stored.entry, status="archived")
        stored = _put("topic", entry, _revision(if_match, needed=False), parts, caller)
    if not purge:
        return _shown(stored, response)
    return _job(parts, caller, response, "purge", {"topic": name})


@router.post(
    "/v1/topics/{name}/backfill", tags=["topics"], status_code=202, summary="Match stored mentions with today's query"
)
def backfill_topic(
    name: str,
    response: Response,
    parts: PartsOf,
    caller: Writer,
    days: Annotated[int | None, Query(ge=1, le=4000)] = None,
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
    _require_reach(_get("rule", name, parts, caller).entry, caller)
    revision = _revision(if_match, needed=False)
    try:
        parts.entries.remove("rule", name, revision=revision, actor=caller.actor, at=parts.clock.now())
    except Conflict as error:
        raise Refused("changed", str(error)) from error


@router.post("/v1/channels/{name}/test", tags=["channels"], status_code=202, summary="Send a test message")
def test_channel(name: str, request: Request, parts: PartsOf, caller: Writer) -> dict[str, Any]:
    """The message goes the way of all notifications. With `Prefer: wait=5` (at most 10 s) the answer tells what became of it:
    `state` is sent, failed, or waiting (nobody has tried yet, or it will be tried again), `problem` what went wrong."""
    caller.require_everything()
    parts.entries.get("channel", name)
    trial = parts.trials.ask(name, actor=caller.actor, at=parts.clock.now(), real_at=parts.real())
    patience = re.search(r"wait=(\d{1,4})", request.headers.get("prefer", ""))
    if patience:
        trial = parts.trials.wait(trial, min(float(patience[1]), _PATIENCE), time.sleep)
    return {"accepted": 1, "id": trial.id, "state": trial.state, "problem": trial.problem}
