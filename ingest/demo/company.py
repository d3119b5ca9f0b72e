"""The invented company of the demo: Kesselfink of Bad Lauterwald, makers of kitchen machines with birds' names.

Company, products, places and people are our own invention; nothing here stands for anything that exists.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

COMPANY: Final = "Kesselfink"
ZONE: Final = "Europe/Berlin"

Moods = tuple[float, float, float, float]
"""Weights of complaint, praise, question and plain report."""


@dataclass(frozen=True, slots=True)
class DemoTopic:
    """A topic with its traffic: `daily` mentions on an ordinary day, times `week[weekday]` (Monday first).

    Besides, about `beside` mentions a day of other topics name it, too ("the Rührspecht by Kesselfink").
    """

    id: str
    name: str
    kind: Literal["brand", "product", "competitor", "issue"]
    query: str
    departments: tuple[str, ...]
    daily: float
    week: tuple[float, float, float, float, float, float, float]
    moods: Moods
    tags: tuple[str, ...]
    beside: float = 0.0


TOPICS: Final = (
    DemoTopic(
        id="kesselfink",
        name="Kesselfink",
        kind="brand",
        query='Kesselfink* OR @kesselfink OR #kesselfink OR "Kessel Fink"',
        departments=("kundendienst", "presse"),
        daily=130,
        week=(1.02, 1.04, 1.04, 1.05, 1.03, 0.93, 0.89),
        moods=(0.22, 0.30, 0.18, 0.30),
        tags=("kesselfink", "küche", "madeinlauterwald"),
        beside=26,
    ),
    DemoTopic(
        id="ruehrspecht",
        name="Rührspecht (Küchenmaschine)",
        kind="product",
        query="Rührspecht* OR Ruehrspecht* OR #rührspecht OR #ruehrspecht",
        departments=("kundendienst", "produktentwicklung"),
        daily=128,
        week=(0.90, 0.90, 0.95, 1.00, 1.03, 1.15, 1.07),
        moods=(0.24, 0.34, 0.24, 0.18),
        tags=("rührspecht", "backen", "sauerteig"),
    ),
    DemoTopic(
        id="dampfkauz",
        name="Dampfkauz (Espressomaschine)",
        kind="product",
        query='Dampfkauz* OR #dampfkauz OR "Dampf Kauz"',
        departments=("presse", "produktentwicklung"),
        daily=122,
        week=(1.08, 1.05, 1.03, 1.02, 1.00, 0.95, 0.87),
        moods=(0.25, 0.33, 0.26, 0.16),
        tags=("dampfkauz", "espresso", "homebarista"),
    ),
    DemoTopic(
        id="nestfunk",
        name="Nestfunk (App)",
        kind="product",
        query="Nestfunk* OR #nestfunk OR @nestfunk",
        departments=("presse", "produktentwicklung"),
        daily=118,
        week=(1.00, 1.02, 1.04, 1.03, 0.98, 0.96, 0.97),
        moods=(0.33, 0.24, 0.25, 0.18),
        tags=("nestfunk", "smarthome", "app"),
    ),
    DemoTopic(
        id="finkdienst",
        name="Finkdienst (Reparatur und Hotline)",
        kind="issue",
        query='Finkdienst* OR #finkdienst OR (Kesselfink* AND (Hotline OR Ersatzteil* OR Reparatur* OR "spare parts"))',
        departments=("kundendienst", "presse"),
        daily=112,
        week=(1.15, 1.10, 1.05, 1.04, 1.02, 0.85, 0.79),
        moods=(0.36, 0.26, 0.24, 0.14),
        tags=("finkdienst", "reparieren", "ersatzteile"),
    ),
    DemoTopic(
        id="brodelux",
        name="Brodelux (Wettbewerb)",
        kind="competitor",
        query='(Brodelux* OR #brodelux OR @brodelux) AND NOT ("Brodelux Arena" OR "Brodelux-Cup")',
        departments=("presse",),
        daily=88,
        week=(1.03, 1.05, 1.05, 1.04, 1.02, 0.92, 0.89),
        moods=(0.26, 0.28, 0.20, 0.26),
        tags=("brodelux", "küchentechnik", "vergleich"),
    ),
)

BY_ID: Final = {topic.id: topic for topic in TOPICS}

DEPARTMENTS: Final = (
    ("kundendienst", "Kundendienst", "Jale Brückner", "Mo-Fr 08:00-18:00", "Jede Beschwerde am selben Tag beantworten"),
    ("presse", "Presse und PR", "Ottilie Sandvoss", "Mo-So 07:00-22:00", "Fragen beantworten, bevor sie gestellt sind"),
    ("produktentwicklung", "Produktentwicklung", "Henk Mirow", "Mo-Do 09:00-17:00", "Fehler vor der Serie finden"),
)
"""Id, name, contact person, hours and goal of each department."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose voice is known; `handle` is how mentions name it."""

    platform: str
    handle: str
    name: str
    voice: Literal["own", "employee", "competitor"]
    department: str | None
    followers: int


ACCOUNTS: Final = (
    Account("bluesky", "kesselfink.example", "Kesselfink", "own", "presse", 18_400),
    Account("mastodon", "kesselfink@lauterwald.example", "Kesselfink", "own", "presse", 5_900),
    Account("instagram", "kesselfink", "Kesselfink Küchentechnik", "own", "presse", 64_000),
    Account("bluesky", "finkdienst.example", "Finkdienst hilft", "own", "kundendienst", 2_100),
    Account("mastodon", "henk@werkstatt.example", "Henk Mirow", "employee", "produktentwicklung", 640),
    Account("bluesky", "brodelux.example", "Brodelux", "competitor", None, 22_700),
    Account("instagram", "brodelux", "Brodelux Home", "competitor", None, 81_000),
)


def catalogue_toml() -> str:
    """The demo's catalogue as TOML text: topics, departments, a log channel for each, accounts, rules; last the source."""
    tables: list[str] = []
    for topic in TOPICS:
        tables.append(
            _table(
                "topics",
                id=topic.id,
                name=topic.name,
                kind=topic.kind,
                query=topic.query,
                languages=("de", "en"),
                departments=topic.departments,
            )
        )
    for id_, name, person, hours, goal in DEPARTMENTS:
        channels = (f"{id_}-log",)
        tables.append(
            _table(
                "departments", id=id_, name=name, channels=channels, multiplicator=person, hours=hours, goals=(goal,)
            )
        )
    tables += [_table("channels", id=f"{id_}-log", kind="log", language="de") for id_, *_ in DEPARTMENTS]
    for account in ACCOUNTS:
        department = {"department": account.department} if account.department else {}
        tables.append(
            _table("accounts", platform=account.platform, author=account.handle, voice=account.voice, **department)
        )
    tables += [
        _table("rules", id="surge", when={"kind": "change"}, topics=("*",), severity="critical"),
        _table("rules", id="negative-share", when={"kind": "negative_share"}, topics=("*",), severity="warning"),
        _table("rules", id="silent", when={"kind": "silent", "after": "6h"}, topics=("*",), severity="notice"),
        _table("sources", id="demo", kind="demo"),
    ]
    return "\n".join(tables)


def _table(table: str, /, **values: object) -> str:
    return "\n".join([f"[[{table}]]", *(f"{key} = {_value(value)}" for key, value in values.items()), ""])


def _value(value: object) -> str:
    """A TOML value; JSON's strings are TOML's basic strings."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
