"""Mentions and topics to measure with: German posts of about 200 characters, 50 topics of three leaves each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from resonance.catalogue import Catalogue, Source, Topic
from resonance.language.detect import LanguageDetector
from resonance.model import Author, Mention, Upsert
from resonance.scoring import Scorer, author_keys
from resonance.sentiment.linear import LinearModel
from resonance.wire import encode_event

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
TOPICS = 50
_SAID = (
    "heute morgen wieder lange gewartet und niemand sagt etwas dazu der service war freundlich aber das produkt hält "
    "nicht was versprochen wurde ich frage mich ob das so bleibt vielen dank für die schnelle antwort leider kam nichts an"
)


def query(number: int) -> str:
    """What one topic listens for."""
    return f'marke{number} OR "produkt {number}" OR #kampagne{number}'


def scorer() -> Scorer:
    """Everything that process needs to judge a mention."""
    topics = {f"t{n}": Topic(id=f"t{n}", name=f"T{n}", query=query(n)) for n in range(TOPICS)}
    catalogue = Catalogue(version=1, topics=topics, sources={"bench": Source(id="bench")})
    return Scorer(
        catalogue, model=LinearModel.load(), detector=LanguageDetector(("de", "en")), authors=author_keys(b"bench")
    )


def mention(number: int, *, matched: bool, at: datetime | None = None, topics: int = TOPICS) -> Mention:
    """One of 5,000 people says something, to one of the first `topics` where `matched`."""
    known = _SAID.split()
    words = [known[(number * 7 + n * 3) % len(known)] for n in range(28)]
    if matched:
        words[5] = f"marke{number % topics}"
    return Mention(
        id=f"bench:{number}",
        platform="bench",
        source="bench",
        text=" ".join(words),
        published_at=at or START + timedelta(milliseconds=number * 3),
        author=Author(id=str(number % 5000), handle=f"u{number % 5000}", followers=number % 3000),
    )


def events(count: int, *, matched: bool) -> list[bytes]:
    """Events as they lie in envelopes."""
    return [
        encode_event(Upsert(mention=(one := mention(n, matched=matched)), observed_at=one.published_at))
        for n in range(count)
    ]
