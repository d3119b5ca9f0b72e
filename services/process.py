"""One process: its parts, each in a thread, until it is told to stop or one of them needs a person."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from resonance.errors import Stop

STOPPED = 3
"""Exit code of a process that needs a person: it is not started again."""

_DRAIN_SECONDS = 2.5

log = structlog.get_logger()


@dataclass
class Process:
    """Runs its parts until told to stop; the first one that ends ends them all. Each part is given the event that tells."""

    parts: Mapping[str, Callable[[threading.Event], object]]
    stop: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    def run(self) -> int:
        """Blocks; returns an exit code."""
        threads = [
            threading.Thread(target=self._guard, args=item, name=item[0], daemon=True) for item in self.parts.items()
        ]
        for thread in threads:
            thread.start()
        self.stop.wait()
        deadline = time.monotonic() + _DRAIN_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return 0 if self.failure is None else (STOPPED if isinstance(self.failure, Stop) else 1)

    def _guard(self, name: str, part: Callable[[threading.Event], object]) -> None:
        try:
            part(self.stop)
        except Stop as error:
            self.failure = error
            print(f"resonance: {error}", file=sys.stderr)  # noqa: T201 - a person is needed
        except BaseException as error:
            self.failure = error
            log.exception("part.failed", part=name)
        finally:
            self.stop.set()
