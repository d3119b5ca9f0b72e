"""Delivers what the outbox holds: one thread a channel, so that a slow one holds nobody up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from resonance.errors import Full, Retry
from resonance.stores.outbox import Claimed, Outbox
from services.channels.channel import Channel, GaveUp
from services.channels.wording import message

_POLL = 0.1
_PATIENCE = 24 * 3600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0

log = structlog.get_logger()


@dataclass
class Notifier:
    """Claims, words, sends, notes. `now` is real time in seconds since 1970; `outcome` is told of every attempt."""

    outbox: Outbox
    channels: Callable[[], Mapping[str, Channel]]
    url: str
    now: Callable[[], float] = time.time
    outcome: Callable[[str], object] = lambda _: None
    owner: str = "notifier"
    free_at: dict[str, float] = field(default_factory=dict)
    jitter: Callable[[], float] = random.random

    def step(self) -> int:
        """Send everything that can be sent now; returns how many attempts were made."""
        claimed = self.outbox.claim(self.owner, self._micros())
        by_channel: dict[str, list[Claimed]] = {}
        for item in claimed:
            by_channel.setdefault(item.channel, []).append(item)
        if len(by_channel) <= 1:
            for items in by_channel.values():
                self._deliver_all(items)
        else:
            with ThreadPoolExecutor(len(by_channel)) as pool:
                list(pool.map(self._deliver_all, by_channel.values()))
        return len(claimed)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop; what is being sent is finished first."""
        while not stop.is_set():
            try:
                busy = self.step()
            except (Retry, Full) as error:
                log.warning("notify.retry", problem=str(error))
                busy = 0
            if not busy:
                stop.wait(_POLL)

    def _deliver_all(self, items: list[Claimed]) -> None:
        for item in items:
            channel = self.channels().get(item.channel)
            if channel is None:
                self._note("failed", item)
                self.outbox.failed(item, self._micros(), f"there is no channel {item.channel!r}")
                continue
            pause = self.free_at.get(item.channel, 0) - self.now()
            if pause > 0:
                time.sleep(min(pause, channel.pause))
            self._deliver(item, channel)
            self.free_at[item.channel] = self.now() + channel.pause

    def _deliver(self, item: Claimed, channel: Channel) -> None:
        later = self.outbox.merge(item, self._micros()) if item.kind == "firing" else None
        if later is not None:
            self._note("merged", item)
        item = later or item
        words = message(
            self.outbox.material(item),
            item.kind,
            language=channel.language,
            zone=channel.zone,
            url=self.url,
            whole=later is not None,
        )
        try:
            channel.send(words, item.idempotency_key)
        except Retry as error:
            self._postpone(item, error)
        except GaveUp as error:
            self._note("failed", item, str(error))
            self.outbox.failed(item, self._micros(), str(error))
        else:
            self._note("sent", item)
            self.outbox.sent(item, self._micros())

    def _postpone(self, item: Claimed, error: Retry) -> None:
        """Full jitter, doubling; given up after a day."""
        if self.now() - item.real_at / 1e6 > _PATIENCE:
            self._note("failed", item, str(error))
            self.outbox.failed(item, self._micros(), f"given up after a day: {error}")
            return
        longest = min(_FIRST_PAUSE * 2 ** min(item.attempts - 1, 16), _LONGEST_PAUSE)
        pause = error.after or timedelta(seconds=longest * self.jitter())
        self._note("retry", item, str(error))
        self.outbox.retry(item, int((self.now() + pause.total_seconds()) * 1e6), str(error))

    def _note(self, outcome: str, item: Claimed, problem: str | None = None) -> None:
        self.outcome(outcome)
        log.info("notification." + outcome, channel=item.channel, alert=item.alert, kind=item.kind, problem=problem)

    def _micros(self) -> int:
        return int(self.now() * 1e6)
