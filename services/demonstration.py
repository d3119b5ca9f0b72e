"""`resonance up --demo`: a fictional company in a data folder of its own, with simulated time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.demo.company import catalogue_toml
from ingest.demo.generator import Demo, generate
from ingest.sources.demo import AFTERNOON
from resonance.clock import ManualClock, Pace
from resonance.update import Position
from services.build import Machine

_BATCH = 500


def folder(config: Path | None, data: Path | None, *, seed: int, quiet: bool) -> tuple[Path, Path]:
    """The demo's own data folder, with the fictional company's configuration in it."""
    chosen = data or Path("data") / f"demo-{seed}{'-quiet' if quiet else ''}"
    chosen.mkdir(parents=True, exist_ok=True)
    file = chosen / "resonance.toml"
    if config is None and not file.exists():
        # The source is the catalogue's last table.
        options = f"options = {{ seed = {seed}, quiet = {str(quiet).lower()} }}\n"
        file.write_text(catalogue_toml() + options, "utf-8")
    return config or file, chosen


def prepare(machine: Machine, *, seed: int, quiet: bool, speed: float, console: Console) -> None:
    """Load the history where it is not there yet, and set simulated time going: at the afternoon's start, or where a
    stopped demo was."""
    now = datetime.now(UTC)
    pace = machine.folder.pace()
    if pace is not None:
        machine.prepare()
        machine.folder.keep_pace(pace.resumed(pace.at(pace.origin), now))
        console.print(f"the demo goes on at {pace.start:%d.%m.%Y %H:%M} UTC")
        return
    demo = generate(seed, quiet=quiet)
    start = demo.truth.afternoon_at
    end = start + AFTERNOON
    load_history(machine, demo, console)
    machine.folder.keep_pace(Pace(origin=datetime.now(UTC), start=start, end=end, speed=speed))
    machine.__dict__.pop("clock", None)


def load_history(machine: Machine, demo: Demo, console: Console) -> None:
    """Process 28 days as a backfill: they teach, they do not notify."""
    machine.__dict__["clock"] = ManualClock(demo.truth.afternoon_at)
    machine.prepare()
    history = list(demo.history)
    lanes = machine.lanes(alone=True)
    started = time.monotonic()
    columns = (TextColumn("28 days of history"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("history", total=len(history))
        for first in range(0, len(history), _BATCH):
            machine.sink.write(history[first : first + _BATCH], source="demo", mode="backfill")
            for lane in lanes:
                while lane.step():
                    pass
            bar.update(task, completed=min(first + _BATCH, len(history)))
    console.print(f"{len(history):,} events in {time.monotonic() - started:.1f} s")
    machine.__dict__.pop("sink", None)
    assert all((lane.position or Position(lane=0)).offset for lane in lanes)
