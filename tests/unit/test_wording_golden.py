"""What notifications say, word for word. `python -m tests.unit.test_wording_golden` writes the files anew: read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from resonance.alerts.message import Material, Message, Shown
from resonance.alerts.phrases import PHRASES
from resonance.alerts.wording import message
from services.channels.log import block
from services.channels.slack import payload
from tests.support.fake_slack import refused
from tests.support.outbox import AUTHOR, MINUTE, NOW

GOLDEN = Path(__file__).parent / "golden"
VOLUME = {"count": 24, "expected": 4.0, "factor": 6.0, "score": 7.1, "window": "15m"}
FIRING = Material(
    id="a1b2",
    rule="surge",
    topic="nordlicht",
    topic_name="Nordlicht",
    severity="warning",
    departments=("Presse und PR", "Kundendienst"),
    contacts=("Ottilie Sandvoss", None),
    fired_at=NOW,
    reasons=[
        {"code": "volume", "values": VOLUME},
        {"code": "top_terms", "values": [{"term": "Rückruf", "mentions": 17}, {"term": "Akku", "mentions": 1234}]},
        {
            "code": "platforms",
            "values": [{"platform": "bluesky", "mentions": 20}, {"platform": "reddit", "mentions": 4}],
        },
        {"code": "top_authors", "values": [{"author": AUTHOR.hex(), "mentions": 3}, {"author": "00", "mentions": 2}]},
        {"code": "top_links", "values": [{"url": "https://news.example/rueckruf?a=1&b=2", "mentions": 9}]},
    ],
    mentions=[
        Shown("k1", "bluesky", "Der Akku vom Nordlicht wird heiß.", "https://b.example/1", "ana.example", 12_345),
        Shown("k2", "reddit", "Rückruf?\n\nWarum sagt keiner was?", None, None, None),
    ],
    authors={AUTHOR.hex(): "ana.example"},
)
RESOLVED = structs.replace(FIRING, resolved_at=NOW + 38 * MINUTE, peak=61)
HOSTILE = structs.replace(
    FIRING,
    severity="critical",
    topic_name="<script>alert(1)</script> & <!channel>",
    reasons=[
        {"code": "negative_share", "values": {"share": 0.625, "mentions": 1240, "window": "1h"}},
        {
            "code": "top_terms",
            "values": [{"term": "x" * 10_000, "mentions": 2}, {"term": "a\x1b[2J\u202eb", "mentions": 1}],
        },
        {"code": "top_links", "values": [{"url": "javascript:alert(1)", "mentions": 9}]},
    ],
    mentions=[
        Shown(
            "k1",
            "bluesky",
            "@here <!here> <script>alert(1)</script> " + "w" * 10_000,
            "https://b.example/|>x",
            "@<b>",
            1,
        ),
        Shown("k2", "reddit", "\u202eשלום עולם\u0000 ```", "https://b.example/" + "y" * 9000, "\ud800evil", 2),
        Shown("k3", "reddit", "👩‍👩‍👧 geht", "javascript:alert(1)", None, 3),
    ],
)
SILENT = structs.replace(
    FIRING,
    topic="source:bluesky",
    topic_name="bluesky",
    reasons=[{"code": "silent", "values": {"source": "bluesky", "since": NOW // 1_000_000 - 960}}],
    mentions=[],
)
NOBODY = Material("test-1", "test", "", "", "notice")
CASES: dict[str, tuple[Material, str, bool]] = {
    "firing": (FIRING, "firing", False),
    "resolved": (RESOLVED, "resolved", False),
    "collapsed": (RESOLVED, "resolved", True),
    "test": (NOBODY, "test", False),
    "silent": (SILENT, "firing", False),
    "hostile": (HOSTILE, "firing", False),
}


def told(case: str, language: str) -> Message:
    material, kind, whole = CASES[case]
    return message(material, kind, language=language, zone="Europe/Berlin", url="http://127.0.0.1:8000", whole=whole)


def written(case: str, language: str) -> dict[str, str]:
    words = told(case, language)
    body: Any = json.dumps(payload(words), ensure_ascii=False, indent=1)
    return {f"{case}_{language}.txt": block(words, 100), f"{case}_{language}.json": body + "\n"}


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("case", CASES)
def test_a_message_reads_as_agreed(case: str, language: str) -> None:
    for name, text in written(case, language).items():
        assert text == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("case", CASES)
def test_slack_takes_every_message(case: str) -> None:
    assert refused(payload(told(case, "de"))) is None


def test_foreign_text_opens_no_tag_calls_nobody_and_steers_no_terminal() -> None:
    words = told("hostile", "de")
    sent = json.dumps(payload(words), ensure_ascii=False)
    assert "<script" not in sent and "<!" not in sent and "@here" not in sent and "javascript:" not in sent
    assert not {"\x1b", "\u202e", "\x00", "\ud800"} & set(sent + block(words, 100))


def test_every_language_has_every_sentence() -> None:
    assert PHRASES["de"].keys() == PHRASES["en"].keys()


def test_one_is_not_many() -> None:
    one = structs.replace(RESOLVED, resolved_at=NOW, peak=None)
    volume = {"code": "volume", "values": {"count": 1, "expected": None, "window": "1m"}}
    lines = message(
        structs.replace(one, reasons=[volume]), "resolved", language="de", zone="UTC", url="", whole=True
    ).lines
    assert lines[0].endswith("(1 Minute).")
    assert lines[1:3] == ("Höhepunkt: 1 Erwähnung innerhalb von 1 Minute.", "1 Erwähnung innerhalb von 1 Minute.")


def test_an_erased_author_is_not_named() -> None:
    gone = structs.replace(FIRING, authors={}, mentions=[])
    assert "ana" not in block(message(gone, "firing", language="de", zone="UTC", url=""), 100)


def test_fifty_mentions_worth_of_lines_stay_within_slacks_blocks() -> None:
    words = Message("t" * 500, tuple("<&>" * 900 for _ in range(80)), links=(("Ansehen", "http://a.example"),))
    body = payload(words)
    assert refused(body) is None
    assert body["blocks"][-1]["type"] == "context"


if __name__ == "__main__":
    for one in CASES:
        for spoken in ("de", "en"):
            for file, text in written(one, spoken).items():
                (GOLDEN / file).write_text(text, "utf-8")
