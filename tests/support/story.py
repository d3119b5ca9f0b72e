"""A short story on the real parts of one machine: mentions are pushed, processed and evaluated, an alert fires; then
everything that the contract names is asked for over HTTP."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.app import create_app
from resonance.clock import ManualClock
from resonance.engines.evaluator import Evaluator
from resonance.stores.evaluations import Evaluations
from resonance.wire import encode_envelope
from services import webserver
from services.build import Machine

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CONFIG = """
[[topics]]
id = "nordlicht"
name = "Nordlicht"
query = 'nordlicht OR "nord licht"'
departments = ["pr"]
[[departments]]
id = "pr"
name = "PR"
channels = ["console"]
[[channels]]
id = "console"
kind = "log"
[[rules]]
id = "many"
when = { kind = "threshold", mentions = 3, window = "15m" }
[[sources]]
id = "push"
"""
BAD = {"id": "shop:99", "text": "Nordlicht", "published_at": "yesterday"}


class Story:
    """`objects` maps a name to what was sent or answered under it."""

    def __init__(self, folder: Path, mention: dict[str, Any]) -> None:
        file = folder / "resonance.toml"
        file.write_text(CONFIG)
        self.machine = Machine.open(file, folder / "data")
        self.clock = self.machine.__dict__["clock"] = ManualClock(NOW)
        self.machine.prepare()
        (folder / "data" / "metrics").mkdir()
        app = create_app(webserver.of_machine(self.machine, threading.Event()))
        self.client = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))
        self.objects: dict[str, Any] = {}
        self._tell(mention)
        self._ask(mention["id"])

    def close(self) -> None:
        """Let go of the files."""
        self.client.close()
        self.machine.close()

    def _tell(self, mention: dict[str, Any]) -> None:
        start = self._call("GET", "/v1/changes")["next"]
        others = [
            {
                "id": f"forum:{n}",
                "text": "Das Nordlicht ist kaputt",
                "published_at": "2026-05-04T11:59:00Z",
                "author": {"id": f"leser-{n}"},
            }
            for n in range(3)
        ]
        self.objects["receipt"] = self._call("POST", "/v1/mentions", [mention, *others, mention, BAD])
        evaluator = Evaluator(
            Evaluations(self.machine.database), self.machine.watch.catalogue, self.clock, lambda *_, **__: []
        )
        self.machine.log.append([(0, encode_envelope([b'{"op":"upsert"}'], stamp=NOW, source="push"))])
        for _ in range(4):
            for lane in self.machine.lanes():
                while lane.step():
                    pass
            evaluator.step()
            self.clock.advance(timedelta(minutes=1))
            self.machine.sink.heartbeat()
        changes = self._call("GET", f"/v1/changes?after={start}")["items"]
        for change in changes:
            self.objects.setdefault(change["type"], change)

    def _ask(self, name: str) -> None:
        ask, make = self.objects, self._call
        ask["mention"] = make("GET", f"/v1/mentions?id={name}")
        for kind, path in (
            ("topic", "topics"),
            ("rule", "rules"),
            ("department", "departments"),
            ("channel", "channels"),
        ):
            ask[kind] = make("GET", f"/v1/{path}")["items"][0]
        ask["source"] = make("GET", "/v1/sources")["items"][0]
        ask["alert"] = make("GET", "/v1/alerts")["items"][0]
        ask["dead letter"] = make("GET", "/v1/dead-letters")["items"][0]
        ask["summary"] = make("GET", "/v1/topics/nordlicht/summary")
        ask["series"] = make("GET", "/v1/topics/nordlicht/series?step=1h")
        ask["share of voice"] = make("GET", "/v1/share-of-voice?topics=nordlicht")
        ask["validation"] = make("POST", "/v1/queries/validate", {"query": 'nordlicht "nord licht"'})
        ask["trial"] = make("POST", "/v1/queries/test", {"query": "nordlicht", "texts": ["Das Nordlicht leuchtet"]})
        ask["silence"] = make("POST", "/v1/silences", {"topic": "nordlicht", "ends_at": "2026-05-04T18:00:00Z"})
        ask["job"] = make("POST", "/v1/topics/nordlicht/backfill")
        ask["problem"] = make("POST", "/v1/topics", {"id": "Neu", "query": "("})

    def push(self, events: list[Any]) -> Any:
        """The answer to a push."""
        return self._call("POST", "/v1/mentions", events)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.request(method, path, json=body).json()


def shape(value: Any) -> Any:
    """The names and kinds of a value without what it says; None stands for any kind."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return None if value is None else "boolean"
    return "number" if isinstance(value, int | float) else "text"


def agrees(one: Any, other: Any) -> bool:
    """Whether two shapes are the same, where unknown (null) and empty lists agree with anything.

    >>> agrees(shape({"a": [1], "b": None}), shape({"a": [], "b": "x"})), agrees(shape({"a": 1}), shape({"b": 1}))
    (True, False)
    """
    if one is None or other is None or one == [] or other == []:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(agrees(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return agrees(one[0], other[0])
    return bool(one == other)
