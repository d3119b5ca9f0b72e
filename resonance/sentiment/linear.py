"""The fast model: hashed words, pairs and character n-grams, weighed and summed. No network, no other package than numpy."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Final, cast

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from resonance.errors import NewerVersion, Unconfigured
from resonance.sentiment.features import ROWS, VERSION, Vocabulary, character_rows, hash_of, pair_rows
from resonance.sentiment.model import Polarity, Spans, blend, surroundings

REMEMBERED: Final = 1 << 17
"""So many tokens' parts of a score are remembered (about 30 MB), then all are forgotten."""
_SHIPPED: Final = "weights/linear.npz"
_AT_ONCE: Final = 512


class TrainingFile(Struct, frozen=True):
    """A file that weights were learned from: its name, how many texts were used, and its size in bytes."""

    name: str
    texts: int
    size: int


class Manifest(Struct, frozen=True):
    """What stands beside the weights: which features they fit, how they came about, how good they are.

    `validation`: file → measure → percent. `temperature` divides the logits, so that 0.7 means right in 7 of 10 cases.
    """

    name: str
    features: int
    seed: int
    temperature: float
    bias: tuple[float, float, float]
    files: tuple[TrainingFile, ...] = ()
    validation: dict[str, dict[str, float]] = {}


class Weights(Struct, frozen=True):
    """A table of (2**BITS, 2) float16, negative and positive relative to neutral, and its manifest."""

    table: npt.NDArray[np.float16]
    manifest: Manifest

    def save(self, path: Path) -> None:
        """Write them as one compressed file."""
        with path.open("wb") as file:
            np.savez_compressed(
                file, table=self.table, manifest=np.frombuffer(msgspec.json.encode(self.manifest), dtype=np.uint8)
            )

    @classmethod
    def load(cls, path: Path | None = None) -> Weights:
        """Read them from a file; None: those that are shipped. Raises NewerVersion where they fit other features."""
        data = path.read_bytes() if path else resources.files("resonance.sentiment").joinpath(_SHIPPED).read_bytes()
        try:
            with np.load(BytesIO(data), allow_pickle=False) as file:
                manifest = msgspec.json.decode(file["manifest"].tobytes(), type=Manifest)
                table = file["table"]
        except (ValueError, KeyError, OSError, msgspec.DecodeError) as error:
            raise Unconfigured(f"{path or _SHIPPED} holds no weights of the linear model: {error}") from error
        if manifest.features != VERSION or table.shape != (ROWS, 2):
            raise NewerVersion(f"the weights {manifest.name} fit features {manifest.features}, this is {VERSION}")
        return cls(table, manifest)


class _Memory:
    """Per token: hash, its word's two weights, its characters' two weights and how many character n-grams it has."""

    def __init__(self, weights: npt.NDArray[np.float32]) -> None:
        self._weights = weights
        self.size = 0
        self.hashes = np.zeros(1024, dtype=np.uint32)
        self.parts = np.zeros((1024, 5), dtype=np.float32)
        self._known: dict[str, int] = {}
        self.vocabulary = Vocabulary(self._number)

    def _number(self, token: str) -> int:
        number = self._known.get(token)
        if number is None:
            number = self._known[token] = self.size
            if number == len(self.hashes):
                self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
                self.parts = np.concatenate([self.parts, np.zeros_like(self.parts)])
            self._learn(token, number)
            self.size += 1
        return number

    def _learn(self, token: str, number: int) -> None:
        hashed = hash_of(token)
        self.hashes[number] = hashed
        part = self.parts[number]
        part[:2] = self._weights[hashed & (ROWS - 1)]
        characters = character_rows(token)
        if characters:
            part[2:4] = self._weights[characters].sum(axis=0)
            part[4] = len(characters)


class LinearModel:
    """The linear model at work; safe to share between threads."""

    def __init__(self, weights: Weights) -> None:
        self.manifest = weights.manifest
        self._weights = weights.table.astype(np.float32)
        negative, neutral, positive = weights.manifest.bias
        self._bias = np.array([negative - neutral, positive - neutral])
        self._memory = _Memory(self._weights)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path | None = None) -> LinearModel:
        """The model with the weights of a file; None: those that are shipped."""
        return cls(Weights.load(path))

    @property
    def name(self) -> str:
        """Kind and version, as it stands beside every score."""
        return self.manifest.name

    def score(self, texts: Sequence[str]) -> list[Polarity]:
        """How each text is felt."""
        found: list[Polarity] = []
        with self._lock:
            for at in range(0, len(texts), _AT_ONCE):
                found += self._score(texts[at : at + _AT_ONCE])
        return found

    def score_windows(self, asked: Sequence[tuple[str, Spans]]) -> list[Polarity]:
        """How each text is felt about what stands at its spans: half the whole, half five words on either side."""
        pairs = [(text, surroundings(text, spans) or text) for text, spans in asked]
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        felt = dict(zip(texts, self.score(texts), strict=True))
        return [felt[text] if near == text else blend(felt[text], felt[near]) for text, near in pairs]

    def _score(self, texts: Sequence[str]) -> list[Polarity]:
        if self._memory.size > REMEMBERED or self._memory.vocabulary.size > REMEMBERED:
            self._memory = _Memory(self._weights)
        memory = self._memory
        numbers: list[int] = []
        ends = [0]
        for text in texts:
            numbers += memory.vocabulary.numbers(text)
            ends.append(len(numbers))
        logits = self._logits(np.array(numbers, dtype=np.intp), np.array(ends, dtype=np.intp))
        logits = (logits + self._bias) / self.manifest.temperature
        raised = np.ones((len(texts), 3))
        raised[:, 0], raised[:, 2] = np.exp(np.clip(logits, -30, 30)).T
        raised /= raised.sum(axis=1, keepdims=True)
        return [Polarity(*cast(tuple[float, float, float], row)) for row in raised.tolist()]

    def _logits(self, numbers: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Negative and positive relative to neutral, before the bias, of texts whose tokens end at `ends`."""
        counts = np.diff(ends)
        filled = np.flatnonzero(counts)
        logits = np.zeros((len(counts), 2))
        if len(filled):
            memory = self._memory
            starts = ends[:-1][filled]
            parts = memory.parts[numbers]
            parts[:, :2] += self._weights[pair_rows(memory.hashes[numbers], starts)]
            sums = np.add.reduceat(parts.astype(np.float64), starts, axis=0)
            words = np.sqrt(2.0 * counts[filled])[:, None]
            characters = np.sqrt(np.maximum(1.0, sums[:, 4:]))
            logits[filled] = sums[:, :2] / words + sums[:, 2:4] / characters
        return logits
