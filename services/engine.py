"""The engine of one machine: ingest, process, evaluate, notify, and the upkeep, each in a thread of this process."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec

from resonance.engines import lanes
from resonance.errors import ResonanceError
from services import logs, parts
from services.build import Machine
from services.lifeline import end_with_parent
from services.process import STOPPED, Process
from services.supervisor import Assignment
from services.upkeep import Timetable, Upkeep


def process_of(machine: Machine, url: str) -> Process:
    """Everything that works on one machine, but the web."""
    parts.hold_stamps(machine)
    loops, stirred = machine.lanes(), threading.Event()
    for loop in loops:
        loop.committed = stirred.set
    upkeep = Upkeep(machine, parts.jobs(machine))
    timetable = Timetable({**upkeep.of_every_process(), **upkeep.of_one()})

    def keep_up(stop: threading.Event) -> None:
        timetable.run(stop)
        upkeep.remember_time()

    return Process(
        {
            "process": lambda stop: lanes.run(lambda: loops, machine.log, stop),
            "evaluate": lambda stop: parts.evaluator(machine, stirred).run(stop),
            "notify": lambda stop: parts.notifier(machine, url).run(stop),
            "ingest": lambda stop: parts.ingest(machine, stop),
            "upkeep": keep_up,
            "chores": Timetable({**upkeep.chores(), "trim": (60.0, machine.trim)}).run,
        }
    )


def main() -> int:
    """Entry of the child: its assignment is the only argument."""
    told = msgspec.json.decode(sys.argv[1], type=Assignment)
    machine = Machine.open(Path(told.config) if told.config else None, Path(told.data))
    logs.set_up(machine.settings.log_level, process="engine")
    try:
        process = process_of(machine, told.url)
        end_with_parent(told.life, process.stop.set)
        code = process.run()
        machine.close()
        return code
    except ResonanceError as error:
        print(f"resonance: {error}", file=sys.stderr)  # noqa: T201 - a person is needed
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
