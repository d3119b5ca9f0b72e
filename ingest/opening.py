"""Opens files plain or compressed (.gz, .zst of any number of frames). A file that ends in the middle says so."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

_CHUNK = 262_144
_SAMPLE = 1_000_000

DAMAGED = (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile)
"""What reading a damaged or cut file raises."""


class _Frames(io.RawIOBase):
    """The content of a zstd file, frame after frame."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        while not self._ready:
            chunk = self._file.read(_CHUNK)
            if not chunk:
                if self._begun:
                    raise EOFError("the compressed file ends in the middle")
                return 0
            self._ready = memoryview(b"".join(self._unpacked(chunk)))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            self._begun = True
            yield self._frame.decompress(chunk)
            if not self._frame.eof:
                return
            chunk = self._frame.unused_data
            self._frame, self._begun = zstandard.ZstdDecompressor().decompressobj(), False

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def open_plain(path: Path) -> BinaryIO:
    """The file's uncompressed bytes; reading raises one of DAMAGED where it is broken."""
    # GzipFile closes only what it has opened itself.
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else _around(path, path.open("rb"))


def _around(path: Path, file: BinaryIO) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if path.suffix == ".zst":
        return io.BufferedReader(_Frames(file), _CHUNK)
    return file


def plain_name(path: Path) -> str:
    """The file's name without what says how it is compressed."""
    return path.name.removesuffix(".gz").removesuffix(".zst").lower()


def count_lines(path: Path) -> int:
    """About how many lines the file has, judged by its beginning; exact for small files. For progress bars."""
    with path.open("rb") as file:
        plain = _around(path, file)
        try:
            head = plain.read(_SAMPLE)
        except DAMAGED:
            return 0
        lines, reached = head.count(b"\n"), max(file.tell(), 1)
        if len(head) < _SAMPLE:
            return lines + bool(head and not head.endswith(b"\n"))
        return max(1, round(lines * path.stat().st_size / reached))
