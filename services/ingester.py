"""`resonance ingest`: streams mentions into Kafka, and does what one process has to do for the whole installation."""

from __future__ import annotations

import threading
import time

import msgspec
from rich.console import Console

from ingest.demo.generator import generate
from ingest.sources.demo import Options
from resonance.clock import SystemClock
from resonance.stores.evaluations import Evaluations
from services import demonstration, parts
from services.cluster import Cluster
from services.probe import probe
from services.process import Process
from services.upkeep import Timetable, Upkeep

_BACKLOG = 64
_LOOK_SECONDS = 0.5


def run(cluster: Cluster, stop: threading.Event) -> int:
    """Until told to stop; returns an exit code."""
    cluster.check_stream()
    begin(cluster, stop)
    parts.hold_stamps(cluster)
    upkeep = Upkeep(cluster, parts.jobs(cluster))
    process = Process(
        {
            "ingest": lambda stop: parts.ingest(cluster, stop),
            "beat": Timetable(upkeep.of_every_process()).run,
            "upkeep": lambda stop: lead(cluster, upkeep, stop),
        },
        stop,
    )
    with probe(cluster.settings.probe, cluster.metrics.registry):
        code = process.run()
    cluster.close()
    return code


def lead(cluster: Cluster, upkeep: Upkeep, stop: threading.Event) -> None:
    """Whoever comes first does what one has to do, until it ends."""
    timetable = Timetable({**upkeep.of_one(), **upkeep.chores()})
    with cluster.database.lead("upkeep") as mine:
        while not stop.wait(0.25):
            if mine():
                timetable.step()
        if mine():
            upkeep.remember_time()


def begin(cluster: Cluster, stop: threading.Event) -> None:
    """Prepare the installation; a demo's begins with its history, or goes on where it was stopped."""
    chosen = cluster.demo
    if chosen is None:
        cluster.prepare()
        return
    with cluster.database.lead("demo") as mine:
        if not mine():
            cluster.await_prepared()
            return
        cluster.open_store()
        pace, told = cluster.pace.load(), cluster.pace.told()
        if pace is not None and told is not None:
            cluster.prepare()
            cluster.pace.run(pace.resumed(told, SystemClock().now()))
            return
        options = msgspec.convert(chosen.options, Options)
        demo = generate(options.seed, quiet=options.quiet)
        demonstration.stand(cluster, demo, options.speed)
        demonstration.write_history(cluster, demo, Console(stderr=True), lambda: _keep_up(cluster, _BACKLOG, stop))
        while not (demonstration.is_settled(cluster, demo) or stop.wait(_LOOK_SECONDS)):
            cluster.sink.heartbeat()
        # What is usual is learned before anything more happens: so it is the same however fast the workers are.
        while Evaluations(cluster.database).rebuilds() and not stop.wait(_LOOK_SECONDS):
            pass
        demonstration.run(cluster)


def _keep_up(cluster: Cluster, backlog: int, stop: threading.Event) -> None:
    """Wait until no more envelopes wait than this; between a few and none lie the heartbeats."""
    while cluster.backlog().envelopes > backlog and not stop.is_set():
        cluster.sink.heartbeat()
        time.sleep(0.05)
