"""Alerts in words: what, since when, how unusual, where, why, and who is responsible; in German or English. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from resonance.alerts.message import Material, Message, Quote, Shown
from resonance.alerts.phrases import PHRASES, QUOTES, WEEKDAYS
from resonance.alerts.speech import Speech, clean, web_address
from resonance.model import instant

_EXCERPT, _NAME, _ITEM, _ADDRESS = 160, 200, 40, 100
_LISTED, _AUTHORS, _QUOTED = 5, 3, 3


def message(material: Material, kind: str, *, language: str, zone: str, url: str, whole: bool = False) -> Message:
    """The message about an alert. `kind`: firing, resolved or test; `whole`: the firing was never told, tell both.
    `url` is the service's address, without a slash at its end."""
    telling = _Telling(material, Speech(language, ZoneInfo(zone)))
    if kind == "test":
        return telling.test(url)
    return telling.message("whole" if whole and kind == "resolved" else kind, f"{url}/v1/alerts/{material.id}")


class _Telling:
    """One alert in one language."""

    def __init__(self, material: Material, speech: Speech) -> None:
        self.material = material
        self.speech = speech
        self.words = PHRASES[speech.language]
        self.reasons: dict[str, Any] = {reason["code"]: reason["values"] for reason in material.reasons}

    def message(self, kind: str, link: str) -> Message:
        """`kind`: firing, resolved, whole."""
        words, silent = self.words, "silent" in self.reasons
        lines = {"firing": self._firing, "resolved": self._resolved, "whole": self._whole}[kind]()
        mark = "resolved" if kind != "firing" else ("silent" if silent else "firing")
        told = kind != "resolved"
        quotes = tuple(self._quote(one) for one in self.material.mentions[:_QUOTED]) if told else ()
        return Message(
            title=self._title(kind),
            lines=tuple(line for line in lines if line),
            quotes=quotes,
            quotes_title=words["quotes"] if quotes else "",
            quotes_link=words["quote_open"] if quotes else "",
            links=((words["open"], link),),
            mark=mark,
            severity=self.material.severity,
        )

    def test(self, url: str) -> Message:
        """That the channel works."""
        words = self.words
        return Message(words["test"], (words["test_line"],), links=((words["test_open"], url),), mark="test")

    # ---- what is said when ----------------------------------------------------------------------------------

    def _title(self, kind: str) -> str:
        name = self.material.topic_name
        code = "volume"
        if "silent" in self.reasons:
            code, name = "silent", str(self.reasons["silent"].get("source", name))
        elif "negative_share" in self.reasons:
            code = "negative"
        title = self.words[f"{code}_{kind}"].format(topic=clean(name, _NAME))
        urgent = kind == "firing" and self.material.severity == "critical"
        return self.words["critical"].format(title=title) if urgent else title

    def _firing(self) -> list[str]:
        if "silent" in self.reasons:
            return [self._silence(), self._responsible()]
        since = self.material.fired_at
        told = self.words["since"].format(since=self.speech.date(since)) if since is not None else ""
        return [told, *self._why(), self._responsible()]

    def _resolved(self) -> list[str]:
        return [self._over(), self._peak(), self.words["silent_was"] if "silent" in self.reasons else ""]

    def _whole(self) -> list[str]:
        return [*self._resolved(), *self._why(), self._responsible()]

    def _why(self) -> list[str]:
        words = self.words
        return [
            self._volume(),
            self._negative(),
            self._list("platforms", words["where"], lambda item: clean(item["platform"], _ITEM)),
            self._list("top_terms", words["terms"], lambda item: clean(item["term"], _ITEM)),
            self._list("top_authors", words["authors"], self._author, _AUTHORS),
            self._list("top_links", words["links"], lambda item: clean(web_address(item["url"]) or "", _ADDRESS)),
        ]

    # ---- one sentence each ----------------------------------------------------------------------------------

    def _volume(self) -> str:
        values = self.reasons.get("volume")
        if not values or self.material.fired_at is None:
            return ""
        count, expected = values["count"], values.get("expected")
        local = instant(self.material.fired_at).astimezone(self.speech.zone)
        facts = {
            "count": self.speech.number(count),
            "mentions": self._mentions(count),
            "window": self.speech.span(values["window"]),
            "weekday": WEEKDAYS[self.speech.language][local.weekday()],
        }
        if expected is None:
            return self.words["volume"].format(**facts)
        if expected < 0.1:
            return self.words["unusual_none"].format(**facts)
        usual = self.speech.number(expected, 1 if expected < 10 else 0)
        factor = count / expected
        return self.words["unusual"].format(
            factor=self.speech.number(factor, 1 if factor < 10 else 0), usual=usual, **facts
        )

    def _negative(self) -> str:
        values = self.reasons.get("negative_share")
        if not values:
            return ""
        phrase = self.words["share_one" if values["mentions"] == 1 else "share_many"]
        return phrase.format(
            percent=self.speech.number(100 * values["share"]),
            count=self.speech.number(values["mentions"]),
            window=self.speech.span(values.get("window", "1h")),
        )

    def _silence(self) -> str:
        """`since` stands in the reason as epoch seconds."""
        since = self.reasons["silent"].get("since")
        at = self.material.fired_at if since is None else int(since) * 1_000_000
        return self.words["silent"].format(since=self.speech.date(at)) if at is not None else ""

    def _over(self) -> str:
        start, end = self.material.fired_at, self.material.resolved_at
        if "silent" in self.reasons and self.reasons["silent"].get("since") is not None:
            start = int(self.reasons["silent"]["since"]) * 1_000_000
        if start is None or end is None:
            return ""
        lasted = self.speech.lasted(timedelta(microseconds=end - start))
        until = self.speech.until(start, end)
        return self.words["over"].format(since=self.speech.date(start), until=until, lasted=lasted)

    def _peak(self) -> str:
        values = self.reasons.get("volume")
        if not values:
            return ""
        peak = max(self.material.peak or 0, values["count"])
        return self.words["peak"].format(mentions=self._mentions(peak), window=self.speech.span(values["window"]))

    def _responsible(self) -> str:
        people = (*self.material.contacts, *[None] * len(self.material.departments))
        who = [
            self.words["contact"].format(department=clean(name, _NAME), person=clean(person, _NAME)) if person else name
            for name, person in zip(self.material.departments, people, strict=False)
        ]
        return self.words["responsible"].format(who=", ".join(who)) if who else ""

    def _list(self, code: str, phrase: str, name: Callable[[Any], str], limit: int = _LISTED) -> str:
        named = [(name(item), item["mentions"]) for item in self.reasons.get(code) or []]
        items = [f"{words} ({self.speech.number(count)})" for words, count in named if words]
        return phrase.format(items=", ".join(items[:limit])) if items else ""

    def _author(self, item: Any) -> str:
        """Erased since, or not to be named: empty."""
        name = self.material.authors.get(item["author"])
        return clean(f"@{name.removeprefix('@')}", _ITEM) if name else ""

    def _quote(self, mention: Shown) -> Quote:
        opened, closed = QUOTES[self.speech.language]
        author = clean(f"@{mention.author.removeprefix('@')}", _ITEM) if mention.author else ""
        reach = "" if mention.reach is None else self.words["reach"].format(reach=self.speech.number(mention.reach))
        who = ", ".join(part for part in (author, clean(mention.platform, _ITEM), reach) if part)
        return Quote(f"{opened}{clean(mention.text, _EXCERPT)}{closed}", who, web_address(mention.url))

    def _mentions(self, count: float) -> str:
        phrase = self.words["mentions_one" if count == 1 else "mentions_many"]
        return phrase.format(count=self.speech.number(count))
