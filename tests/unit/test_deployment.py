"""What lies in deploy/ for other machines: its commands and settings are those of this program."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import typer

from services.cli import app
from services.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def refuse_unknown(words: list[str]) -> None:
    """Every word of a `resonance` command is a command, an option or an option's value."""
    command: click.Command = typer.main.get_command(app)
    while words and isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context("resonance", words, resilient_parsing=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_there_is(unit: Path) -> None:
    line = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    program, *words = line.removeprefix("ExecStart=").split()
    assert program.endswith("/resonance")
    refuse_unknown(words)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for unit in UNITS:
        text = re.sub(r"/opt/resonance/\S+/resonance", "/bin/true", unit.read_text())
        (tmp_path / unit.name.replace("@", "@1")).write_text(text.replace("User=resonance", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    named = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "resonance" in line]
    assert named == []


def test_compose_runs_commands_that_there_are() -> None:
    commands = [json.loads(found) for found in re.findall(r"command: (\[.*\])", COMPOSE)]
    assert {words[0] for words in commands} == {"streams", "ingest", "work", "serve", "notify"}
    for words in commands:
        refuse_unknown(words)


def test_compose_and_the_image_set_what_can_be_set() -> None:
    for name in set(re.findall(r"RESONANCE_([A-Z_]+):", COMPOSE)):
        section, _, rest = name.lower().partition("__")
        field = Settings.model_fields[section]
        assert not rest or rest in field.annotation.model_fields  # type: ignore[union-attr]
    entry = (DEPLOY / "Dockerfile").read_text().partition("CMD ")[2]
    refuse_unknown(json.loads(entry))
