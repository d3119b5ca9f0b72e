"""Reads export files line by line: CSV with a column mapping, JSONL in the contract's form; also .gz and .zst.

A bad line is named by its number with every mistake; nothing else is lost by it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

import msgspec
import zstandard
from msgspec import Struct, field, structs

from ingest.cleaning import clean
from ingest.presets import FIELDS, GENERIC, PRESETS, Preset
from ingest.times import read_time
from resonance.clock import SystemClock
from resonance.errors import Invalid, InvalidSetting, Problem
from resonance.model import PublicEvent
from resonance.wire import read_event

_SAMPLE = 65_536
_LONGEST_FIELD = 1_000_000
_WHOLE = frozenset(name for name in FIELDS if name.startswith("engagement.")) | {"author.followers"}

csv.field_size_limit(_LONGEST_FIELD)


class Line(Struct, frozen=True):
    """One record of a file: an event, or what is wrong with it. `number` is the line on which it begins, from 1."""

    number: int
    event: PublicEvent | None = None
    problems: list[Problem] = field(default_factory=list)


def read_file(
    path: Path, *, mapping: Mapping[str, str], preset: str | None, zone: str | None, default_source: str
) -> Iterator[Line]:
    """Every record of the file, in order. Raises InvalidSetting for a mapping that does not fit its columns."""
    where = _zone(zone)
    plain = path.name.removesuffix(".gz").removesuffix(".zst")
    if plain.endswith((".jsonl", ".ndjson", ".json")):
        yield from _read_jsonl(path, default_source)
    else:
        yield from _read_csv(path, mapping, preset, where, default_source)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError):
        raise InvalidSetting(
            [Problem(f"{name!r} is no IANA time zone, such as Europe/Berlin", "--zone", "zone")]
        ) from None


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix == ".zst":
        return cast(BinaryIO, zstandard.open(path, "rb"))
    return path.open("rb")


# ---- JSONL --------------------------------------------------------------------------------------------------


def _read_jsonl(path: Path, source: str) -> Iterator[Line]:
    now = SystemClock().now()
    with _open(path) as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                event = clean(read_event(msgspec.json.decode(raw)), source=source, observed_at=now)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield Line(number, problems=[Problem(f"is no JSON: {error}", code="syntax")])
            except Invalid as error:
                yield Line(number, problems=error.problems)
            else:
                yield Line(number, structs.replace(event, observed_at=None))


# ---- CSV ----------------------------------------------------------------------------------------------------


def _read_csv(
    path: Path, mapping: Mapping[str, str], preset: str | None, zone: ZoneInfo | None, source: str
) -> Iterator[Line]:
    with _open(path) as sample:
        head = sample.read(_SAMPLE)
    encoding = _encoding(head)
    with _open(path) as file:
        text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
        rows = csv.reader(text, _dialect(head.decode(encoding, "replace")))
        header = next(rows, [])
        columns, constant = _columns(header, mapping, preset)
        reader = _Row(columns, constant, len(header), zone, source)
        while True:
            number = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(number, problems=[Problem(f"is no CSV: {error}", code="syntax")])
                continue
            if any(cell.strip() for cell in row):
                yield reader.read(number, row)


def _encoding(head: bytes) -> str:
    """UTF-8 unless much of it is not: damage here and there is replaced, another encoding is recognised."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    foreign = sum(byte >= 0x80 for byte in head)
    broken = head.decode("utf-8", "replace").count("\ufffd")
    return "cp1252" if foreign and broken > foreign * 0.3 else "utf-8"


def _dialect(head: str) -> type[csv.Dialect]:
    """The separator that the header has most of; quotes are doubled, as spreadsheets write them."""
    first = head.partition("\n")[0]
    separator = max(",;\t", key=first.count)

    class Found(csv.excel):
        delimiter = separator

    return Found


