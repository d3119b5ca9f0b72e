"""The processes of a cluster, `resonance ingest | work | serve | notify`, and its stream, `resonance streams`."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from resonance.errors import Invalid, ResonanceError
from services import logs
from services.cluster import Cluster
from services.process import STOPPED

console = Console(stderr=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration in TOML; see deploy/resonance.example.toml")
]
Port = Annotated[int | None, typer.Option("--port", help="Port of health and metrics (default: probe.port)")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (ingest, work, serve, notify):
        app.command()(command)
    streams = typer.Typer(help="The stream of envelopes on Kafka.", no_args_is_help=True)
    streams.command("create")(create)
    streams.command("check")(check)
    streams.command("lag")(lag)
    app.add_typer(streams, name="streams")


def ingest(config: Config = None, port: Port = None) -> None:
    """Stream mentions from the configured sources into Kafka. Any number may run; each source is read by one of them."""
    from services import ingester

    cluster = _open(config, "ingest", port)
    _leave(lambda: ingester.run(cluster, _stop()))


def work(config: Config = None, port: Port = None) -> None:
    """Process mentions and evaluate topics. Any number may run: Kafka shares the lanes among them."""
    from services import worker

    cluster = _open(config, "work", port)
    _leave(lambda: worker.run(cluster))


def serve(
    config: Config = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (default 127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on (default 8000)")] = None,
) -> None:
    """Answer HTTP: results, alerts, and pushed mentions. Any number may run behind a load balancer."""
    from services import webserver

    cluster = _open(config, "serve", None)
    web = cluster.settings.web
    _leave(lambda: webserver.serve(cluster, host or web.host, port or web.port, _stop()))


def notify(config: Config = None, port: Port = None) -> None:
    """Send notifications. Any number may run: each message is leased by one of them."""
    from services import telling

    cluster = _open(config, "notify", port)
    _leave(lambda: telling.run(cluster, _stop()))


def create(config: Config = None) -> None:
    """Make the stream with the settings that it has to have; says so where it is there already."""
    from ingest import kafka_sink

    cluster = Cluster.open(config)
    cluster.check_access()
    kafka = cluster.settings.kafka
    made = kafka_sink.create(cluster.brokers, cluster.stream, lanes=kafka.partitions, replicas=kafka.replicas)
    console.print(f"{cluster.stream} {'was made' if made else 'is there already, as it has to be'}")


def check(config: Config = None) -> None:
    """Whether the stream is as it has to be: every setting that is not; exit 2 if any."""
    from ingest import kafka_sink

    cluster = Cluster.open(config)
    cluster.check_access()
    mistakes = kafka_sink.describe(cluster.brokers, cluster.stream).mistakes(cluster.settings.kafka.partitions)
    if mistakes:
        raise Invalid(mistakes)
    console.print(f"{cluster.stream} is as it has to be")


def lag(
    config: Config = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON instead of a table")] = False,
) -> None:
    """How far processing is behind, lane by lane: envelopes that wait, and up to when everything was seen."""
    from resonance.model import instant

    cluster = Cluster.open(config)
    rows = []
    for lane in range(cluster.log.lanes):
        position = cluster.ledger.position(lane)
        first, end = cluster.log.bounds(lane)
        seen = instant(position.progress).isoformat() if position.progress > 0 else None
        rows.append({"lane": lane, "first": first, "position": position.offset, "end": end, "seen_until": seen})
        rows[-1]["waiting"] = end - max(position.offset, first)
    if json_:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)


def _open(config: Path | None, process: str, port: int | None) -> Cluster:
    cluster = Cluster.open(config, probe={"port": port} if port is not None else None)
    logs.set_up(cluster.settings.log_level, process=process)
    return cluster


def _stop() -> threading.Event:
    """Set by SIGINT and SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _leave(run: object) -> None:
    """Exit with what it returns; one that needs a person says why, and is not to be started again."""
    assert callable(run)
    try:
        code = run()
    except Invalid:
        raise
    except ResonanceError as error:
        sys.stderr.write(f"resonance: {error}\n")
        code = STOPPED
    sys.exit(code)
