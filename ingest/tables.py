"""CSV as people export it: any usual encoding and separator, lines above the header, broken quotes.

A quote that is never closed swallows the rows that follow it; those that stand there whole are found again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import BinaryIO, NamedTuple, TypeVar

ENCODING_SAMPLE = 4_000_000
_LONGEST_FIELD = 1_000_000
_PREAMBLE = 20
_LONGEST_RECORD = 50

csv.field_size_limit(_LONGEST_FIELD)

T = TypeVar("T")


class Record(NamedTuple):
    """A row, and the physical lines of which it was read; `number` is the first one's, from 1. `cells` None: no CSV, as
    `problem` says."""

    number: int
    cells: list[str] | None
    lines: list[str]
    problem: str = ""


class Table:
    """A CSV file, its header found: the first row of which `is_header` says that it holds what is looked for."""

    def __init__(self, file: BinaryIO, encoding: str, is_header: Callable[[list[str]], bool]) -> None:
        text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
        above = list(islice(text, _PREAMBLE))
        self.separator, skip = _separator(above)
        rows = csv.reader(above[skip:], delimiter=self.separator)
        candidates = [([cell.strip() for cell in cells], rows.line_num + skip) for cells in rows]
        first = candidates[0] if candidates else ([], 0)
        self.header, end = next((one for one in candidates if is_header(one[0])), first)
        # The wrapper is closed with the file, not when the last line was read.
        self._text = text
        self._lines = _Lines(chain(above[end:], text), end)

    def __iter__(self) -> Iterator[Record]:
        """The records below the header."""
        rows = csv.reader(self._lines, delimiter=self.separator)
        while True:
            number, self._lines.taken = self._lines.count + 1, []
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(number, None, self._lines.taken, f"is no CSV: {error}")
            else:
                yield Record(number, cells, self._lines.taken)

    def salvaged(self, damaged: Record, whole: Callable[[Record], T | None]) -> Iterator[T]:
        """What `whole` makes of the records that a damaged one has swallowed; None: it is none, look one line further."""
        lines, start = damaged.lines, 1
        while start < len(lines):
            rows = csv.reader(lines[start : start + _LONGEST_RECORD], delimiter=self.separator)
            found = None
            with suppress(csv.Error):
                cells = next(rows, [])
                if len(cells) == len(self.header):
                    found = whole(Record(damaged.number + start, cells, lines[start : start + rows.line_num]))
            if found is not None:
                yield found
            start += rows.line_num if found is not None else 1


class _Lines:
    """Physical lines, counted; `taken` are those of the record that is being read."""

    def __init__(self, lines: Iterator[str], count: int) -> None:
        self._lines = lines
        self.taken: list[str] = []
        self.count = count

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        self.taken.append(line)
        return line


def _separator(above: list[str]) -> tuple[str, int]:
    """What separates the cells, and how many lines stand before the header ("sep=;" as spreadsheets write it)."""
    if above and above[0].lower().startswith("sep=") and len(above[0].strip()) <= 5:
        return above[0][4:5].strip("\r\n") or "\t", 1
    for line in above:
        widths = {separator: len(next(csv.reader([line], delimiter=separator), [])) for separator in ",;\t|"}
        best = max(widths, key=lambda separator: widths[separator])
        if widths[best] > 1:
            return best, 0
    return ",", 0


def encoding_of(head: bytes) -> str:
    """UTF-8 unless much of it is not: damage here and there is replaced, another encoding is recognised."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    foreign = sum(byte >= 0x80 for byte in head) if not head.isascii() else 0
    broken = head.decode("utf-8", "replace").count("\ufffd") if foreign else 0
    return "cp1252" if broken > foreign * 0.3 else "utf-8"
