"""Delivers what the outbox holds: one thread a channel at most, so that a slow one holds nobody up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from resonance.alerts.wording import message
from resonance.errors import Full, RateLimited, Retry
from resonance.stores.outbox import Claimed, Outbox
from services.channels.channel import Channel, GaveUp, TurnedOff

_POLL = 0.1
_PATIENCE = 24 * 3600.0
_LEAST_ATTEMPTS = 10
"""Nothing is given up before so many attempts: we may have been down for a day ourselves."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
_NOTES = 6
"""How often a delivery is noted in vain before its lease has to run out."""

_DONE = ("acknowledged", "silenced")
_TEST = "test"
"""A test goes out although the channel is off; where it is taken the channel is on again."""

log = structlog.get_logger()


@dataclass
class Notifier:
    """Claims, words, sends, notes. `now` is real time in seconds since 1970; `url` how people reach the service.

    `on_delivery` is told of every attempt: channel, outcome (sent, retry, failed, merged) and seconds; `on_sent` of every
    message sent: seconds since it was decided. Without `names` no author is named. At most `threads` channels send at once.
    """

    outbox: Outbox
    channels: Callable[[], Mapping[str, Channel]]
    url: str
    now: Callable[[], float] = time.time
    on_delivery: Callable[[str, str, float], object] = lambda *_: None
    on_sent: Callable[[float], object] = lambda _: None
    owner: str = "notifier"
    jitter: Callable[[], float] = random.random
    names: bool = True
    threads: int = 8
    _free_at: dict[str, float] = field(default_factory=dict, init=False)
    _busy: set[str] = field(default_factory=set, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop; what is being sent then is finished and noted first."""
        with ThreadPoolExecutor(self.threads, "notify") as pool:
            while not stop.is_set():
                try:
                    busy = self.step(pool)
                except (Retry, Full) as error:
                    log.warning("notify.retry", problem=str(error))
                    busy = 0
                stop.wait(0 if busy else _POLL)

    def step(self, pool: Executor | None = None) -> int:
        """Start to send what can be sent now, at most one message to a channel; returns how many. Without a pool each
        has been sent on return."""
        with self._lock:
            now = self.now()
            held = self._busy | {name for name, at in self._free_at.items() if at > now}
            room = self.threads - len(self._busy)
        claimed = self.outbox.claim(self.owner, self._micros(), room, skip=held, per_channel=1) if room else []
        channels = self.channels() if claimed else {}
        for item in claimed:
            with self._lock:
                self._busy.add(item.channel)
            if pool is None:
                self._attempt(item, channels.get(item.channel))
            else:
                pool.submit(self._attempt, item, channels.get(item.channel))
        return len(claimed)

    # ---- one message ----------------------------------------------------------------------------------------

    def _attempt(self, item: Claimed, channel: Channel | None) -> None:
        """Whatever happens, the channel is free afterwards, and the row is noted or comes again when its lease ends."""
        started = time.monotonic()
        try:
            self._deliver(item, channel, started)
        except Exception:
            log.exception("notification.unnoted", channel=item.channel, alert=item.alert, kind=item.kind)
        finally:
            with self._lock:
                pause = self.now() + (channel.pause if channel else 0.0)
                self._free_at[item.channel] = max(self._free_at.get(item.channel, 0.0), pause)
                self._busy.discard(item.channel)

    def _deliver(self, item: Claimed, channel: Channel | None, started: float) -> None:
        try:
            self._send(item, channel)
        except TurnedOff as error:
            problem = str(error)
            self._noted(lambda: self.outbox.turn_off(item.channel, problem, self._micros()))
            self._fail(item, problem, started)
        except GaveUp as error:
            self._fail(item, str(error), started)
        except Retry as error:
            if isinstance(error, RateLimited):
                with self._lock:
                    self._free_at[item.channel] = self.now() + self._pause(item, error)
            self._postpone(item, error, started)
        except Exception as error:
            # A message that we cannot write must neither be lost nor hold up the others; a newer program may write it.
            log.exception("notification.broken", channel=item.channel, alert=item.alert, kind=item.kind)
            self._postpone(item, Retry(f"could not be sent: {type(error).__name__}"), started)
        else:
            self._noted(lambda: self.outbox.sent(item, self._micros()))
            if item.kind == _TEST:
                self._noted(lambda: self.outbox.turn_on(item.channel))
            if item.whole:
                self._tell("merged", item, 0.0)
            self._tell("sent", item, time.monotonic() - started)
            self.on_sent(self.now() - item.real_at / 1e6)

    def _send(self, item: Claimed, channel: Channel | None) -> None:
        if channel is None:
            raise Retry(f"there is no channel {item.channel!r}, or its secret is missing")
        off = self.outbox.off(item.channel)
        if off is not None and item.kind != _TEST:
            raise GaveUp(off)
        material = self.outbox.material(item, names=self.names)
        if item.kind in _DONE and material.resolved_at is not None:
            return  # What a person did about it matters no more.
        words = message(
            material,
            item.kind,
            language=channel.language,
            zone=channel.zone,
            url=self.url,
            whole=item.whole,
            by=str(item.values.get("by", "")),
        )
        channel.send(words, item.idempotency_key)

    # ---- what became of it ----------------------------------------------------------------------------------

    def _postpone(self, item: Claimed, error: Retry, started: float) -> None:
        """Given up after a day, with the last problem as its visible reason."""
        if item.attempts >= _LEAST_ATTEMPTS and self.now() - item.real_at / 1e6 > _PATIENCE:
            self._fail(item, f"given up after a day: {error}", started)
            return
        at = self._micros() + int(self._pause(item, error) * 1e6)
        self._noted(lambda: self.outbox.retry(item, at, str(error)))
        self._tell("retry", item, time.monotonic() - started, str(error))

    def _pause(self, item: Claimed, error: Retry) -> float:
        """What the other side asked for; else doubling, with full jitter so that many do not come back at once."""
        if error.after is not None:
            return max(error.after, timedelta()).total_seconds()
        longest = min(_FIRST_PAUSE * 2.0 ** min(item.attempts - 1, 16), _LONGEST_PAUSE)
        return longest * self.jitter()

    def _fail(self, item: Claimed, problem: str, started: float) -> None:
        self._noted(lambda: self.outbox.failed(item, self._micros(), problem))
        self._tell("failed", item, time.monotonic() - started, problem)

    def _noted(self, note: Callable[[], None]) -> None:
        """Note it, however busy the store is: what is sent and not noted is sent again."""
        for attempt in range(_NOTES):
            try:
                return note()
            except (Retry, Full):
                if attempt == _NOTES - 1:
                    raise
                time.sleep(0.1 * 2**attempt)
        return None

    def _tell(self, outcome: str, item: Claimed, seconds: float, problem: str | None = None) -> None:
        self.on_delivery(item.channel, outcome, seconds)
        level = log.warning if outcome == "failed" else log.info
        level("notification." + outcome, channel=item.channel, alert=item.alert, kind=item.kind, problem=problem)

    def _micros(self) -> int:
        return int(self.now() * 1e6)
