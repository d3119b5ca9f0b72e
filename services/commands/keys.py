"""`resonance keys`: API keys. A secret is shown once and never stored."""

from __future__ import annotations

import sys
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from resonance.access import Actor
from resonance.errors import Invalid, Problem
from resonance.stores.access_keys import AccessKeys, Permission
from services.build import Installation
from services.commands.run import Config, Data
from services.opening import installation

console = Console(stderr=True)
_ACTOR = Actor("user", "command line")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)
    keys.command("create")(create)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def _open(config: Config, data: Data) -> tuple[Installation, AccessKeys]:
    machine = installation(config, data)
    machine.prepare()
    return machine, AccessKeys(machine.database)


def create(
    name: Annotated[str, typer.Argument(help="What the key is for")],
    permission: Annotated[
        list[str] | None, typer.Option("--permission", help="read, write or admin; may be repeated")
    ] = None,
    topic: Annotated[list[str] | None, typer.Option("--topic", help="Only this topic; may be repeated")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a key and print it: this is the only time that it is shown."""
    wanted = permission or ["read"]
    unknown = [word for word in wanted if word not in get_args(Permission)]
    if unknown:
        raise Invalid(
            [Problem(f"{word!r} is none of read, write, admin", "--permission", "unknown") for word in unknown]
        )
    machine, keys = _open(config, data)
    permissions: list[Permission] = [word for word in get_args(Permission) if word in wanted]
    sys.stdout.write(keys.create(name, permissions, topics=topic, actor=_ACTOR, at=machine.clock.now()) + "\n")


def list_keys(config: Config = None, data: Data = None) -> None:
    """All keys, without their secrets."""
    _, keys = _open(config, data)
    table = Table("id", "name", "permissions", "topics", "made", "last used", "revoked")
    for key in keys.list():
        topics = "all" if key.topics is None else ", ".join(key.topics)
        table.add_row(
            key.id,
            key.name,
            " ".join(key.permissions),
            topics,
            f"{key.created_at:%Y-%m-%d}",
            f"{key.used_at:%Y-%m-%d %H:%M}" if key.used_at else "never",
            "yes" if key.revoked else "",
        )
    Console().print(table)


def revoke(
    number: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it")],
    config: Config = None,
    data: Data = None,
) -> None:
    """From now on nobody gets in with it."""
    machine, keys = _open(config, data)
    keys.revoke(number, actor=_ACTOR, at=machine.clock.now())
    console.print(f"{number} is revoked")
