"""Learns the linear model's weights from labelled texts, with numpy alone: some ten seconds a round on one core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct, structs

from resonance.errors import Invalid
from resonance.sentiment.evaluation import Labelled, Scores, evaluate, read_labelled
from resonance.sentiment.features import VERSION
from resonance.sentiment.linear import LinearModel, Manifest, TrainingFile, Weights
from resonance.sentiment.optimise import Linear, Recipe, Table, TableMaker, fit, softmax
from resonance.sentiment.sentences import contrasts, remarks

Floats = npt.NDArray[np.float32]
Progress = Callable[[str], None]

LEARNED_FROM: Final[Mapping[str, float]] = {
    "en_train": 1.0,
    "de_um_train": 2.5,
    "de_sb_train": 1.5,
    "de_po_train": 1.5,
    "fr_um_train": 1.3,
    "es_um_train": 1.3,
    "it_um_train": 1.3,
    "pt_um_train": 1.3,
}
"""File → how much each of its texts counts, before its classes are balanced (by cross-validation on these files)."""
NAME: Final = "linear-2"
"""Counted up whenever other weights are shipped: it stands beside every score."""
TUNED_ON: Final = ("en_te_val", "de_um_val")
"""The temperature is fitted on these, each counting alike; figures are measured on all that are there."""
MEASURED_ON: Final = ("en_te_val", "de_um_val", "en_um_val", "fr_um_val", "es_um_val", "it_um_val", "pt_um_val")
CONTRASTS_COUNT: Final = 12.0
"""Our pairs are few: each of their sentences counts as so many texts."""
REMARKS_COUNT: Final = {"de": 5.0, "en": 3.0}
"""So do our customers' sentences; English has more posts of others about companies already."""
SURENESS: Final = 0.94
"""People err: a label is taken as 94 % sure (+ its third of the rest), which calibrates and resists mislabelled texts."""
ROUNDS: Final = 4
"""Means over so many rounds with other orders and drop-outs; the mean of linear models is one linear model."""
RECIPE: Final = Recipe(epochs=3, rate=0.01, batch=128, shrink=1e-5, drop=0.3)


class Report(Struct, frozen=True):
    """What was learned: the file with the weights, its manifest, and the scores on each validation file."""

    path: Path
    manifest: Manifest
    scores: dict[str, Scores]


class _Corpus(Struct, frozen=True):
    files: tuple[TrainingFile, ...]
    rows: list[Labelled]
    importance: Floats


