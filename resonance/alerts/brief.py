"""An alert in one line, for lists and for programs that show it: what its row says, without what still exists of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from resonance.alerts.phrases import PHRASES
from resonance.alerts.speech import Speech


def brief(
    reasons: Sequence[dict[str, Any]],
    *,
    rule: str,
    topic: str,
    value: float | None,
    expected: float | None,
    language: str,
) -> str:
    """What an alert says, and by which rule; `topic` as people call it.

    >>> brief([], rule="many", topic="Bahn", value=1234.4, expected=500.0, language="de")
    'Bahn: 1.234 Erwähnungen, 2,5-mal so viele wie die üblichen 500 (many)'
    """
    words, known = PHRASES[language], {reason["code"]: reason["values"] for reason in reasons}
    if "silent" in known:
        said = words["silent_firing"].format(topic=known["silent"].get("source", topic))
    elif "negative_share" in known:
        share = known["negative_share"]
        percent, count = _number(round(100 * share["share"]), language), _number(share["mentions"], language)
        said = words["brief_share"].format(topic=topic, percent=percent, count=count)
    elif value is None:
        said = words["brief_bare"].format(topic=topic)
    else:
        said = _volume(topic, value, expected, language)
    return f"{said} ({rule})"


def _volume(topic: str, value: float, expected: float | None, language: str) -> str:
    words = PHRASES[language]
    mentions = words["mentions_one" if value == 1 else "mentions_many"].format(count=_number(value, language))
    if not expected:
        return words["brief_volume"].format(topic=topic, mentions=mentions)
    factor, usual = _number(value / expected, language), _number(expected, language)
    return words["brief_unusual"].format(topic=topic, mentions=mentions, factor=factor, usual=usual)


def _number(value: float, language: str) -> str:
    """One decimal below ten, none above.

    >>> _number(1234.4, "de"), _number(2.54, "en"), _number(3.0, "de")
    ('1.234', '2.5', '3')
    """
    return Speech(language, ZoneInfo("UTC")).number(value, 1 if abs(value) < 10 else 0)
