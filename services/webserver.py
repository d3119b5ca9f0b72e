"""The web of one machine: the API in a process of its own, so that scoring never delays a page."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.app import create_app
from api.parts import Backlog, Parts
from resonance.clock import SimulatedClock
from resonance.errors import ResonanceError
from resonance.stores.migrate import pending
from services import logs
from services.build import Machine
from services.lifeline import end_with_parent
from services.supervisor import STOPPED, Assignment

_GRACE = 2


class _Server(uvicorn.Server):
    """Ended by the lifeline: uvicorn's own handlers would leave open streams waiting."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def parts_of(machine: Machine, stopping: threading.Event) -> Parts:
    """The API's parts from the machine's."""
    settings = machine.configuration.settings

    def backlog() -> Backlog:
        found = [machine.log.backlog(n, machine.ledger.position(n).offset) for n in range(machine.log.lanes)]
        return Backlog(sum(count for count, _ in found), max((age for _, age in found), default=0.0))

    def await_stored(seconds: float) -> bool:
        ends = [machine.log.bounds(lane)[1] for lane in range(machine.log.lanes)]
        deadline = time.monotonic() + seconds
        while any(machine.ledger.position(lane).offset < end for lane, end in enumerate(ends)):
            if time.monotonic() > deadline or stopping.is_set():
                return False
            time.sleep(0.02)
        return True

    def metrics() -> bytes:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(machine.folder.metrics))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    return Parts(
        database=machine.database,
        clock=machine.clock,
        intake=machine.intake,
        sink=machine.sink,
        backlog=backlog,
        await_stored=await_stored,
        metrics=metrics,
        pending=lambda: pending(machine.database.engine),
        free_disk_mb=lambda: shutil.disk_usage(machine.folder.path).free / 1e6,
        open_everywhere=settings.web.open,
        backlog_seconds=settings.limits.backlog_seconds,
        backlog_envelopes=settings.limits.backlog_envelopes,
        least_disk_mb=settings.limits.free_disk_mb,
        minutes_days=settings.keep.minutes_days,
        pseudonymous=settings.privacy == "pseudonymous",
        simulated=isinstance(machine.clock, SimulatedClock),
        stopping=stopping.is_set,
    )


def main() -> int:
    """Entry of the child: its assignment is the only argument."""
    told = msgspec.json.decode(sys.argv[1], type=Assignment)
    try:
        machine = Machine.open(Path(told.config) if told.config else None, Path(told.data))
        logs.set_up(machine.configuration.settings.log_level, process="web")
        stopping = threading.Event()
        app = create_app(parts_of(machine, stopping))
    except ResonanceError as error:
        print(f"resonance: {error}", file=sys.stderr)  # noqa: T201 - a person is needed
        return STOPPED
    config = uvicorn.Config(
        app, host=told.host, port=told.port, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE
    )
    server = _Server(config)

    def end() -> None:
        stopping.set()
        server.should_exit = True

    end_with_parent(told.life, end)
    server.run()
    machine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
