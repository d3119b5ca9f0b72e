"""Stored things as the JSON of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.model import instant, key_text
from resonance.stores.mentions import Found


def time_text(at: int | datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    if at is None:
        return None
    moment = instant(at) if isinstance(at, int) else at.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def mention(found: Found, *, pseudonymous: bool = False) -> dict[str, Any]:
    """A mention with what was found in it."""
    row = found.row
    body: dict[str, Any] = msgspec.json.decode(row["document"])
    counts = {name: count for name, (count, _) in msgspec.json.decode(row["engagement"]).items()}
    body.update(
        id=row["id"],
        key=key_text(row["key"]),
        text=row["text"],
        title=row["title"],
        platform=row["platform"],
        language=row["language"],
        language_by=row["language_by"],
        language_confidence=row["language_confidence"],
        environment={"platform": row["platform"], "community": row["community"], "language": row["language"]},
        voice=row["voice"],
        published_at=time_text(row["published_at"]),
        placed_at=time_text(row["placed_at"]),
        observed_at=time_text(row["observed_at"]),
        time_suspect=bool(row["time_suspect"]),
        author=_author(found, pseudonymous),
        engagement=_engagement(counts),
        reach=row["reach"],
        reach_by=row["reach_by"],
        forecast=None,
        matches=[_match(match, row["reach"], resonance) for match, resonance in found.matches],
    )
    return body


def _engagement(counts: dict[str, int]) -> dict[str, Any]:
    named = {name.removeprefix("reaction:"): n for name, n in counts.items() if name.startswith("reaction:")}
    plain: dict[str, Any] = {name: n for name, n in counts.items() if not name.startswith("reaction:")}
    return {**plain, **({"reactions": named} if named else {})}


def _author(found: Found, pseudonymous: bool) -> dict[str, Any] | None:
    row = found.row
    if row["author_key"] is None:
        return None
    body: dict[str, Any] = {"key": row["author_key"].hex(), "followers": row["followers"]}
    if found.author is not None and not pseudonymous:
        for name in ("id", "handle", "name", "description"):
            body[name] = found.author[name]
        body["verified"] = None if found.author["verified"] is None else bool(found.author["verified"])
        body["created_at"] = time_text(found.author["created_at"])
    return body


def _match(match: Any, reach: int | None, resonance: int | None) -> dict[str, Any]:
    return {
        "topic": match.topic,
        "version": match.version,
        "spans": match.spans,
        "polarity": round(match.polarity, 3),
        "label": match.label,
        "p": [part / 1000 for part in match.p],
        "confidence": match.confidence,
        "model": match.model,
        "reach": reach,
        "resonance": resonance,
        "inherited": match.inherited,
        "corrected": match.corrected,
    }


def alert(row: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """One incident."""
    return {
        "id": row["id"],
        "fingerprint": row["fingerprint"],
        "rule": row["rule"],
        "topic": row["topic"],
        "departments": msgspec.json.decode(row["departments"]),
        "severity": row["severity"],
        "state": row["state"],
        "pending_at": time_text(row["pending_at"]),
        "fired_at": time_text(row["fired_at"]),
        "resolved_at": time_text(row["resolved_at"]),
        "acknowledged_at": time_text(row["acknowledged_at"]),
        "acknowledged_by": row["acknowledged_by"],
        "value": row["value"],
        "expected": row["expected"],
        "score": row["score"],
        "reasons": msgspec.json.decode(row["reasons"]),
        "text": sentence,
        "mentions": msgspec.json.decode(row["mentions"]),
        "url": f"/v1/alerts/{row['id']}",
    }


def job(row: sa.RowMapping) -> dict[str, Any]:
    """A job."""
    result = msgspec.json.decode(row["result"]) if row["result"] else None
    return {
        "id": row["id"],
        "kind": row["kind"],
        "state": row["state"],
        "progress": row["progress"],
        "result_url": None,
        "result": result,
        "problem": row["problem"],
    }


def entry(stored: Any) -> dict[str, Any]:
    """An entry of the catalogue as plain data, with all defaults."""
    body: dict[str, Any] = {
        field.encode_name: msgspec.to_builtins(getattr(stored, field.name)) for field in msgspec.structs.fields(stored)
    }
    return body
