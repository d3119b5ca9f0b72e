"""Data in and out: `import`, `demo-data`, `export`, `erase`, `db upgrade`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from resonance.errors import Unconfigured
from services.build import Machine
from services.commands.run import Config, Data
from services.opening import installation

console = Console(stderr=True)
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_)
    app.command("demo-data")(demo_data)
    app.command("export")(export)
    app.command("erase")(erase)
    db = typer.Typer(help="The store's schema.", no_args_is_help=True)
    db.command("upgrade")(upgrade)
    app.add_typer(db, name="db")


def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV or JSONL, also .gz and .zst", exists=True, dir_okay=False)],
    map_: Annotated[str | None, typer.Option("--map", help="Columns of a CSV: text=Tweet,id=tweet_id,…")] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Known exports: airline, brandwatch, talkwalker, meltwater")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Time zone of times that carry none, e.g. Europe/Berlin")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Import into this running instance")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Import mentions. Bad lines are named and skipped; an interrupted import resumes; nobody is notified."""
    from services import importing

    lines = importing.reader(mapping=importing.parse_mapping(map_), preset=preset, zone=zone)
    machine = None
    if url is None:
        machine = Machine.open(config, data)
        running = machine.folder.running() if machine.folder.is_locked() else None
        url = running.url if running else None
    if url is not None:
        target: importing.Target = importing.UrlTarget(url, os.environ.get("RESONANCE_API_KEY"))
    else:
        assert machine is not None
        machine.folder.lock()
        machine.prepare()
        target = importing.FolderTarget(machine)
    total = sum(path.stat().st_size for path in files)
    with Progress(
        TextColumn("{task.fields[name]}"),
        BarColumn(),
        TextColumn("{task.completed:,} lines"),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task("import", total=None, name=files[0].name)

        def progress(path: Path, line: object) -> None:
            bar.update(task, advance=1, name=path.name)

        result = importing.run(
            files,
            target,
            lines,
            progress=progress,
            bookmarks=machine.folder.path if machine else None,
            choices=f"{map_}|{preset}|{zone}",
        )
    for path, number, problem in result.bad:
        sys.stderr.write(f"{path}:{number}: {problem}\n")
    resumed = f", {result.skipped:,} lines were already imported" if result.skipped else ""
    console.print(f"{result.taken:,} mentions taken, {len(result.bad):,} lines refused{resumed} ({total:,} bytes read)")


def demo_data(
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another story")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Without the crisis")] = False,
    truth: Annotated[Path | None, typer.Option("--truth", help="Write what really happens to this file")] = None,
) -> None:
    """The demo's mentions on stdout, one JSON object a line, in the order of time."""
    from ingest.demo.generator import demo_lines, generate

    demo = generate(seed, quiet=quiet)
    if truth is not None:
        truth.write_bytes(msgspec.json.format(msgspec.json.encode(demo.truth)) + b"\n")
    for line in demo_lines(demo):
        sys.stdout.buffer.write(line + b"\n")


def export(config: Config = None, data: Data = None) -> None:
    """Every stored mention on stdout as JSONL, in the form in which it can be imported again."""
    from resonance.stores.exporting import export_mentions

    site = installation(config, data)
    site.prepare()
    for line in export_mentions(site.database, pseudonymous=site.settings.privacy == "pseudonymous"):
        sys.stdout.buffer.write(line + b"\n")


def erase(
    author: Annotated[str, typer.Argument(help="platform:id, as in bluesky:did:plc:…")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Erase an author and all they said, for good; prints a receipt, or the job that will have it."""
    from resonance.access import Actor
    from resonance.stores.jobs import JobRows

    site = installation(config, data)
    if ":" not in author:
        raise Unconfigured("write the author as platform:id")
    site.prepare()
    key = site.author_key(author).hex()
    rows = JobRows(site.database)
    job = rows.create("erase", {"author_key": key}, actor=Actor("user", "command line"), at=site.clock.now())
    if isinstance(site, Machine) and not site.folder.is_locked():
        from services.upkeep import carry_out_jobs

        site.folder.lock()
        carry_out_jobs(site)
    else:
        console.print(f"Resonance runs: it carries the erasure out now; GET /v1/jobs/{job} has the receipt.")
    found = rows.get(job)
    receipt = msgspec.json.decode(found["result"]) if found["result"] else {"author_key": key}
    sys.stdout.write(msgspec.json.encode({"job": job, "state": found["state"], **receipt}).decode() + "\n")


def upgrade(config: Config = None, data: Data = None) -> None:
    """Bring the store to this program's schema (`up` does it by itself)."""
    site = installation(config, data)
    if isinstance(site, Machine):
        # Before the first data: a store without its key would be refused by everything that comes after.
        site.author_key("resonance:key-check")
    site.database.migrate()
    console.print("the store is up to date")
