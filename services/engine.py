"""The engine of one machine: ingest, process, evaluate, notify, and the upkeep, each in a thread of this process."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from ingest.sources import open_source
from ingest.worker import SourceWorker
from resonance.engines import local
from resonance.engines.evaluator import Evaluator
from resonance.engines.jobs import Jobs
from resonance.errors import ResonanceError, Stop
from resonance.language.keyterms import key_terms
from resonance.stores.evaluations import Evaluations
from resonance.stores.outbox import Outbox
from resonance.stores.source_states import SourceStates
from services import logs
from services.build import Machine
from services.channels.opening import OpenChannels, default_channels
from services.lifeline import end_with_parent
from services.notifier import Notifier
from services.supervisor import STOPPED, Assignment
from services.upkeep import Upkeep

log = structlog.get_logger()
_DRAIN_SECONDS = 2.5


@dataclass
class Engine:
    """Runs its parts until told to stop; the first part that needs a person stops them all."""

    machine: Machine
    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    def run(self) -> int:
        """Blocks; returns an exit code."""
        parts = {
            "process": self._process,
            "evaluate": self._evaluate,
            "notify": self._notify,
            "ingest": self._ingest,
            "upkeep": self._upkeep,
        }
        threads = [threading.Thread(target=self._guard, args=item, name=item[0], daemon=True) for item in parts.items()]
        for thread in threads:
            thread.start()
        self.stop.wait()
        deadline = time.monotonic() + _DRAIN_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.machine.close()
        return 0 if self.failure is None else (STOPPED if isinstance(self.failure, Stop) else 1)

    def _guard(self, name: str, part: Callable[[], None]) -> None:
        try:
            part()
        except Stop as error:
            self.failure = error
            print(f"resonance: {error}", file=sys.stderr)  # noqa: T201 - a person is needed
        except BaseException as error:
            self.failure = error
            log.exception("part.failed", part=name)
        finally:
            self.stop.set()

    def _process(self) -> None:
        local.run(self.machine.lanes(), self.stop)

    def _evaluate(self) -> None:
        machine = self.machine
        settings = machine.configuration.settings
        # The first use loads spaCy's tables for seconds: better now than when the first alert fires.
        key_terms([("warm", "de"), ("warm", "en")])
        Evaluator(
            Evaluations(machine.database),
            machine.watch.catalogue,
            machine.clock,
            key_terms,
            default_channels(settings, machine.watch.catalogue()),
            evaluated=machine.metrics.evaluated.inc,
        ).run(self.stop)

    def _notify(self) -> None:
        machine = self.machine
        Notifier(
            Outbox(machine.database),
            OpenChannels(machine.configuration.settings, machine.watch.catalogue),
            self.url,
            on_delivery=lambda _channel, outcome, _seconds: machine.metrics.deliveries.labels(outcome).inc(),
            names=machine.configuration.settings.privacy == "open",
        ).run(self.stop)

    def _ingest(self) -> None:
        asyncio.run(self._sources())

    async def _sources(self) -> None:
        """A worker for each configured source that we pull from."""
        machine = self.machine
        tasks = []
        for source in machine.watch.catalogue().sources.values():
            opened = open_source(source, machine.clock)
            if opened is not None:
                states = SourceStates(machine.database)
                worker = SourceWorker(source, opened, machine.sink, states, machine.clock, busy=lambda: machine.behind)
                tasks.append(asyncio.create_task(worker.run(), name=source.id))
        await asyncio.to_thread(self.stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _upkeep(self) -> None:
        Upkeep(
            self.machine,
            Jobs(self.machine.database, self.machine.sink, self.machine.log, self.machine.ledger, self.machine.clock),
        ).run(self.stop)


def main() -> int:
    """Entry of the child: its assignment is the only argument."""
    told = msgspec.json.decode(sys.argv[1], type=Assignment)
    machine = Machine.open(Path(told.config) if told.config else None, Path(told.data))
    logs.set_up(machine.configuration.settings.log_level, process="engine")
    engine = Engine(machine, told.url)
    end_with_parent(told.life, engine.stop.set)
    try:
        return engine.run()
    except ResonanceError as error:
        print(f"resonance: {error}", file=sys.stderr)  # noqa: T201 - a person is needed
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
