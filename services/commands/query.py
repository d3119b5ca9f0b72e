"""`resonance match`: what a catalogue or a query matches, on standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ingest.cleaning import admit
from resonance.clock import SystemClock
from resonance.errors import Invalid, Problem
from resonance.language.detect import LanguageDetector
from resonance.matching.matcher import Matcher
from resonance.model import Mention, Upsert
from services.settings import load


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(match)


def match(
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="A configuration with [[topics]]")] = None,
    query: Annotated[str | None, typer.Option("--query", help="One query")] = None,
) -> None:
    """Read mentions (JSONL) on stdin, write {"id", "matches": [{"topic", "spans"}]} to stdout; spans count code points."""
    if (catalogue is None) == (query is None):
        raise Invalid([Problem("give either --catalogue or --query", "match", "usage")])
    topics = load(catalogue).seed.active_topics() if catalogue else []
    queries = {topic.id: topic.query for topic in topics} if catalogue else {"query": query or ""}
    languages = {topic.id: topic.languages for topic in topics if topic.languages}
    matcher = Matcher.compile(queries, languages=languages)
    detector = LanguageDetector(("de", "en"))
    bad = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            mention = read_mention(line)
        except Invalid as error:
            bad += 1
            sys.stderr.write(f"line {number}: {error}\n")
            continue
        language = detector.detect(mention.text, mention.language).language
        found = [{"topic": topic, "spans": spans} for topic, spans in matcher.match(mention, language=language)]
        sys.stdout.buffer.write(msgspec.json.encode({"id": mention.id, "matches": found}) + b"\n")
    if bad:
        raise typer.Exit(1)


def read_mention(line: bytes) -> Mention:
    """The mention on a line; raises Invalid naming every mistake."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid([Problem(f"is no JSON: {error}", "", "syntax")]) from None
    event = admit(value, source="stdin", observed_at=SystemClock().now())
    if not isinstance(event, Upsert):
        raise Invalid([Problem("is no mention", "/op", "op")])
    return event.mention
