"""Our own pairs of sentences that differ in little and mean the opposite: negations and litotes, German and English."""

from __future__ import annotations

from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from resonance.sentiment.evaluation import Labelled


class Contrast(Struct, frozen=True, array_like=True):
    """A negative and a positive sentence with nearly the same words. What is `held` is never learned from."""

    part: Literal["learn", "held"]
    language: Literal["de", "en"]
    negative: str
    positive: str

    @property
    def rows(self) -> tuple[Labelled, Labelled]:
        """Both sentences with their labels."""
        return Labelled(0, self.negative), Labelled(2, self.positive)


def contrasts(part: Literal["learn", "held"]) -> list[Contrast]:
    """The pairs of one part, as they stand in contrasts.tsv."""
    file = resources.files("resonance.sentiment").joinpath("contrasts.tsv")
    pairs = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pairs.append(msgspec.convert(line.split("\t"), Contrast))
    return [pair for pair in pairs if pair.part == part]
