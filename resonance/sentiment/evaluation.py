"""How good a model is on labelled texts, and how files of labelled texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from resonance.errors import Invalid, Problem
from resonance.sentiment.model import Polarity, SentimentModel

NAMES: Final = {"0": 0, "1": 1, "2": 2, "negative": 0, "neutral": 1, "positive": 2}


class Labelled(Struct, frozen=True):
    """A text and what a person called it: 0 negative, 1 neutral, 2 positive."""

    label: int
    text: str


class Scores(Struct, frozen=True):
    """How often a model agrees with people. Measures are fractions; `confusion[true][said]` counts texts."""

    macro_f1: float
    macro_recall: float
    accuracy: float
    confusion: tuple[tuple[int, int, int], ...]
    n: int


def read_labelled(path: Path) -> list[Labelled]:
    """The rows of a file of `label<TAB>text` lines; empty lines are passed over.

    A label is 0, 1, 2 or its English name. Raises Invalid that names every malformed line.
    """
    rows: list[Labelled] = []
    problems: list[Problem] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if line.strip():
            label, tab, text = line.rstrip("\r").partition("\t")
            known = NAMES.get(label.strip().casefold())
            if not tab or known is None or not text.strip():
                detail = "expected a label (0, 1, 2 or negative, neutral, positive), a tab and a text"
                problems.append(Problem(detail, path.name, "malformed_line", number, 1))
            else:
                rows.append(Labelled(known, text))
    if problems:
        raise Invalid(problems)
    return rows


def chosen(polarity: Polarity) -> int:
    """The most probable of the three, also where the label is "uncertain".

    >>> chosen(Polarity(0.4, 0.35, 0.25))
    0
    """
    p = (polarity.negative, polarity.neutral, polarity.positive)
    return p.index(max(p))


def evaluate(model: SentimentModel, rows: Sequence[Labelled]) -> Scores:
    """The model's scores on labelled texts."""
    said = [chosen(polarity) for polarity in model.score([row.text for row in rows])]
    return scores_of([row.label for row in rows], said)


def scores_of(true: Sequence[int], said: Sequence[int]) -> Scores:
    """The measures over pairs of labels; F1 and recall are means over the three classes, those without a text included.

    >>> scores_of([0, 1, 2, 2], [0, 1, 2, 1]).confusion
    ((1, 0, 0), (0, 1, 0), (0, 1, 1))
    """
    confusion = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    for right, answer in zip(true, said, strict=True):
        confusion[right][answer] += 1
    hits = [confusion[label][label] for label in range(3)]
    are = [sum(row) for row in confusion]
    called = [sum(column) for column in zip(*confusion, strict=True)]
    return Scores(
        macro_f1=sum(2 * hits[i] / max(1, are[i] + called[i]) for i in range(3)) / 3,
        macro_recall=sum(hits[i] / max(1, are[i]) for i in range(3)) / 3,
        accuracy=sum(hits) / max(1, len(true)),
        confusion=tuple((row[0], row[1], row[2]) for row in confusion),
        n=len(true),
    )
