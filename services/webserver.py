"""The web of one machine: the API in a process of its own, so that scoring never delays a page."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.app import create_app
from api.parts import Demo, Parts
from ingest.sources import coverage_of
from resonance.errors import ResonanceError, Unconfigured
from resonance.stores.access_keys import AccessKeys
from resonance.stores.migrate import pending
from services import logs
from services.build import Installation, Machine
from services.cluster import Cluster
from services.lifeline import end_with_parent
from services.playing import controls
from services.process import STOPPED
from services.settings import secret
from services.stories import Stories
from services.supervisor import Assignment, check_port

_GRACE = 2


class _Server(uvicorn.Server):
    """Ended by the lifeline: uvicorn's own handlers would leave open streams waiting."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def parts_of(
    site: Installation,
    stopping: threading.Event,
    metrics: Callable[[], bytes],
    free_disk_mb: Callable[[], float],
    demo: Demo | None = None,
) -> Parts:
    """The API's parts from the installation's."""
    settings = site.settings

    def await_stored(seconds: float) -> bool:
        ends = site.log.ends()
        deadline = time.monotonic() + seconds
        while any(site.ledger.position(lane).offset < end for lane, end in enumerate(ends)):
            if time.monotonic() > deadline or stopping.is_set():
                return False
            time.sleep(0.02)
        return True

    return Parts(
        database=site.database,
        clock=site.clock,
        intake=site.intake,
        sink=site.sink,
        backlog=site.backlog,
        await_stored=await_stored,
        metrics=metrics,
        pending=lambda: pending(site.database.engine),
        free_disk_mb=free_disk_mb,
        open_everywhere=settings.web.open,
        backlog_seconds=settings.limits.backlog_seconds,
        backlog_envelopes=settings.limits.backlog_envelopes,
        least_disk_mb=settings.limits.free_disk_mb,
        minutes_days=settings.keep.minutes_days,
        slack_signing=lambda: signing.get_secret_value() if (signing := settings.slack.signing_secret) else None,
        pseudonymous=settings.privacy == "pseudonymous",
        simulated=site.simulated,
        stopping=stopping.is_set,
        coverage=coverage_of,
        secret=secret,
        demo=demo or (controls(site.database, site.clock) if site.simulated else None),
    )


def of_machine(machine: Machine, stopping: threading.Event, stories: Stories | None = None) -> Parts:
    """The API's parts on one machine, whose two processes leave their metrics for each other in the folder. `stories`:
    those of a demo that has two."""

    def metrics() -> bytes:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(machine.folder.metrics))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    demo = None
    if stories is not None:
        demo = controls(machine.database, machine.clock, stories, stories.story(machine.folder.path))
    return parts_of(machine, stopping, metrics, lambda: shutil.disk_usage(machine.folder.path).free / 1e6, demo)


def check_exposure(site: Installation, host: str) -> None:
    """Refuse to answer the world without a key."""
    if host in ("127.0.0.1", "::1", "localhost") or site.settings.web.open or AccessKeys(site.database).any():
        return
    raise Unconfigured(
        f"{host} can be reached from elsewhere, and there is no API key: make one with `resonance keys create`, "
        "or say web.open = true if everybody may read and write"
    )


def server_of(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """The server; `should_exit` ends it."""
    return _Server(
        uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE
        )
    )


def serve(cluster: Cluster, host: str, port: int, stop: threading.Event) -> int:
    """The API of a cluster, until told to stop; returns an exit code."""
    cluster.await_prepared()
    check_port(host, port)
    check_exposure(cluster, host)
    app = create_app(parts_of(cluster, stop, lambda: generate_latest(cluster.metrics.registry), lambda: float("inf")))
    server = server_of(app, host, port)

    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, name="end", daemon=True).start()
    server.run()
    failed = not stop.is_set()
    cluster.close()
    return int(failed)


def main() -> int:
    """Entry of the child: its assignment is the only argument."""
    told = msgspec.json.decode(sys.argv[1], type=Assignment)
    try:
        machine = Machine.open(Path(told.config) if told.config else None, Path(told.data))
        logs.set_up(machine.settings.log_level, process="web")
        stopping = threading.Event()
        stories = Stories(Path(told.stories)) if told.stories else None
        app = create_app(of_machine(machine, stopping, stories))
    except ResonanceError as error:
        print(f"resonance: {error}", file=sys.stderr)  # noqa: T201 - a person is needed
        return STOPPED
    server = server_of(app, told.host, told.port)

    def end() -> None:
        stopping.set()
        server.should_exit = True

    end_with_parent(told.life, end)
    server.run()
    machine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
