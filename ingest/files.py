"""Reads export files line by line: CSV with a column mapping, JSONL in the contract's form; also .gz and .zst.

A bad line is named by its number with every mistake; nothing else is lost by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, field, structs

from ingest.cleaning import admit
from ingest.opening import DAMAGED, count_lines, open_plain, plain_name
from ingest.rows import UNSTAMPED, Columns, RowReader, fits
from ingest.tables import ENCODING_SAMPLE, Record, Table, encoding_of
from resonance.errors import Invalid, InvalidSetting, Problem
from resonance.model import PublicEvent

__all__ = ["Line", "columns", "count_lines", "read_file"]

_LONGEST_LINE = 4_000_000
_JSON = (".jsonl", ".ndjson", ".json")


class Line(Struct, frozen=True):
    """One record of a file: an event, or what is wrong with it. `number` is the line on which it begins, from 1."""

    number: int
    event: PublicEvent | None = None
    problems: list[Problem] = field(default_factory=list)


def read_file(
    path: Path, *, mapping: Mapping[str, str], preset: str | None, zone: str | None, default_source: str, after: int = 0
) -> Iterator[Line]:
    """Every record of the file that begins behind line `after`, in order.

    Raises InvalidSetting for a mapping that does not fit its columns. Where a compressed file is damaged, the last line
    says so.
    """
    where = _zone(zone)
    number = 0
    try:
        for line in _lines(path, mapping, preset, where, default_source):
            number = line.number
            if number > after:
                yield line
    except DAMAGED as error:
        yield Line(number + 1, problems=[Problem(f"the file is damaged from here on: {error}", code="damaged")])


def columns(path: Path) -> list[str]:
    """The names of a CSV's columns; none for JSONL."""
    if plain_name(path).endswith(_JSON):
        return []
    with open_plain(path) as file:
        table = Table(file, _encoding(path), lambda cells: fits(cells, {}, None))
    return table.header


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        detail = f"{name!r} is no IANA time zone, such as Europe/Berlin"
        raise InvalidSetting([Problem(detail, "--zone", "zone")]) from None


def _lines(
    path: Path, mapping: Mapping[str, str], preset: str | None, zone: ZoneInfo | None, source: str
) -> Iterator[Line]:
    if plain_name(path).endswith(_JSON):
        yield from _read_jsonl(path, source)
        return
    encoding = _encoding(path)
    with open_plain(path) as file:
        table = Table(file, encoding, lambda cells: fits(cells, mapping, preset))
        reader = RowReader(Columns(table.header, mapping, preset), table.separator, zone, source)
        for record in table:
            if record.cells is None or any(cell.strip() for cell in record.cells):
                yield from _read_record(table, reader, record)


def _encoding(path: Path) -> str:
    with open_plain(path) as file:
        head = b""
        try:
            while len(head) < ENCODING_SAMPLE and (more := file.read(65_536)):
                head += more
        except DAMAGED:
            # What can be read decides; the damage is told where it is reached.
            pass
    return encoding_of(head)


def _read_record(table: Table, reader: RowReader, record: Record) -> Iterator[Line]:
    try:
        yield Line(record.number, reader.read(record))
    except Invalid as error:
        yield Line(record.number, problems=error.problems)
        yield from table.salvaged(record, lambda inner: _whole(reader, inner))


def _whole(reader: RowReader, record: Record) -> Line | None:
    try:
        return Line(record.number, reader.read(record))
    except Invalid:
        return None


def _read_jsonl(path: Path, source: str) -> Iterator[Line]:
    with open_plain(path) as file:
        for number, raw in _bounded(file):
            if raw is None:
                yield Line(number, problems=[Problem(f"has more than {_LONGEST_LINE:,} bytes", code="too_large")])
            elif raw.strip():
                yield _read_json(number, raw.removeprefix(b"\xef\xbb\xbf"), source)


def _read_json(number: int, raw: bytes, source: str) -> Line:
    try:
        event = admit(msgspec.json.decode(raw), source=source, observed_at=UNSTAMPED)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Line(number, problems=[Problem(f"is no JSON: {error}", code="syntax")])
    except Invalid as error:
        return Line(number, problems=error.problems)
    return Line(number, structs.replace(event, observed_at=None))


def _bounded(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None for one that is too long to be any."""
    for number in range(1, 2**62):
        raw = file.readline(_LONGEST_LINE)
        if not raw:
            return
        if len(raw) < _LONGEST_LINE or raw.endswith(b"\n"):
            yield number, raw
            continue
        while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        yield number, None
