"""How a child hangs on its parent: it ends when the parent's end of a pipe closes, however the parent went."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable


def end_with_parent(descriptor: int, ended: Callable[[], None]) -> None:
    """Call `ended` once, from a thread, when the pipe reaches its end; SIGTERM does the same, SIGINT is the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=ended, daemon=True).start())

    def wait() -> None:
        while os.read(descriptor, 64):
            pass
        ended()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
