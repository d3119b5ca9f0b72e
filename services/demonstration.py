"""`resonance up --demo`: a fictional company in a data folder of its own, with simulated time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import structs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.demo.company import catalogue_toml
from ingest.demo.generator import Demo, generate
from ingest.sources.demo import AFTERNOON
from resonance.model import micros
from services import parts
from services.build import Installation, Machine
from services.playing import remember_onset

_BATCH = 500
_BEFORE = timedelta(minutes=2)
_LOOK_SECONDS = 0.1


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
    load(machine, seed=seed, quiet=quiet, speed=speed, console=console)
    pace, told = machine.pace.load(), machine.pace.told()
    assert pace is not None and told is not None
    machine.prepare()
    machine.pace.run(pace.resumed(told, datetime.now(UTC)))
    console.print(f"the demo goes on at {told:%d.%m.%Y %H:%M} UTC")


def load(machine: Machine, *, seed: int, quiet: bool, speed: float, console: Console) -> None:
    """Load the history where it is not there yet, and have simulated time stand at the afternoon's start."""
    machine.open_store()
    if machine.pace.load() is None or machine.pace.told() is None:
        demo = generate(seed, quiet=quiet)
        stand(machine, demo, speed)
        load_history(machine, demo, console)
        # What is usual is learned before anything more happens.
        parts.evaluator(machine, threading.Event()).step()
        machine.pace.tell(demo.truth.afternoon_at)


def stand(site: Installation, demo: Demo, speed: float) -> None:
    """Have simulated time stand at the afternoon's start, and the installation prepared at that time."""
    site.open_store()
    start = demo.truth.afternoon_at
    site.pace.stand(start, start + AFTERNOON, speed)
    site.prepare()
    remember_onset(site.database, demo.truth.onset_at)


def run(site: Installation) -> None:
    """Set simulated time going from where it stands."""
    pace = site.pace.load()
    assert pace is not None
    site.pace.run(structs.replace(pace, origin=datetime.now(UTC)))


def load_history(machine: Machine, demo: Demo, console: Console) -> None:
    """Process 28 days as a backfill: they teach, they do not notify."""
    lanes = machine.lanes(alone=True)

    def written() -> None:
        for lane in lanes:
            while lane.step():
                pass

    write_history(machine, demo, console, written)
    while not is_settled(machine, demo):
        machine.sink.heartbeat()
        written()
        time.sleep(_LOOK_SECONDS)


def write_history(site: Installation, demo: Demo, console: Console, written: Callable[[], None]) -> None:
    """Put the history into the log; after each part `written` is called, which may wait.

    It is observed shortly before the afternoon, so that what waits for something else is decided when that begins.
    """
    seen = demo.truth.afternoon_at - _BEFORE
    history = [structs.replace(event, observed_at=seen) for event in demo.history]
    started = time.monotonic()
    columns = (TextColumn("28 days of history"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("history", total=len(history))
        for first in range(0, len(history), _BATCH):
            site.sink.write(history[first : first + _BATCH], source="demo", mode="backfill", until=seen)
            written()
            bar.update(task, completed=min(first + _BATCH, len(history)))
    site.sink.write([], source="demo", until=demo.truth.afternoon_at)
    console.print(f"{len(history):,} events in {time.monotonic() - started:.1f} s")


def is_settled(site: Installation, demo: Demo) -> bool:
    """Whether every lane has reached the afternoon, and nothing that waited until then is left."""
    reached = site.ledger.progress()
    begun = bool(reached) and min(reached.values()) >= micros(demo.truth.afternoon_at)
    return begun and not site.ledger.lanes_due(reached.keys())
