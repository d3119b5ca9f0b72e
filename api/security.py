"""Who asks: a key, or somebody on this machine. Scope and Actor of every request come from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request

from api.parts import Parts
from api.problems import Refused
from resonance.access import EVERYTHING, Actor, Scope
from resonance.errors import NotFound, Problem
from resonance.stores.access_keys import Permission

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_NAMES = {"127.0.0.1", "localhost", "[::1]", "::1"}
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Caller:
    """Who asks, what they may see, what they may do."""

    actor: Actor
    scope: Scope
    permissions: frozenset[str]

    def require(self, permission: Permission) -> None:
        """Refuse what is not allowed; admin may all, write may read."""
        if self.permissions & {permission, "admin"} or (permission == "read" and "write" in self.permissions):
            return
        raise Refused("forbidden", f"the permission {permission!r} is needed")

    def require_everything(self) -> None:
        """Refuse a caller who is bound to topics: what is asked for touches the others, too."""
        if self.scope.topics is not None:
            raise Refused("forbidden", "this key is bound to topics and may not do that")

    def require_topics(self, topics: Iterable[str]) -> None:
        """Refuse a change that reaches beyond the caller's topics ("*" is every topic)."""
        if not all(self.scope.sees(name) for name in topics):
            self.require_everything()

    def topics(self, chosen: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
        """The topics asked for; NotFound for one that is not there, or not to be seen."""
        for name in chosen:
            if name not in known or not self.scope.sees(name):
                raise NotFound(f"there is no topic {name!r}")
        return chosen


def parts(request: Request) -> Parts:
    """What the app was made with."""
    found: Parts = request.app.state.parts
    return found


def caller(request: Request) -> Caller:
    """Authenticate the request."""
    made = parts(request)
    _check_origin(request, made)
    presented = request.headers.get("x-api-key") or _bearer(request)
    if presented:
        key = made.keys.authenticate(presented, made.clock.now())
        if key is None:
            raise Refused("unauthenticated", "this key is unknown or revoked", headers={"WWW-Authenticate": "Bearer"})
        return Caller(key.actor, key.scope, frozenset(key.permissions))
    host = request.client.host if request.client else ""
    if made.open_everywhere or (made.open_loopback and host in _LOOPBACK):
        return Caller(Actor("user", "local"), EVERYTHING, frozenset({"admin"}))
    raise Refused("unauthenticated", "send X-API-Key or a Bearer token", headers={"WWW-Authenticate": "Bearer"})


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _check_origin(request: Request, made: Parts) -> None:
    """A page of another site must not change anything through the browser of somebody who sits here; nor may it read
    anything, by having its own name point to this machine."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    # "null" is the origin of a sandboxed frame, which any site can make.
    if request.method in _CHANGING and origin is not None and (not host or urlsplit(origin).netloc != host):
        raise Refused("forbidden", "the request comes from another site")
    keyed = request.headers.get("x-api-key") or request.headers.get("authorization")
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    if not keyed and not made.open_everywhere and name.lower() not in _NAMES:
        raise Refused("forbidden", f"the host {host!r} is not this machine")


def allowed(permission: Permission) -> Callable[[Request], Caller]:
    """A dependency: a caller who may do this."""

    def check(request: Request) -> Caller:
        found = caller(request)
        found.require(permission)
        return found

    return check


def known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not know: a misspelt filter must not show everything."""
    route: Any = request.scope.get("route")
    if route is None or not hasattr(route, "dependant"):
        return
    known = {field.alias for field in _query_fields(route.dependant)}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        problems = [
            Problem(f"unknown; known are {', '.join(sorted(known)) or 'none'}", name, "unknown") for name in unknown
        ]
        raise Refused("invalid", f"unknown parameters: {', '.join(unknown)}", errors=problems)


def _query_fields(dependant: Any) -> list[Any]:
    found = list(dependant.query_params)
    for inner in dependant.dependencies:
        found += _query_fields(inner)
    return found


PartsOf = Annotated[Parts, Depends(parts)]
Reader = Annotated[Caller, Depends(allowed("read"))]
Writer = Annotated[Caller, Depends(allowed("write"))]
Admin = Annotated[Caller, Depends(allowed("admin"))]