def train(
    data_dir: Path,
    out_dir: Path,
    *,
    seed: int = 0,
    progress: Progress = lambda message: None,
    own: Sequence[Path] = (),
    rounds: int = ROUNDS,
) -> Report:
    """Learn weights from the labelled files in `data_dir` (and the user's `own`) and write `out_dir`/linear.npz.

    Files that are absent are left out. Texts that also stand in a validation file are not learned from. Raises Invalid
    where a line is malformed or there is nothing to learn from. The same files and seed give the same weights.
    """
    measured = {
        name: read_labelled(data_dir / f"{name}.tsv") for name in MEASURED_ON if (data_dir / f"{name}.tsv").exists()
    }
    corpus = _gather(data_dir, own, {_plain(row.text) for rows in measured.values() for row in rows})
    progress(f"{len(corpus.rows)} texts from {len(corpus.files)} files")
    maker = TableMaker()
    table = maker.table([row.text for row in corpus.rows])
    labels = np.array([row.label for row in corpus.rows])
    wanted = (np.eye(3, dtype=np.float32)[labels] * SURENESS + (1 - SURENESS) / 3).astype(np.float32)
    linear = _mean(table, wanted, corpus.importance, seed, rounds, progress)
    tuning = [
        (maker.table([row.text for row in measured[name]]), measured[name]) for name in TUNED_ON if name in measured
    ]
    manifest = Manifest(
        name=NAME,
        features=VERSION,
        seed=seed,
        temperature=temperature(linear, tuning) if tuning else 1.0,
        bias=(float(linear.bias[0]), float(linear.bias[1]), float(linear.bias[2])),
        files=corpus.files,
    )
    shown = (linear.weights[:, [0, 2]] - linear.weights[:, [1]]).astype(np.float16)
    model = LinearModel(Weights(shown, manifest))
    scores = {name: evaluate(model, rows) for name, rows in measured.items()}
    manifest = structs.replace(manifest, validation={name: _percent(found) for name, found in scores.items()})
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "linear.npz"
    Weights(shown, manifest).save(path)
    progress(f"wrote {path.name}, {path.stat().st_size / 1e6:.2f} MB")
    return Report(path, manifest, scores)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _gather(data_dir: Path, own: Sequence[Path], forbidden: set[str]) -> _Corpus:
    """All texts to learn from, classes balanced within each file's group."""
    named = [(data_dir / f"{name}.tsv", weight) for name, weight in LEARNED_FROM.items()]
    files: list[TrainingFile] = []
    rows: list[Labelled] = []
    importance: list[Floats] = []
    for path, weight in [(path, weight) for path, weight in named if path.exists()] + [(path, 1.0) for path in own]:
        found = [row for row in read_labelled(path) if _plain(row.text) not in forbidden]
        files.append(TrainingFile(path.name, len(found), path.stat().st_size))
        rows += found
        importance.append(_balanced(found) * np.float32(weight))
    if not rows:
        raise Invalid(
            f"no labelled file to learn from in {data_dir.name}: expected one of {', '.join(LEARNED_FROM)} (.tsv)"
        )
    pairs = [row for pair in contrasts("learn") for row in pair.rows]
    files.append(TrainingFile("contrasts.tsv", len(pairs), 0))
    importance.append(np.full(len(pairs), CONTRASTS_COUNT, dtype=np.float32))
    said = [remark for remark in remarks("learn") if _plain(remark.text) not in forbidden]
    files.append(TrainingFile("customers.tsv", len(said), 0))
    counts = np.array([REMARKS_COUNT[remark.language] for remark in said], dtype=np.float32)
    customers = [remark.row for remark in said]
    importance.append(_balanced(customers) * counts)
    return _Corpus(tuple(files), rows + pairs + customers, np.concatenate(importance))


def _balanced(rows: Sequence[Labelled]) -> Floats:
    """An importance for each text, so that each class present counts alike and the mean is 1."""
    labels = np.array([row.label for row in rows], dtype=np.intp)
    counts = np.bincount(labels, minlength=3)
    present = max(1, int(np.count_nonzero(counts)))
    return np.asarray((len(rows) / present / np.maximum(1, counts))[labels], dtype=np.float32)


def _mean(table: Table, wanted: Floats, importance: Floats, seed: int, rounds: int, progress: Progress) -> Linear:
    found: list[Linear] = []
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        found.append(fit(table, wanted, importance, RECIPE, seed + number))
    weights = sum((one.weights for one in found), np.float32(0)) / np.float32(rounds)
    bias = sum((one.bias for one in found), np.float32(0)) / np.float32(rounds)
    return Linear(np.asarray(weights, dtype=np.float32), np.asarray(bias, dtype=np.float32))


def temperature(linear: Linear, sets: Sequence[tuple[Table, Sequence[Labelled]]]) -> float:
    """The divisor of the logits that makes the labelled texts likeliest (Guo and others, ICML 2017), of a fine grid."""
    known = [(linear.logits(table), np.array([row.label for row in rows])) for table, rows in sets]

    def surprise(divisor: float) -> float:
        return sum(
            float(-np.log(softmax(logits / np.float32(divisor))[np.arange(len(right)), right] + 1e-9).mean())
            for logits, right in known
        )

    grid = [round(0.5 + 0.02 * step, 2) for step in range(126)]
    return min(grid, key=surprise)


def _percent(scores: Scores) -> dict[str, float]:
    return {
        "macro_f1": round(100 * scores.macro_f1, 1),
        "macro_recall": round(100 * scores.macro_recall, 1),
        "accuracy": round(100 * scores.accuracy, 1),
        "n": scores.n,
    }
