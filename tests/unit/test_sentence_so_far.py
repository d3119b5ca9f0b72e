"""The sentence about an open alert tells how it stands, not how it stood when it went off."""

from __future__ import annotations

import pytest
from msgspec import structs

from resonance.alerts.message import SoFar
from resonance.alerts.wording import message, quoted, sentence
from tests.unit.test_wording_golden import FIRING, HOSTILE, MINUTE, NOW, VOLUME


def told(so_far: SoFar | None, material: object = FIRING) -> str:
    clauses = sentence(material, language="de", zone="Europe/Berlin", now=NOW, so_far=so_far)  # type: ignore[arg-type]
    return "".join(part.text for clause in clauses for part in clause)


@pytest.mark.parametrize(
    ("so_far", "words"),
    [
        (None, "6-mal so viele Erwähnungen von Nordlicht wie dienstags"),
        (SoFar(43, 14, 4.6), "9-mal so viele Erwähnungen von Nordlicht wie dienstags"),
        (SoFar(43, 14, 18.0), "2,4-mal so viele"),
        (SoFar(50, 14, 47.0), "50 Erwähnungen von Nordlicht, vor allem"),
        (SoFar(50, 14, 0.0), "50 Erwähnungen von Nordlicht, wo dienstags um diese Zeit sonst fast keine sind"),
        (SoFar(43, 14, None), "6-mal so viele Erwähnungen von Nordlicht wie dienstags"),
    ],
)
def test_how_unusual_it_is_goes_by_what_has_been_counted_since_it_began(so_far: SoFar | None, words: str) -> None:
    assert words in told(so_far)


def test_a_share_is_that_of_what_has_been_counted() -> None:
    hostile = structs.replace(HOSTILE, topic_name="Nordlicht")
    assert "62\u00a0% der Erwähnungen" in told(None, hostile) and "25\u00a0% der Erwähnungen" in told(
        SoFar(80, 20, 1.0), hostile
    )


def test_a_share_stands_beside_what_is_usual_where_that_is_known() -> None:
    assert "25\u00a0% der Erwähnungen von Nordlicht negativ statt der üblichen 8\u00a0%" in told(
        SoFar(80, 20, 1.0, 0.08), structs.replace(HOSTILE, topic_name="Nordlicht")
    )


def test_where_it_is_said_goes_by_what_has_been_counted() -> None:
    assert "vor allem auf Bluesky;" in told(None)
    assert "vor allem auf Reddit und Mastodon;" in told(SoFar(9, 1, 2.0, None, (("mastodon", 4), ("reddit", 5))))


def test_it_began_when_more_was_said_than_before_not_with_the_window() -> None:
    noted = [{"code": "volume", "values": {**VOLUME, "since": (NOW - 4 * MINUTE) // 1_000_000}}]
    assert told(None).startswith("Seit 14:17 Uhr") and told(None, structs.replace(FIRING, reasons=noted)).startswith(
        "Seit 14:28 Uhr"
    )


def test_quotes_stand_in_the_order_of_time_and_the_sentence_begins_with_the_first() -> None:
    late, early = (structs.replace(one, at=NOW - number * MINUTE) for number, one in enumerate(FIRING.mentions))
    material = structs.replace(FIRING, mentions=[late, early])
    assert [one.key for one in quoted(material)] == ["k2", "k1"]
    assert "Rückruf? Warum sagt keiner was?" in told(None, material)
    assert [one.text[:9] for one in message(material, "firing", language="de", zone="UTC", url="").quotes] == [
        "„Rückruf?",
        "„Der Akku",
    ]
