"""A sparse softmax regression in numpy: texts as rows of hashed features, trained with lazy Adam in small batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from resonance.sentiment.features import ROWS, Vocabulary, character_rows, hash_of, pair_rows

Floats = npt.NDArray[np.float32]
Progress = Callable[[str], None]
CLASSES: Final = 3
_FADING: Final = (0.9, 0.999)  # Adam's usual memory of slope and of squared slope (Kingma and Ba, 2015)
_TINY: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Table:
    """Texts as hashed features: text i has `rows[start[i]:start[i + 1]]` with their `values`."""

    rows: npt.NDArray[np.int32]
    values: Floats
    start: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start) - 1

    def take(self, chosen: Sequence[int] | npt.NDArray[np.intp]) -> Table:
        """These texts only, in this order."""
        bounds = [(self.start[i], self.start[i + 1]) for i in chosen]
        start = np.concatenate([[0], np.cumsum([end - begin for begin, end in bounds])]).astype(np.int64)
        if not bounds:
            return Table(self.rows[:0], self.values[:0], start)
        return Table(
            np.concatenate([self.rows[a:b] for a, b in bounds]),
            np.concatenate([self.values[a:b] for a, b in bounds]),
            start,
        )


class TableMaker:
    """Turns texts into a Table; remembers the character rows of each token."""

    def __init__(self) -> None:
        self._hashes: list[int] = []
        self._characters: list[npt.NDArray[np.int32]] = []
        self._known: dict[str, int] = {}
        self._vocabulary = Vocabulary(self._number)

    def _number(self, token: str) -> int:
        number = self._known.get(token)
        if number is None:
            number = self._known[token] = len(self._hashes)
            self._hashes.append(hash_of(token))
            self._characters.append(np.array(character_rows(token), dtype=np.int32))
        return number

    def table(self, texts: Sequence[str]) -> Table:
        """The features of the texts: words and pairs weigh 1/√(2 tokens) each, character n-grams 1/√(n-grams)."""
        rows: list[npt.NDArray[np.int32]] = []
        values: list[Floats] = []
        lengths = [0]
        edge = np.zeros(1, dtype=np.intp)
        for text in texts:
            numbers = self._vocabulary.numbers(text)
            if numbers:
                hashes = np.array([self._hashes[i] for i in numbers], dtype=np.uint32)
                words = (hashes & np.uint32(ROWS - 1)).astype(np.int32)
                characters = np.concatenate([self._characters[i] for i in numbers])
                rows += (words, pair_rows(hashes, edge).astype(np.int32), characters)
                values.append(np.full(2 * len(words), 1 / math.sqrt(2 * len(words)), dtype=np.float32))
                if len(characters):
                    values.append(np.full(len(characters), 1 / math.sqrt(len(characters)), dtype=np.float32))
                lengths.append(2 * len(words) + len(characters))
            else:
                lengths.append(0)
        nothing = [np.zeros(0, dtype=np.int32)]
        return Table(
            np.concatenate(rows or nothing),
            np.concatenate(values or [np.zeros(0, dtype=np.float32)]),
            np.cumsum(np.array(lengths, dtype=np.int64)),
        )


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of each row for negative, neutral, positive; and what a text without any feature gets."""

    weights: Floats
    bias: Floats

    def logits(self, table: Table) -> Floats:
        """One row of three for each text."""
        return np.concatenate(
            [self._logits(table.take(range(at, min(at + 2048, len(table))))) for at in range(0, len(table), 2048)]
            or [np.zeros((0, CLASSES), dtype=np.float32)]
        )

    def _logits(self, table: Table) -> Floats:
        return sums(self.weights[table.rows] * table.values[:, None], table.start) + self.bias


def sums(parts: Floats, start: npt.NDArray[np.int64]) -> Floats:
    """Sums of consecutive rows; an empty stretch sums to 0 (np.add.reduceat alone would take its neighbour's row)."""
    found: Floats = np.zeros((len(start) - 1, parts.shape[1]), dtype=parts.dtype)
    filled = np.flatnonzero(np.diff(start))
    if len(filled):
        found[filled] = np.add.reduceat(parts, start[:-1][filled], axis=0)
    return found


def softmax(logits: Floats) -> Floats:
    """Probabilities of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How weights are fitted; found by cross-validation on the training parts."""

    epochs: int = 3
    rate: float = 0.01
    batch: int = 128
    shrink: float = 1e-5
    drop: float = 0.1


class _Adam:
    """Adam that touches only the rows of a batch."""

    def __init__(self, rate: float, shrink: float) -> None:
        self.weights: Floats = np.zeros((ROWS, CLASSES), dtype=np.float32)
        self.bias: Floats = np.zeros(CLASSES, dtype=np.float32)
        self._slope = np.zeros_like(self.weights)
        self._square = np.zeros_like(self.weights)
        self._touched = np.zeros(ROWS, dtype=bool)
        self._place = np.zeros(ROWS, dtype=np.int32)
        self._rate, self._shrink, self._steps = rate, shrink, 0

    def step(self, table: Table, wanted: Floats, importance: Floats, pace: float) -> None:
        """One batch: move the weights against the slope of the weighted cross entropy."""
        logits = sums(self.weights[table.rows] * table.values[:, None], table.start) + self.bias
        error = (softmax(logits) - wanted) * (importance / importance.sum())[:, None]
        self._touched[table.rows] = True
        rows = np.flatnonzero(self._touched)
        self._touched[rows] = False
        self._place[rows] = np.arange(len(rows), dtype=np.int32)
        place = self._place[table.rows]
        owner = np.repeat(np.arange(len(table)), np.diff(table.start))
        slope = np.empty((len(rows), CLASSES), dtype=np.float32)
        for column in range(CLASSES):
            slope[:, column] = np.bincount(place, error[owner, column] * table.values, len(rows))
        slope += 2 * self._shrink * self.weights[rows]
        self._steps += 1
        first, second = _FADING
        m = first * self._slope[rows] + (1 - first) * slope
        v = second * self._square[rows] + (1 - second) * slope * slope
        self._slope[rows], self._square[rows] = m, v
        scale = math.sqrt(1 - second**self._steps) / (1 - first**self._steps)
        self.weights[rows] -= pace * self._rate * scale * m / (np.sqrt(v) + _TINY)
        self.bias -= pace * 0.2 * self._rate * error.sum(axis=0)


def fit(table: Table, wanted: Floats, importance: Floats, recipe: Recipe, seed: int) -> Linear:
    """Weights for soft labels `wanted` (texts × 3); the same seed gives the same weights."""
    chance = np.random.default_rng(seed)
    adam = _Adam(recipe.rate, recipe.shrink)
    count = len(table)
    steps = recipe.epochs * math.ceil(count / recipe.batch)
    done = 0
    for _ in range(recipe.epochs):
        order = chance.permutation(count)
        for at in range(0, count, recipe.batch):
            chosen = order[at : at + recipe.batch]
            batch = table.take(chosen)
            if recipe.drop:
                kept = chance.random(len(batch.rows), dtype=np.float32) >= recipe.drop
                batch = Table(batch.rows, batch.values * kept / np.float32(1 - recipe.drop), batch.start)
            adam.step(batch, wanted[chosen], importance[chosen], max(0.03, 1 - done / steps))
            done += 1
    return Linear(adam.weights, adam.bias)
