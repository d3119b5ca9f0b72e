"""A language's dictionary forms and stop words: read from spaCy's tables once, in a process of its own, and kept as a
file that is searched where it lies. The only door to spaCy, whose German table alone is 170 MB as Python objects.
"""

from __future__ import annotations

import errno
import mmap
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from resonance.errors import Full, Unconfigured

LANGUAGES: Final = ("de", "en")
_FORMAT: Final = 1
_PACKAGES: Final = ("spacy", "spacy-lookups-data")


class Lemmas:
    """The table of one language. The file: what it was made from, the stop words, and a line "word, tab, lemma" for
    each word, in the order of their bytes."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._lines = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self.made_from = self._lines.readline().decode().rstrip()
        self.stops: frozenset[str] = frozenset(self._lines.readline().decode().split())
        self._first = self._lines.tell()
        self.of = lru_cache(maxsize=1 << 15)(self._of)

    def _of(self, word: str) -> str:
        """The word's dictionary form, in small letters; the word itself where the table does not know it."""
        for spelling in (word, word.lower(), word.capitalize()):
            found = self._find(spelling.encode("utf-8", "surrogatepass"))
            if found is not None:
                return found.decode().lower()
        return word.lower()

    def _find(self, word: bytes) -> bytes | None:
        """Halves the lines until the word's is left."""
        lines, low, high = self._lines, self._first, len(self._lines)
        while low < high:
            start = max(low, lines.rfind(b"\n", low, (low + high) // 2) + 1)
            end = lines.find(b"\n", start)
            key, _, lemma = lines[start:end].partition(b"\t")
            if key == word:
                return lemma
            if key < word:
                low = end + 1
            else:
                high = start
        return None


def open_lemmas(folder: Path) -> Mapping[str, Lemmas]:
    """Language → its table, from files in `folder`. Where they are missing, or were made from another spaCy, they are
    made first (seconds); raises Full where there is no room for them, Unconfigured where that fails otherwise."""
    versions = _made_from()
    opened = {language: _opened(_file(folder, language), versions) for language in LANGUAGES}
    if None in opened.values():
        _build_aside(folder)
        opened = {language: Lemmas(_file(folder, language)) for language in LANGUAGES}
    return {language: table for language, table in opened.items() if table is not None}


def _opened(file: Path, versions: str) -> Lemmas | None:
    if not file.exists():
        return None
    found = Lemmas(file)
    return found if found.made_from == versions else None


def _build_aside(folder: Path) -> None:
    """In a process of its own: what spaCy needs for it goes with that process."""
    command = [sys.executable, "-m", __name__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        problem = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        if f"[Errno {errno.ENOSPC}]" in problem:
            # There may be room again: nobody is needed for it.
            raise Full(f"no room for the tables of dictionary forms in {folder}: {problem}")
        raise Unconfigured(
            f"the tables of dictionary forms could not be made in {folder} (`data` of the settings): {problem}"
        )


def build(folder: Path) -> None:
    """Make the files of all languages; whoever reads or makes them too meanwhile sees the old ones or the new ones."""
    import spacy
    from spacy.util import load_language_data, registry

    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        table: Any = load_language_data(registry.lookups.get(language)["lemma_lookup"])
        stops = " ".join(sorted(spacy.blank(language).Defaults.stop_words))
        rows = sorted((word.encode(), lemma.encode()) for word, lemma in table.items() if _is_plain(word + lemma))
        head = f"{_made_from()}\n{stops}\n".encode()
        with NamedTemporaryFile(dir=folder, delete=False) as fresh:
            fresh.write(head + b"".join(b"%b\t%b\n" % row for row in rows))
        Path(fresh.name).replace(_file(folder, language))


def _is_plain(text: str) -> bool:
    return "\t" not in text and "\n" not in text


def _made_from() -> str:
    return " ".join([f"lemmas {_FORMAT}", *(f"{name} {metadata.version(name)}" for name in _PACKAGES)])


def _file(folder: Path, language: str) -> Path:
    return folder / f"lemmas-{language}.txt"


if __name__ == "__main__":
    build(Path(sys.argv[1]))
