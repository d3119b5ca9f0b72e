"""What a message about an alert is written from: the alert, and what still exists of its mentions, authors and people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.alerts.message import Material, Shown
from resonance.catalogue import duration
from resonance.model import key_bytes
from resonance.stores import schema

_LONGEST_INCIDENT = 7 * 86_400
"""Seconds of arrivals that are read for a peak."""

_TAKEN = sa.select(schema.acknowledgement.c.by).where(schema.acknowledgement.c.alert == sa.bindparam("name"))


def material_of(connection: sa.Connection, alert: sa.RowMapping | Mapping[str, Any], *, names: bool) -> Material:
    """The material of an alert's row. Without `names` no author is named."""
    reasons = msgspec.json.decode(alert["reasons"], type=list[dict[str, Any]])
    keys = msgspec.json.decode(alert["mentions"], type=list[str]) or _values(reasons, "top_mentions", [])
    departments = msgspec.json.decode(alert["departments"], type=list[str])
    entries = _entries(connection, alert["topic"], departments)
    known = [entries.get(("department", name), {}) for name in departments]
    return Material(
        id=alert["id"],
        rule=alert["rule"],
        topic=alert["topic"],
        topic_name=entries.get(("topic", alert["topic"]), {}).get("name", alert["topic"]),
        severity=alert["severity"],
        departments=tuple(one.get("name", name) for name, one in zip(departments, known, strict=True)),
        contacts=tuple(one.get("multiplicator") for one in known),
        fired_at=alert["fired_at"],
        resolved_at=alert["resolved_at"],
        value=alert["value"],
        expected=alert["expected"],
        score=alert["score"],
        reasons=reasons,
        mentions=_mentions(connection, keys, names),
        authors=_authors(connection, reasons) if names else {},
        peak=_peak(connection, alert, reasons),
        taken_by=connection.scalar(_TAKEN, {"name": alert["id"]}),
    )


def _values(reasons: list[dict[str, Any]], code: str, otherwise: Any) -> Any:
    return next((reason["values"] for reason in reasons if reason["code"] == code), otherwise)


def _entries(connection: sa.Connection, topic: str, departments: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
    entry = schema.entry.c
    wanted = sa.or_(
        sa.and_(entry.kind == "topic", entry.id == topic),
        sa.and_(entry.kind == "department", entry.id.in_(departments)),
    )
    rows = connection.execute(sa.select(entry.kind, entry.id, entry.body).where(wanted))
    return {(row[0], row[1]): msgspec.json.decode(row[2], type=dict[str, Any]) for row in rows}


def _mentions(connection: sa.Connection, keys: list[str], names: bool) -> list[Shown]:
    mention, author = schema.mention, schema.author
    query = (
        sa.select(mention, author.c.handle, author.c.name)
        .outerjoin(author, author.c.author_key == mention.c.author_key)
        .where(mention.c.key.in_([key_bytes(key) for key in keys]))
    )
    rows = {row["key"]: row for row in connection.execute(query).mappings()}
    found = [(key, rows[key_bytes(key)]) for key in keys if key_bytes(key) in rows]
    return [
        Shown(
            key,
            row["platform"],
            row["text"] or row["title"] or "",
            row["url"],
            (row["handle"] or row["name"]) if names else None,
            row["reach"],
            row["placed_at"],
        )
        for key, row in found
    ]


def _authors(connection: sa.Connection, reasons: list[dict[str, Any]]) -> dict[str, str]:
    keys = [item["author"] for item in _values(reasons, "top_authors", [])]
    query = sa.select(schema.author).where(schema.author.c.author_key.in_([bytes.fromhex(key) for key in keys]))
    rows = connection.execute(query).mappings()
    return {row["author_key"].hex(): row["handle"] or row["name"] for row in rows if row["handle"] or row["name"]}


def _peak(
    connection: sa.Connection, alert: sa.RowMapping | Mapping[str, Any], reasons: list[dict[str, Any]]
) -> int | None:
    """The most arrivals within one window of the rule, from the window before it fired until it was resolved."""
    window = _values(reasons, "volume", {}).get("window")
    if window is None or alert["fired_at"] is None or alert["resolved_at"] is None:
        return None
    seconds = int(duration(window).total_seconds())
    start, end = alert["fired_at"] // 1_000_000 - seconds, alert["resolved_at"] // 1_000_000
    table = schema.arrival.c
    query = sa.select(table.version, table.minute, sa.func.sum(table.mentions)).group_by(table.version, table.minute)
    query = query.where(table.topic == alert["topic"], table.minute > max(start - 60, end - _LONGEST_INCIDENT))
    rows = connection.execute(query.where(table.minute <= end).order_by(table.version, table.minute)).all()
    highest, total, first = 0, 0, 0
    for number, (version, minute, mentions) in enumerate(rows):
        total += int(mentions)
        # Two versions of a topic overlap while a query is changed: they are not added up.
        while rows[first][0] != version or rows[first][1] <= minute - seconds:
            total -= int(rows[first][2])
            first += 1
        highest = max(highest, total)
        assert first <= number
    return highest or None
