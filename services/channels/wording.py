"""Alerts in words: what, since when, how unusual, where, why, and who is responsible; in German or English. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from resonance.model import instant
from resonance.stores.outbox import Material
from services.channels.channel import Message
from services.channels.phrases import PHRASES, WEEKDAYS

_EXCERPT = 160
_TERMS = 5


def message(material: Material, kind: str, *, language: str, zone: str, url: str, whole: bool = False) -> Message:
    """The message about an alert. `kind`: firing, resolved, test; `whole`: the firing was never told, tell both."""
    words = PHRASES[language]
    if kind == "test":
        return Message(words["test"], (words["test_line"],), ((words["open"], url),), kind="test")
    told = _Telling(material, words, language, ZoneInfo(zone))
    if kind == "resolved" and not whole:
        lines = [told.over()]
    elif kind == "resolved":
        lines = [told.over(), *told.lines()]
    else:
        lines = told.lines()
    links = ((words["open"], f"{url}/v1/alerts/{material.id}"),)
    title = told.title(kind)
    return Message(title, tuple(line for line in lines if line), links, kind=kind, severity=material.severity)


class _Telling:
    """One alert in one language."""

    def __init__(self, material: Material, words: Mapping[str, str], language: str, zone: ZoneInfo) -> None:
        self.material = material
        self.words = words
        self.language = language
        self.zone = zone
        self.reasons: dict[str, Any] = {reason["code"]: reason["values"] for reason in material.reasons}

    def title(self, kind: str) -> str:
        name = self.material.topic_name
        if "silent" in self.reasons:
            return self.words[f"silent_{kind}"].format(source=self.reasons["silent"].get("source", name))
        code = "negative" if "negative_share" in self.reasons else "volume"
        return self.words[f"{code}_{kind}"].format(topic=name)

    def lines(self) -> list[str]:
        """The body of a message that something happens."""
        words = self.words
        lines = [self._volume(), self._negative(), self._list("platforms", words["where"], "platform")]
        lines.append(self._list("top_terms", words["terms"], "term"))
        lines.append(self._authors())
        lines.append(self._list("top_links", words["links"], "url"))
        lines += [self._quote(mention) for mention in self.material.mentions[:3]]
        if self.material.departments:
            lines.append(words["responsible"].format(who=", ".join(self.material.departments)))
        return lines

    def over(self) -> str:
        """How long it lasted."""
        fired, resolved = self.material.fired_at, self.material.resolved_at
        if fired is None or resolved is None:
            return ""
        minutes = max(1, round((resolved - fired) / 60e6))
        return self.words["over"].format(
            since=self._clock(fired), until=self._clock(resolved), minutes=self._number(minutes)
        )

    def _volume(self) -> str:
        values = self.reasons.get("volume")
        if not values or self.material.fired_at is None:
            return ""
        at = instant(self.material.fired_at).astimezone(self.zone)
        facts = {
            "since": self._clock(self.material.fired_at),
            "count": self._number(round(values["count"])),
            "window": self._window(values.get("window", "")),
            "weekday": WEEKDAYS[self.language][at.weekday()],
        }
        expected = values.get("expected")
        if not expected:
            return self.words["volume"].format(**facts)
        usual = self._number(round(expected, 1) if expected < 10 else round(expected))
        factor = self._number(round(values["count"] / expected, 1 if values["count"] < 10 * expected else None))
        return self.words["unusual"].format(factor=factor, usual=usual, **facts)

    def _negative(self) -> str:
        values = self.reasons.get("negative_share")
        if not values:
            return ""
        return self.words["negative_share"].format(
            percent=self._number(round(100 * values["share"])), count=self._number(values["mentions"])
        )

    def _list(self, code: str, words: str, name: str) -> str:
        values = self.reasons.get(code) or []
        items = [f"{item[name]} ({self._number(item['mentions'])})" for item in values[:_TERMS]]
        return words.format(items=", ".join(items)) if items else ""

    def _authors(self) -> str:
        values = self.reasons.get("top_authors") or []
        names = [(self.material.authors.get(item["author"]), item["mentions"]) for item in values[:3]]
        items = [f"@{name.removeprefix('@')} ({self._number(count)})" for name, count in names if name]
        return self.words["authors"].format(items=", ".join(items)) if items else ""

    def _quote(self, mention: Any) -> str:
        text = " ".join(mention.text.split())
        excerpt = text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
        reach = self.words["reach"].format(reach=self._number(mention.reach)) if mention.reach is not None else ""
        who = f"@{mention.author.removeprefix('@')}, " if mention.author else ""
        return f"„{excerpt}“ ({who}{mention.platform}{reach}) {mention.url or ''}".rstrip()

    # ---- numbers and times ----------------------------------------------------------------------------------

    def _clock(self, at: int) -> str:
        local: datetime = instant(at).astimezone(self.zone)
        return local.strftime(self.words["clock"])

    def _number(self, value: float) -> str:
        text = f"{value:,}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "de" else text

    def _window(self, span: str) -> str:
        number, unit = span[:-1], span[-1:]
        return f"{number} {self.words.get(f'unit_{unit}', unit)}" if number else ""
