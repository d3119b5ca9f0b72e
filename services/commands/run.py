"""`resonance up` and `resonance check`."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from resonance.errors import Invalid
from services import logs
from services.build import Machine
from services.folder import Running
from services.settings import load
from services.supervisor import Assignment, Supervisor, check_port, children, config_path, stop_on_signals

console = Console(stderr=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration in TOML; see deploy/resonance.example.toml")
]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the store and the log (default: data)")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(check)


def up(
    config: Config = None,
    data: Data = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (default 127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on (default 8000)")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="A fictional company: 28 days, then one afternoon")] = False,
    seed: Annotated[int, typer.Option("--seed", help="The demo's seed: another seed is another story")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="The demo without the crisis")] = False,
    speed: Annotated[float, typer.Option("--speed", min=0.1, help="The demo's afternoon, times real speed")] = 60.0,
) -> None:
    """Run everything on this machine: embedded store and log, no Kafka. Ctrl-C stops it and loses nothing."""
    logs.set_up("info", process="up")
    stop = threading.Event()
    given = {"host": host, "port": port}
    chosen = {name: value for name, value in given.items() if value is not None}
    run = _demo(config, data, chosen, stop, seed, quiet, speed) if demo else _run(config, data, chosen, stop)
    console.print("stopped; nothing is lost")
    sys.exit(run)


def _demo(
    config: Path | None,
    data: Path | None,
    web: dict[str, Any],
    stop: threading.Event,
    seed: int,
    quiet: bool,
    speed: float,
) -> int:
    """One story, or two where the configuration is ours, until told to stop; returns an exit code."""
    from services import demonstration
    from services.stories import Stories, Story, tell

    told: dict[str, Any] = {"seed": seed, "speed": speed}
    ours, (config, data) = config is None, demonstration.folder(config, data, seed=seed, quiet=quiet)
    if quiet or not ours:
        prepare = partial(demonstration.prepare, **told, quiet=quiet, console=console)
        return _run(config, data, web, stop, prepare)
    stories = Stories(data)

    def place(story: Story) -> tuple[Path, Path]:
        return demonstration.folder(None, stories.folder(story), seed=seed, quiet=story == "quiet")

    def load_history(story: Story) -> None:
        machine = Machine.open(*place(story))
        lock = machine.folder.lock()
        demonstration.load(machine, **told, quiet=story == "quiet", console=Console(quiet=True))
        machine.close()
        os.close(lock)

    def play(story: Story, leave: threading.Event) -> int:
        prepare = partial(demonstration.prepare, **told, quiet=story == "quiet", console=console)
        return _run(*place(story), web, stop, prepare, leave, stories.base)

    return tell(stories, load_history, play, stop)


def _run(
    config: Path | None,
    data: Path | None,
    chosen: dict[str, Any],
    stop: threading.Event,
    prepare: Callable[[Machine], None] = Machine.prepare,
    leave: threading.Event | None = None,
    stories: Path | None = None,
) -> int:
    """One installation until told to stop, or to leave it; returns an exit code."""
    configuration = load(config, data=data, web=chosen or None)
    web = configuration.settings.web
    machine = Machine.open(config, data)
    lock = machine.folder.lock()
    check_port(web.host, web.port)
    prepare(machine)
    from services.webserver import check_exposure

    check_exposure(machine, web.host)
    url = web.url or f"http://{'127.0.0.1' if web.host in ('0.0.0.0', '::') else web.host}:{web.port}"
    folder = machine.folder
    shutil.rmtree(folder.metrics, ignore_errors=True)
    folder.metrics.mkdir()
    folder.announce(Running(os.getpid(), url))
    machine.close()
    stop_on_signals(stop)
    console.print(f"[bold]Resonance[/] at {url}  (data in {folder.path}; Ctrl-C stops)")

    def assignment(life: int) -> Assignment:
        return Assignment(
            config=config_path(config),
            data=str(folder.path),
            host=web.host,
            port=web.port,
            lock=lock,
            life=life,
            url=url,
            stories=None if stories is None else str(stories),
        )

    supervisor = Supervisor(children(), assignment, {"PROMETHEUS_MULTIPROC_DIR": str(folder.metrics)}, leave or stop)
    code = supervisor.run()
    folder.announce(None)
    os.close(lock)
    return code


def check(config: Config = None) -> None:
    """Name every mistake of the configuration and the catalogue at once; exit 2 if there is any."""
    try:
        configuration = load(config)
    except Invalid as error:
        for problem in error.problems:
            console.print("[red]✗[/] " + escape(str(problem)), highlight=False)
        raise typer.Exit(2) from None
    seed = configuration.seed
    console.print(
        f"[green]✓[/] {len(seed.topics)} topics, {len(seed.rules)} rules, {len(seed.departments)} departments, "
        f"{len(seed.channels)} channels, {len(seed.sources)} sources"
    )
