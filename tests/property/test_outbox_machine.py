"""The outbox as a state machine: whatever crashes, fails and expires, every group is told in order, and nothing is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from resonance.stores.outbox import LEASE, Claimed
from tests.support.outbox import World, fresh

GROUPS = st.sampled_from(["g1", "g2"])
CHANNELS = st.sampled_from(["slack", "log"])


class OutboxMachine(RuleBasedStateMachine):
    """The model: a list of rows a (channel, group), and who holds what until when."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(mkdtemp(prefix="outbox-machine-"))
        self.world = World(fresh(self.folder))
        self.outbox = self.world.outbox
        self.rows: dict[str, dict[str, Any]] = {}
        self.held: list[tuple[Claimed, int]] = []
        self.incidents = 0
        self.open: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.database.close()
            shutil.rmtree(self.folder)

    def put(self, kind: str, alert: str, channel: str, group: str) -> None:
        key = self.world.notice(kind, alert, channel=channel, group=group)
        self.rows[key] = {"place": (channel, group), "kind": kind, "alert": alert, "state": "open", "due": 0}

    @rule(group=GROUPS)
    def fires_or_resolves(self, group: str) -> None:
        kind = "resolved" if group in self.open else "firing"
        if kind == "firing":
            self.incidents += 1
            self.open[group] = f"alert-{self.incidents}"
        alert = self.open.pop(group) if kind == "resolved" else self.open[group]
        for channel in ("slack", "log"):
            self.put(kind, alert, channel, group)

    @rule(seconds=st.sampled_from([1, 20, 61, 7200]))
    def time_passes(self, seconds: int) -> None:
        self.world.later(seconds)

    @rule()
    def restarts(self) -> None:
        self.outbox = self.world.outbox

    @rule(limit=st.integers(1, 4), skip=st.sets(CHANNELS, max_size=1))
    def claims(self, limit: int, skip: set[str]) -> None:
        claimed = self.outbox.claim("me", self.world.now, limit, skip=skip)
        assert len(claimed) <= limit
        for item in claimed:
            assert item.channel not in skip
            self.check(item)
            self.held.append((item, self.world.now + LEASE))
        if len(claimed) < limit:
            assert not [row for row in self.heads() if self.is_due(row) and row["place"][0] not in skip]

    def check(self, item: Claimed) -> None:
        """Only ever the oldest of its group, due and unheld; a pair may collapse."""
        row = self.rows[item.idempotency_key]
        place = (item.channel, item.group)
        head = next(one for one in self.rows.values() if one["place"] == place and one["state"] == "open")
        assert self.is_due(head)
        if head is not row:
            assert (head["kind"], row["kind"], head["alert"]) == ("firing", "resolved", row["alert"])
            head["state"] = "merged"
        untold = [one for one in self.rows.values() if one["place"] == place and one["alert"] == row["alert"]]
        merged = any(one["kind"] == "firing" and one["state"] in ("merged", "failed") for one in untold)
        assert item.whole == (row["kind"] == "resolved" and merged)
        row["due"] = self.world.now + LEASE

    def heads(self) -> list[dict[str, Any]]:
        first: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self.rows.values():
            if row["state"] == "open":
                first.setdefault(row["place"], row)
        return list(first.values())

    def is_due(self, row: dict[str, Any]) -> bool:
        return bool(row["due"] <= self.world.now)

    @rule(data=st.data(), ending=st.sampled_from(["sent", "retry", "failed", "crash"]))
    def ends(self, data: st.DataObject, ending: str) -> None:
        if not self.held:
            return
        item, lease = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        row = self.rows[item.idempotency_key]
        ours = row["state"] == "open" and row["due"] == lease
        if ending == "sent":
            self.outbox.sent(item, self.world.now)
            row["state"] = "sent"
        elif ending == "retry":
            self.outbox.retry(item, self.world.now + 20_000_000, "down")
            row["due"] = self.world.now + 20_000_000 if ours else row["due"]
        elif ending == "failed":
            self.outbox.failed(item, self.world.now, "refused")
            row["state"] = "failed" if ours else row["state"]

    @invariant()
    def states_are_the_models(self) -> None:
        if not hasattr(self, "world"):
            return
        stored = self.world.deliveries()
        for key, row in self.rows.items():
            state = stored.get(key, ("open", None))[0]
            assert (state if state in ("sent", "merged", "failed") else "open") == row["state"]


OutboxMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTheOutbox = OutboxMachine.TestCase
