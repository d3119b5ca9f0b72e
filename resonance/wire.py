"""How events travel: JSON by the contract, many in one envelope, zstd-compressed.

Unknown fields pass and are not kept; an envelope of a newer major version raises NewerVersion.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import zstandard
from msgspec import Raw, Struct

from resonance.errors import DeadLetter, Invalid, NewerVersion, Problem
from resonance.model import (
    Author,
    AuthorSeen,
    Delete,
    DeleteAuthor,
    Engagement,
    EngagementSeen,
    Event,
    Mention,
    PublicEvent,
    Upsert,
)

MAJOR = 1
EVENT_LIMIT = 200_000
"""The greatest event in bytes of JSON."""

_PUBLIC: dict[str, type[Struct]] = {
    "upsert": Upsert,
    "author": AuthorSeen,
    "engagement": EngagementSeen,
    "delete": Delete,
    "delete_author": DeleteAuthor,
}
_encoder = msgspec.json.Encoder()
_event_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class Envelope(Struct, frozen=True, kw_only=True):
    """What one record of the log holds. `stamp`: its ingester sends nothing observed earlier into this lane."""

    v: int = MAJOR
    stamp: datetime
    mode: Literal["live", "backfill"] = "live"
    source: str = ""
    ingester: str = ""
    events: list[Raw] = []


_envelope_decoder = msgspec.json.Decoder(Envelope)


def encode_event(event: Event) -> bytes:
    """One event as JSON bytes."""
    return _encoder.encode(event)


def decode_event(raw: bytes | Raw) -> Event:
    """One event from an envelope; raises DeadLetter where it is damaged."""
    try:
        return _event_decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DeadLetter("undecodable", str(error)) from error


def encode_envelope(
    events: Sequence[bytes],
    *,
    stamp: datetime,
    mode: Literal["live", "backfill"] = "live",
    source: str = "",
    ingester: str = "",
) -> bytes:
    """An envelope around encoded events."""
    envelope = Envelope(
        stamp=stamp, mode=mode, source=source, ingester=ingester, events=[Raw(event) for event in events]
    )
    # A compressor is not thread-safe; making one costs microseconds.
    return zstandard.ZstdCompressor(level=1).compress(_encoder.encode(envelope))


def decode_envelope(data: bytes) -> Envelope:
    """The envelope; raises NewerVersion for a newer major version, DeadLetter for anything unreadable."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=64 * 1024 * 1024)
    except zstandard.ZstdError as error:
        raise DeadLetter("undecodable", f"the envelope is no zstd frame: {error}") from error
    try:
        envelope = _envelope_decoder.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse_newer(_version(plain))
        raise DeadLetter("undecodable", f"the envelope cannot be read: {error}") from error
    # What looks as it does today may mean something else tomorrow.
    _refuse_newer(envelope.v)
    return envelope


def _version(plain: bytes) -> int:
    class Version(Struct):
        v: int = MAJOR

    try:
        return msgspec.json.decode(plain, type=Version).v
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return MAJOR


def _refuse_newer(version: int) -> None:
    if version > MAJOR:
        raise NewerVersion(f"an envelope of version {version}; this program reads up to {MAJOR}")


_INNER: dict[type[Struct], dict[str, type[Struct]]] = {
    Upsert: {"mention": Mention},
    AuthorSeen: {"author": Author},
    EngagementSeen: {"engagement": Engagement},
    Mention: {"author": Author, "engagement": Engagement},
}


def unknown_fields(item: dict[str, Any]) -> int:
    """How many fields of what `read_event` took, and of the objects in it, are not known here: they are ignored.

    >>> unknown_fields({"id": "x:1", "published_at": "2026-01-01T00:00:00Z", "mood": 1, "author": {"id": "7", "shoe": 44}})
    2
    """
    bare = "op" not in item and "mention" not in item
    fields = {name: value for name, value in item.items() if name != "op"}
    return _unknown(fields, Mention if bare else _PUBLIC[item.get("op", "upsert")])


def _unknown(fields: dict[str, Any], kind: type[Struct]) -> int:
    within = [
        (fields[name], inner) for name, inner in _INNER.get(kind, {}).items() if isinstance(fields.get(name), dict)
    ]
    return len(fields.keys() - set(kind.__struct_encode_fields__)) + sum(_unknown(*part) for part in within)


def read_event(item: Any) -> PublicEvent:
    """A public event from a plain JSON value: an event by its `op`, or a bare mention. Raises Invalid naming every
    mistake. `observed_at` from outside is dropped: ingest stamps it."""
    if not isinstance(item, dict):
        raise Invalid([Problem("an event is a JSON object", "", "type")])
    op = item.get("op", "upsert" if "mention" in item else None)
    if op is None:
        item, op = {"mention": item}, "upsert"
    if not isinstance(op, str) or op not in _PUBLIC:
        raise Invalid([Problem(f"unknown op {op!r}; known are {', '.join(_PUBLIC)}", "/op", "op")])
    item = {**item, "op": op}
    item.pop("observed_at", None)
    kind = _PUBLIC[op]
    try:
        event = msgspec.convert(item, kind)
    except msgspec.ValidationError:
        raise Invalid(_mistakes(item, kind, "")) from None
    return event  # type: ignore[return-value]


def _mistakes(item: dict[str, Any], kind: type[Struct], pointer: str) -> list[Problem]:
    """Every field that is wrong, each judged alone."""
    problems = []
    for spec in msgspec.structs.fields(kind):
        at = f"{pointer}/{spec.encode_name}"
        if spec.encode_name not in item:
            if spec.required:
                problems.append(Problem("is required", at, "missing"))
            continue
        value = item[spec.encode_name]
        if spec.type is Mention and isinstance(value, dict):
            problems += _mistakes(value, Mention, at)
            continue
        try:
            msgspec.convert(value, spec.type)
        except msgspec.ValidationError as error:
            detail, _, inner = str(error).partition(" - at `$")
            inner = inner.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "") if inner else ""
            problems.append(Problem(detail, at + inner))
    return problems or [Problem("cannot be read", pointer)]


def utc(at: datetime) -> datetime:
    """The same instant in UTC."""
    return at.astimezone(UTC)
