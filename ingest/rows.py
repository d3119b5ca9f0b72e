"""Rows of an export as mentions: which column is which field, and what its cells say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from ingest.cleaning import admit
from ingest.presets import FIELDS, GENERIC, PRESETS, Preset
from ingest.tables import Record
from ingest.times import is_time, read_time
from resonance.errors import Invalid, InvalidSetting, Problem
from resonance.model import PublicEvent, micros

REQUIRED = ("text", "published_at")
UNSTAMPED = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands in while an event is checked; the sink stamps the time at which it is logged."""
_COUNTS = frozenset(name for name in FIELDS if name.startswith("engagement.")) | {"author.followers"}
_TIMES = ("published_at", "edited_at")
_IDS = ("reply_to", "thread_root", "repost_of", "quote_of")
_SHORT = {"author": "author.handle"}
_KINDS = {"tweet": "post", "status": "post", "retweet": "repost", "share": "repost", "reply": "comment", "news": "article", "blog": "article", "forum": "comment"}  # fmt: skip
_LANGUAGES = {"german": "de", "deutsch": "de", "english": "en", "englisch": "en", "french": "fr", "französisch": "fr", "italian": "it", "italienisch": "it", "spanish": "es", "spanisch": "es", "dutch": "nl"}  # fmt: skip
_SPREADSHEET = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_PREFIXED = re.compile(r"[a-z0-9][a-z0-9_.-]*:(?!//)[^\x00]+")
_DIGITS_KEPT = 15
"""A spreadsheet keeps so many digits of a number and writes 0 for the others."""


class Columns:
    """Fields of a file: where they stand (the first cell that says something counts), and what every row has."""

    def __init__(self, header: list[str], mapping: Mapping[str, str], preset: str | None) -> None:
        """Raises InvalidSetting naming every mistake and the columns that are there."""
        self.header = header
        problems: list[Problem] = []
        self.constant, self.places = places(header, _chosen(preset))
        there = f"columns are {', '.join(filter(None, header)) or 'none'}"
        for short, column in mapping.items():
            name = _field(short)
            index = _index(header, column)
            if name is None:
                problems.append(Problem(f"is no field; fields are {', '.join(FIELDS)}", f"--map {short}", "unknown"))
            elif index is None:
                problems.append(Problem(f"there is no column {column!r}; {there}", f"--map {short}", "unknown"))
            if name is not None:
                self.places[name] = () if index is None else (index,)
        problems += [
            Problem(f"no column for it; {there}; say which with --map {name}=COLUMN", name, "missing")
            for name in REQUIRED
            if name not in self.places
        ]
        if problems:
            raise InvalidSetting(problems)


def fits(header: list[str], mapping: Mapping[str, str], preset: str | None) -> bool:
    """Whether this row is a header under these choices."""
    _, found = places(header, _chosen(preset))
    for short, column in mapping.items():
        if _index(header, column) is not None:
            found[_field(short) or ""] = ()
    return all(name in found for name in REQUIRED)


def places(header: list[str], preset: Preset) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    """What a preset says of a header: constants, and field → indices."""
    found: dict[str, tuple[int, ...]] = {}
    for name, spellings in preset.columns.items():
        indices = tuple(i for i in (_index(header, spelling) for spelling in spellings) if i is not None)
        if indices:
            found[name] = indices
    return preset.constant, found


def _chosen(preset: str | None) -> Preset:
    if preset is not None and preset not in PRESETS:
        raise InvalidSetting([Problem(f"unknown; known are {', '.join(sorted(PRESETS))}", "--preset", "unknown")])
    return PRESETS[preset] if preset else GENERIC


def _index(header: list[str], column: str) -> int | None:
    """The column of this name; of its spelling first, then however it is capitalised."""
    if column in header:
        return header.index(column)
    plain = column.strip().casefold()
    return next((index for index, name in enumerate(header) if name.casefold() == plain), None)


def _field(short: str) -> str | None:
    """A field by its name or the last word of it."""
    short = _SHORT.get(short, short)
    return short if short in FIELDS else next((name for name in FIELDS if name.rpartition(".")[2] == short), None)