def _columns(
    header: list[str], mapping: Mapping[str, str], preset: str | None
) -> tuple[dict[str, int], dict[str, str]]:
    """Field → index, and constant fields; raises InvalidSetting naming every mistake and the columns that are there."""
    if preset is not None and preset not in PRESETS:
        raise InvalidSetting([Problem(f"unknown; known are {', '.join(sorted(PRESETS))}", "--preset", "unknown")])
    chosen: Preset = PRESETS[preset] if preset else GENERIC
    there = f"; columns are {', '.join(name for name in header if name) or 'none'}"
    found: dict[str, int] = {}
    for name, spellings in chosen.columns.items():
        column = next((spelling for spelling in spellings if spelling in header), None)
        if column is not None:
            found[name] = header.index(column)
    problems = []
    for short, column in mapping.items():
        names = [name for name in FIELDS if short in (name, name.rpartition(".")[2])]
        short_author = {"author": ["author.handle"]}
        names = short_author.get(short, names)
        if not names:
            problems.append(Problem(f"is no field; fields are {', '.join(FIELDS)}", f"--map {short}", "unknown"))
        elif column not in header:
            problems.append(Problem(f"there is no column {column!r}{there}", f"--map {short}", "unknown"))
        else:
            found[names[0]] = header.index(column)
    problems += [
        Problem(f"no column for it{there}; say which with --map {name}=COLUMN", name, "missing")
        for name in ("text", "published_at")
        if name not in found and not any(p.pointer.endswith(name) for p in problems)
    ]
    if problems:
        raise InvalidSetting(problems)
    return found, chosen.constant


class _Row:
    """Turns the rows of one file into events."""

    def __init__(
        self, columns: dict[str, int], constant: dict[str, str], width: int, zone: ZoneInfo | None, source: str
    ) -> None:
        self.columns, self.constant, self.width, self.zone, self.source = columns, constant, width, zone, source
        self.now = SystemClock().now()

    def read(self, number: int, row: list[str]) -> Line:
        """The row's event, or every mistake in it."""
        if any(line.count(",") + line.count(";") >= self.width // 2 for cell in row for line in cell.splitlines()[1:]):
            return Line(number, problems=[Problem("a broken quote has swallowed the rows that follow", code="quote")])
        problems: list[Problem] = []
        values = {name: row[index].strip() for name, index in self.columns.items() if index < len(row)}
        item: dict[str, Any] = dict(self.constant)
        for name, value in values.items():
            if value:
                self._put(item, name, value, problems)
        if not values.get("published_at"):
            problems.append(Problem("is empty; the row may be shifted by a broken quote", "published_at", "missing"))
        if problems:
            return Line(number, problems=problems)
        self._identify(item)
        try:
            event = clean(read_event(item), source=self.source, observed_at=self.now)
        except Invalid as error:
            return Line(number, problems=error.problems)
        return Line(number, structs.replace(event, observed_at=None))

    def _put(self, item: dict[str, Any], name: str, value: str, problems: list[Problem]) -> None:
        outer, _, inner = name.partition(".")
        read: Any = value
        try:
            if name == "published_at":
                read = read_time(value, self.zone).isoformat()
            elif name in _WHOLE:
                read = _count(value)
        except ValueError as error:
            problems.append(Problem(str(error), name))
            return
        if inner:
            item.setdefault(outer, {})[inner] = read
        else:
            item[outer] = read.lower() if outer in ("platform", "language") else read

    def _identify(self, item: dict[str, Any]) -> None:
        """An id that is the same whenever the same row is imported; one that a spreadsheet has damaged is none."""
        platform = "".join(c if c.isalnum() else "-" for c in item.get("platform", "import").casefold()) or "import"
        item["platform"] = platform
        name = item.get("id", "")
        if "E+" in name:
            name = ""
        author = item.get("author")
        if author is not None:
            author.setdefault("id", author.get("handle") or author.get("name") or "unknown")
        if not name:
            parts = [
                platform,
                (author or {}).get("id", ""),
                item["published_at"],
                item.get("text", ""),
                item.get("url", ""),
            ]
            name = (
                "import-"
                + hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
            )
        item["id"] = (
            name if ":" in name and name.partition(":")[0].isalnum() and name[0].islower() else f"{platform}:{name}"
        )


def _count(value: str) -> int:
    """A count as spreadsheets write it: "1.234", "1,234", "12.0".

    >>> _count("1.234"), _count("12,0")
    (1234, 12)
    """
    plain = value.replace("\u00a0", "").replace(" ", "")
    for separator in (".", ","):
        whole, found, rest = plain.rpartition(separator)
        if found and len(rest) == 3:
            plain = plain.replace(separator, "")
        elif found:
            if rest.strip("0"):
                raise ValueError(f"{value!r} is no whole number")
            plain = whole
    if not plain.lstrip("-").isdecimal() or plain.startswith("-"):
        raise ValueError(f"{value[:40]!r} is no count of 0 or more")
    return int(plain)
