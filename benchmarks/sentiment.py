"""How many texts a second the fast model scores, beside vaderSentiment on the same texts in the same run.

`python -m benchmarks.sentiment [FILE of label<TAB>text]` prints one JSON object a line. Times are CPU time of one
process, the best of `rounds`; only the ratio carries to another machine. "cold" starts with nothing remembered.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.row import Row, say
from resonance.sentiment.evaluation import read_labelled
from resonance.sentiment.linear import LinearModel, Weights

_OPENINGS = [
    "honestly",
    "today",
    "finally",
    "well",
    "ok",
    "so",
    "yesterday",
    "wow",
    "ehrlich",
    "heute",
    "endlich",
    "also",
    "naja",
    "gestern",
]
_SAYING = [
    "the new app is",
    "das neue Update ist",
    "their support was",
    "der Service war",
    "I find this",
    "ich finde das",
]
_FEELING = [
    "not bad at all :)",
    "wirklich toll 😍",
    "terrible!!!",
    "nicht gut 😡",
    "ok I guess",
    "so lala",
    "SO good",
    "einfach nur schlecht",
]


def measure(texts: Sequence[str] | None = None, *, rounds: int = 3, seed: int = 1) -> list[dict[str, Any]]:
    """One row per scorer: texts per CPU second, and the ratio to VADER's."""
    texts = texts if texts is not None else made_texts(seed)
    weights = Weights.load()
    vader = SentimentIntensityAnalyzer()
    warm = LinearModel(weights)
    warm.score(texts)
    rates = {"linear cold": 0.0, "linear warm": 0.0, "linear one by one": 0.0, "vader": 0.0}
    for _ in range(rounds):
        cold = LinearModel(weights)
        runs: dict[str, Callable[[], object]] = {
            "linear cold": lambda cold=cold: cold.score(texts),  # type: ignore[misc]
            "linear warm": lambda: warm.score(texts),
            "linear one by one": lambda: [warm.score([text]) for text in texts],
            "vader": lambda: [vader.polarity_scores(text) for text in texts],
        }
        for name, run in runs.items():
            rates[name] = max(rates[name], _rate(run, len(texts)))
    return [
        {"benchmark": "sentiment", "scorer": name, "texts_per_cpu_s": round(rate), "times_vader": rate / rates["vader"]}
        for name, rate in rates.items()
    ]


def rows() -> list[Row]:
    """For the table of all: the model at work, and with nothing remembered."""
    say("sentiment beside VADER")
    found = {row["scorer"]: float(row["texts_per_cpu_s"]) for row in measure(rounds=1)}
    what = {"linear warm": "sentiment of a text, by the shipped model", "linear cold": "… which has just started"}
    return [Row(name, found[scorer], "texts/CPU s", "vaderSentiment", found["vader"]) for scorer, name in what.items()]


def made_texts(seed: int, count: int = 4_000) -> list[str]:
    """Posts of invented words between real ones: as many different words as people write."""
    chance = random.Random(seed)
    letters = "etaoinshrdlucmfwäöü"
    words = ["".join(chance.choices(letters, k=chance.randint(3, 10))) for _ in range(12_000)]
    posts = []
    for _ in range(count):
        filling = " ".join(
            words[min(int(chance.paretovariate(0.6)), len(words)) - 1] for _ in range(chance.randint(2, 14))
        )
        said = f"{chance.choice(_SAYING)} {chance.choice(_FEELING)}"
        posts.append(f"@user {chance.choice(_OPENINGS)}, {said} {filling} #topic https://a.example/b")
    return posts


def _rate(run: Callable[[], object], count: int) -> float:
    started = time.process_time()
    run()
    return count / max(1e-9, time.process_time() - started)


if __name__ == "__main__":
    given = [row.text for row in read_labelled(Path(sys.argv[1]))] if sys.argv[1:] else None
    for row in measure(given):
        sys.stdout.write(json.dumps(row) + "\n")
