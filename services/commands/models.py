"""`resonance score`, `train sentiment`, `evaluate sentiment`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from resonance.errors import Invalid, Problem
from resonance.language.detect import LanguageDetector
from resonance.matching import Matcher
from resonance.scoring import text_of
from resonance.sentiment.evaluation import evaluate as evaluate_model
from resonance.sentiment.evaluation import read_labelled
from resonance.sentiment.linear import LinearModel
from services.commands.query import read_mention

console = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(score)
    train = typer.Typer(help="Train the shipped models again.", no_args_is_help=True)
    train.command("sentiment")(train_sentiment)
    train.callback()(_group)
    app.add_typer(train, name="train")
    evaluate = typer.Typer(help="Measure models on labelled files.", no_args_is_help=True)
    evaluate.command("sentiment")(evaluate_sentiment)
    evaluate.callback()(_group)
    app.add_typer(evaluate, name="evaluate")


def _group() -> None:
    """Keeps the model's name a word of its own."""


def score(
    model: Annotated[str, typer.Option("--model", help="fast, or a folder with linear.npz")] = "fast",
    topic: Annotated[str | None, typer.Option("--topic", help="Score what is said about this term")] = None,
) -> None:
    """Read mentions (JSONL) on stdin, write {"id", "language", "polarity", "label", "p", "confidence"} to stdout."""
    loaded = open_model(model)
    detector = LanguageDetector(("de", "en"))
    target = Matcher.compile({"topic": topic}) if topic else None
    bad = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            mention = read_mention(line)
        except Invalid as error:
            bad += 1
            console.print(f"line {number}: {error}", markup=False, highlight=False)
            continue
        spans = dict(target.match(mention)).get("topic", ()) if target else ()
        polarity = (loaded.score_windows([(mention.text, spans)]) if spans else loaded.score([text_of(mention)]))[0]
        answer = {
            "id": mention.id,
            "language": detector.detect(mention.text, mention.language).language,
            "polarity": round(polarity.polarity, 4),
            "label": polarity.label,
            "p": [round(polarity.negative, 4), round(polarity.neutral, 4), round(polarity.positive, 4)],
            "confidence": round(polarity.confidence, 4),
        }
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    if bad:
        raise typer.Exit(1)


def open_model(name: str) -> LinearModel:
    """The model of that name or folder; raises Invalid where there is none."""
    if name == "fast":
        return LinearModel.load()
    if name == "balanced":
        raise Invalid([Problem("this model is not shipped yet; use fast, or a folder", "--model balanced", "not_yet")])
    path = Path(name) / "linear.npz"
    if not path.exists():
        raise Invalid([Problem(f"there is no {path}", "--model", "missing")])
    return LinearModel.load(path)


def train_sentiment(
    data: Annotated[
        Path, typer.Argument(help="Folder with labelled files (label<TAB>text)", exists=True, file_okay=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the weights go")] = Path("resonance/sentiment/weights"),
    own: Annotated[list[Path] | None, typer.Option("--own", help="Your own labelled file; may be repeated")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Learn the fast model's weights anew; prints its validation figures."""
    from resonance.sentiment.training import train

    report = train(data, out, seed=seed, progress=console.print, own=own or [])
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(report.manifest)).decode() + "\n")


def evaluate_sentiment(
    files: Annotated[list[Path], typer.Argument(help="label<TAB>text; 0 negative, 1 neutral, 2 positive", exists=True)],
    model: Annotated[str, typer.Option("--model", help="fast, or a folder with linear.npz")] = "fast",
) -> None:
    """Measure a model on labelled files: a JSON line each."""
    loaded = open_model(model)
    for path in files:
        scores = evaluate_model(loaded, read_labelled(path))
        sys.stdout.buffer.write(msgspec.json.encode({"file": path.name, "scores": scores}) + b"\n")