class RowReader:
    """Turns the rows of one file into events."""

    def __init__(self, columns: Columns, separator: str, zone: ZoneInfo | None, source: str) -> None:
        self._columns, self._separator, self._zone, self._source = columns, separator, zone, source

    def read(self, record: Record) -> PublicEvent:
        """The row's event; raises Invalid naming every mistake."""
        cells = record.cells
        if cells is None:
            raise Invalid([Problem(record.problem, code="syntax")])
        self._refuse_swallowed(cells)
        item: dict[str, Any] = dict(self._columns.constant)
        problems = [
            problem
            for name, indices in self._columns.places.items()
            if (value := next((cells[i].strip() for i in indices if i < len(cells) and cells[i].strip()), ""))
            and (problem := _put(item, name, value, self._zone)) is not None
        ]
        if "published_at" not in item:
            problems = problems or [Problem("is empty", "published_at", "missing")]
            problems = [*problems, *self._shifted(cells)]
        if problems:
            raise Invalid(problems)
        identify(item)
        return structs.replace(admit(item, source=self._source, observed_at=UNSTAMPED), observed_at=None)

    def _refuse_swallowed(self, cells: list[str]) -> None:
        """A cell in which further rows stand: prose puts a space behind a comma, a row does not."""
        row = max(4, len(self._columns.header) // 2)
        for cell in cells:
            for line in cell.splitlines()[1:] if "\n" in cell or "\r" in cell else ():
                if len(re.findall(rf"{re.escape(self._separator)}(?!\s)", line)) >= row:
                    detail = "a quote that is not closed has swallowed the rows that follow"
                    raise Invalid([Problem(detail, code="quote")])

    def _shifted(self, cells: list[str]) -> list[Problem]:
        """Where the time stands instead."""
        header, expected = self._columns.header, self._columns.places["published_at"]
        index = next((index for index, cell in enumerate(cells) if is_time(cell)), None)
        if index is None or index in expected:
            return []
        name = (header[index] if index < len(header) else "") or f"number {index + 1}"
        detail = f"the row is shifted, by a broken quote or separator: a time stands in column {name}"
        return [Problem(detail, code="shifted")]


def _put(item: dict[str, Any], name: str, value: str, zone: ZoneInfo | None) -> Problem | None:
    outer, _, inner = name.partition(".")
    try:
        read = _read(name, value, zone)
    except ValueError as error:
        return Problem(str(error), name)
    if inner:
        item.setdefault(outer, {})[inner] = read
    else:
        item[outer] = read
    return None


def _read(name: str, value: str, zone: ZoneInfo | None) -> Any:
    match name:
        case _ if name in _TIMES:
            return read_time(value, zone).isoformat()
        case _ if name in _COUNTS:
            return read_count(value)
        case "rating":
            return _rating(value)
        case "language":
            return _LANGUAGES.get(value.casefold(), value)
        case "kind":
            return _KINDS.get(value.casefold(), value.casefold())
        case "hashtags" | "links":
            return [part for part in re.split(r"[\s,;|]+", value) if part]
        case _:
            return value


def read_count(value: str) -> int:
    """A count as spreadsheets write it: "1.234", "1,234", "12.0". Raises ValueError for anything else.

    >>> read_count("1.234"), read_count("12,0"), read_count("1.234.567")
    (1234, 12, 1234567)
    """
    plain = value.replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    if re.fullmatch(r"\d{1,3}([.,]\d{3})(\1|[.,]\d{3})*", plain):
        plain = re.sub(r"[.,]", "", plain)
    plain = re.sub(r"[.,]0+$", "", plain)
    if not re.fullmatch(r"[0-9]+", plain):
        raise ValueError(f"{value[:40]!r} is no count of 0 or more")
    return int(plain)


def _rating(value: str) -> dict[str, float]:
    """ "4", "4,5", "8/10", "8 von 10"."""
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)(?: *(?:/|of|von) *(\d+(?:[.,]\d+)?))?", value)
    if not found:
        raise ValueError(f"{value[:40]!r} is no rating, such as 4,5 or 8/10")
    given, best = (float(part.replace(",", ".")) if part else 5.0 for part in found.groups())
    return {"value": given, "best": best}


def identify(item: dict[str, Any]) -> None:
    """An id that is the same whenever the same row is imported; one that a spreadsheet has damaged is none."""
    platform = re.sub(r"[^a-z0-9]+", "-", str(item.get("platform", "")).casefold()).strip("-") or "import"
    item["platform"] = platform
    author = item.get("author", {})
    author["id"] = author.get("id") or author.get("handle") or author.get("name") or ""
    if author["id"]:
        item["author"] = author
    else:
        # Without any name all of them would be one and the same.
        item.pop("author", None)
    name = item.get("id", "")
    item["id"] = _qualified(platform, name) if name and not is_damaged(name) else _derived(platform, author["id"], item)
    for field in _IDS:
        if (other := item.pop(field, "")) and not is_damaged(other):
            item[field] = _qualified(platform, other)


def is_damaged(name: str) -> bool:
    """Whether a spreadsheet has taken this id for a number.

    >>> is_damaged("5.70306E+17"), is_damaged("570306133677760000"), is_damaged("570306133677760513")
    (True, True, False)
    """
    if _SPREADSHEET.fullmatch(name):
        return True
    return name.isdecimal() and len(name) > _DIGITS_KEPT and not name[_DIGITS_KEPT:].strip("0")


def _qualified(platform: str, name: str) -> str:
    return name if _PREFIXED.fullmatch(name) else f"{platform}:{name}"


def _derived(platform: str, author: str, item: dict[str, Any]) -> str:
    at = str(micros(datetime.fromisoformat(item["published_at"])))
    parts = (author, at, item.get("text", ""), item.get("title", ""), item.get("url", ""))
    told = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return f"{platform}:import-{hashlib.blake2b(told, digest_size=12).hexdigest()}"
