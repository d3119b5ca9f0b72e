"""`resonance keys`: API keys. A secret is shown once and never stored."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from resonance.access import Actor
from services.build import Machine
from services.commands.run import Config, Data

console = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)
    keys.command("create")(create)
    keys.command("list")(list_)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def _rows(machine: Machine) -> object:
    from resonance.stores.access_keys import AccessKeys

    machine.prepare()
    return AccessKeys(machine.database)
