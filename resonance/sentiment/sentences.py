"""Our own sentences to learn from, German and English: what customers say, and pairs that mean the opposite."""

from __future__ import annotations

from importlib import resources
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from resonance.sentiment.evaluation import NAMES, Labelled

Portion = Literal["learn", "held"]
Tongue = Literal["de", "en"]
Kind = TypeVar("Kind")


class Contrast(Struct, frozen=True, array_like=True):
    """A negative and a positive sentence with nearly the same words: negations and litotes."""

    part: Portion
    language: Tongue
    negative: str
    positive: str

    @property
    def rows(self) -> tuple[Labelled, Labelled]:
        """Both sentences with their labels."""
        return Labelled(0, self.negative), Labelled(2, self.positive)


class Remark(Struct, frozen=True, array_like=True):
    """What somebody says of a company, a product or an institution: often a fault as a dry fact, which posts among friends
    hardly ever are."""

    part: Portion
    language: Tongue
    label: Literal["negative", "neutral", "positive"]
    text: str

    @property
    def row(self) -> Labelled:
        """The sentence with its label."""
        return Labelled(NAMES[self.label], self.text)


def contrasts(part: Portion) -> list[Contrast]:
    """The pairs of contrasts.tsv; what is held is never learned from."""
    return [pair for pair in _read("contrasts.tsv", Contrast) if pair.part == part]


def remarks(part: Portion) -> list[Remark]:
    """The sentences of customers.tsv; what is held is never learned from."""
    return [remark for remark in _read("customers.tsv", Remark) if remark.part == part]


def _read(name: str, kind: type[Kind]) -> list[Kind]:
    lines = resources.files("resonance.sentiment").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [msgspec.convert(line.split("\t"), kind) for line in lines if line and not line.startswith("#")]
