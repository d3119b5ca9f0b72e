"""Alerts in words: what, since when, how unusual, where, why, and who is responsible; in German or English. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from resonance.alerts.message import Clauses, Material, Message, Part, Quote, Shown, SoFar
from resonance.alerts.phrases import PHRASES, QUOTES, WEEKDAYS
from resonance.alerts.speech import Speech, author_name, clean, platform_name, web_address
from resonance.catalogue import duration
from resonance.model import instant

_EXCERPT, _SPARK, _NAME, _ITEM, _ADDRESS = 160, 90, 200, 40, 100
_LISTED, _AUTHORS, _QUOTED = 5, 3, 3
_DONE = ("acknowledged", "silenced")
_MANY = 1.2
"""From so many times the usual on, the sentence says how many times; below, it has calmed down and only counts."""
_MOSTLY = 0.25
"""The share of the mentions from which on a platform is named in the sentence."""


def message(
    material: Material, kind: str, *, language: str, zone: str, url: str, whole: bool = False, by: str = ""
) -> Message:
    """The message about an alert. `kind`: firing, resolved, acknowledged, silenced or test; `whole`: the firing was never
    told, tell both; `by`: who silenced it, as "kind:id". `url` is the service's address, without a slash at its end."""
    telling = _Telling(material, Speech(language, ZoneInfo(zone)))
    if kind in _DONE:
        return telling.done(kind, by, f"{url}/alerts/{material.id}")
    if kind == "test":
        return telling.test(url)
    return telling.message("whole" if whole and kind == "resolved" else kind, f"{url}/alerts/{material.id}")


def sentence(material: Material, *, language: str, zone: str, now: int, so_far: SoFar | None = None) -> Clauses:
    """An alert in one sentence: since when, how unusual, where, set off by what, who is responsible. `now`: µs of log time;
    of what began today only the time of day is told. How unusual is told by `so_far`, else by what fired it."""
    return _Telling(material, Speech(language, ZoneInfo(zone))).sentence(now, so_far)


def began(material: Material) -> int | None:
    """Since when it is so (µs); of a silent source, its last sign. Where that was not noted, all the window long."""
    reasons: dict[str, Any] = {reason["code"]: reason["values"] for reason in material.reasons}
    counted: dict[str, Any] = next(
        (reasons[code] for code in ("silent", "volume", "negative_share") if code in reasons), {}
    )
    if counted.get("since") is not None:
        return int(counted["since"]) * 1_000_000
    if material.fired_at is None or "window" not in counted:
        return material.fired_at
    return material.fired_at - int(duration(counted["window"]).total_seconds()) * 1_000_000


def quoted(material: Material) -> list[Shown]:
    """The mentions that tell most of it, as they were said one after another."""
    return sorted(material.mentions[:_QUOTED], key=lambda mention: mention.at)


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
        quotes = tuple(self._quote(one) for one in quoted(self.material)) if told else ()
        return Message(
            title=self._title(kind),
            lines=tuple(line for line in lines if line),
            quotes=quotes,
            quotes_title=words["quotes"] if quotes else "",
            quotes_link=words["quote_open"] if quotes else "",
            links=((words["open"], link),),
            mark=mark,
            severity=self.material.severity,
            alert=self.material.id,
            rule=self.material.rule,
            topic=self.material.topic,
            fired_at=self.material.fired_at,
            resolved_at=self.material.resolved_at if mark == "resolved" else None,
            taken=self.material.taken_by is not None,
            why=tuple(line for line in (*self._why(), self._responsible()) if line) if kind == "resolved" else (),
        )

    def done(self, kind: str, by: str, link: str) -> Message:
        """The firing again, with what a person did about it in its first line."""
        who = ((self.material.taken_by or "") if kind == "acknowledged" else by).partition(":")[2]
        told = self.message("firing", link)
        line = self.words[kind].format(who=clean(who, _ITEM))
        return structs.replace(told, lines=(line, *told.lines), by=clean(who, _ITEM))

    def test(self, url: str) -> Message:
        """That the channel works."""
        words = self.words
        return Message(words["test"], (words["test_line"],), links=((words["test_open"], url),), mark="test")

    def sentence(self, now: int, so_far: SoFar | None) -> Clauses:
        """Its clauses in order; what is unknown is left out."""
        phrase, facts = self._fact(so_far)
        where = self._where(so_far)
        quote, who = self._spark()
        clauses = [
            (phrase, {"since": self._since(now), "topic": clean(self.material.topic_name, _NAME), **facts}),
            ("sentence_where" if where else "", {"items": where}),
            (("sentence_cause_who" if who else "sentence_cause") if quote else "", {"quote": quote, "who": who}),
            ("sentence_who" if self.material.departments else "", {"who": ", ".join(self.material.departments)}),
        ]
        return (*(_parts(self.words[name], values) for name, values in clauses if name), (Part("."),))

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
        since = began(self.material)
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
            self._list("platforms", words["where"], lambda item: clean(platform_name(item["platform"]), _ITEM)),
            self._list("top_terms", words["terms"], lambda item: clean(item["term"], _ITEM)),
            self._list("top_authors", words["authors"], self._author, _AUTHORS, least=2),
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
        return self.words["unusual"].format(factor=self._factor(count, expected), usual=usual, **facts)

    def _fact(self, so_far: SoFar | None) -> tuple[str, dict[str, str]]:
        """The sentence's main clause, and what stands in it."""
        if "silent" in self.reasons:
            return "sentence_silent", {"topic": clean(str(self.reasons["silent"].get("source", "")), _NAME)}
        share, values = self.reasons.get("negative_share"), self.reasons.get("volume")
        if share:
            felt = so_far.negative / so_far.mentions if so_far and so_far.mentions else share["share"]
            percent = self.speech.number(100 * felt)
            if so_far is None or so_far.usual_share is None:
                return "sentence_share", {"percent": percent}
            return "sentence_share_usual", {"percent": percent, "usual": self.speech.number(100 * so_far.usual_share)}
        if not values or self.material.fired_at is None:
            return "sentence_bare", {}
        count, usual = values["count"], values.get("expected")
        if so_far and so_far.usual is not None:
            count, usual = so_far.mentions, so_far.usual
        local = instant(self.material.fired_at).astimezone(self.speech.zone)
        facts = {"mentions": self._mentions(count), "weekday": WEEKDAYS[self.speech.language][local.weekday()]}
        if usual is None or (usual and count / usual < _MANY):
            return "sentence_volume", facts
        if usual < 0.1:
            return "sentence_none", facts
        return "sentence_unusual", {"factor": self._factor(count, usual), **facts}

    def _factor(self, count: float, usual: float) -> str:
        """How many times as many; what is usual is no better known than that."""
        factor = count / usual
        return self.speech.number(factor, 1 if factor < 3 else 0)

    def _since(self, now: int) -> str:
        at = began(self.material)
        if at is None:
            return ""
        days = [instant(one).astimezone(self.speech.zone).date() for one in (at, now)]
        phrase = "sentence_today" if days[0] == days[1] else "sentence_day"
        return self.words[phrase].format(clock=self.speech.clock(at), date=self.speech.date(at))

    def _where(self, so_far: SoFar | None) -> str:
        told = [(item["platform"], item["mentions"]) for item in self.reasons.get("platforms") or []]
        known = sorted(so_far.platforms, key=lambda item: -item[1]) if so_far and so_far.platforms else told
        total = sum(mentions for _, mentions in known)
        named = [clean(platform_name(name), _ITEM) for name, mentions in known if mentions >= _MOSTLY * total]
        return self.words["sentence_and"].join(named[:2])

    def _spark(self) -> tuple[str, str]:
        """The excerpt of the earliest that is quoted, and who said it where."""
        if not self.material.mentions:
            return "", ""
        mention = quoted(self.material)[0]
        opened, closed = QUOTES[self.speech.language]
        author = clean(author_name(mention.author), _ITEM) if mention.author else ""
        who = ", ".join(part for part in (author, clean(platform_name(mention.platform), _ITEM)) if part)
        text = clean(mention.text, _SPARK)
        if text.endswith("…"):
            # A whole sentence says more than half of the next.
            end = max(text.rfind(mark) for mark in (". ", "! ", "? "))
            text = text[: end + 1] if 3 * end > _SPARK else text
        return (f"{opened}{text}{closed}", who) if text else ("", "")

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
        at = began(self.material)
        return self.words["silent"].format(since=self.speech.date(at)) if at is not None else ""

    def _over(self) -> str:
        start, end = began(self.material), self.material.resolved_at
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

    def _list(self, code: str, phrase: str, name: Callable[[Any], str], limit: int = _LISTED, *, least: int = 1) -> str:
        found = [item for item in self.reasons.get(code) or [] if item["mentions"] >= least]
        named = [(name(item), item["mentions"]) for item in found]
        items = [f"{words} ({self.speech.number(count)})" for words, count in named if words]
        return phrase.format(items=", ".join(items[:limit])) if items else ""

    def _author(self, item: Any) -> str:
        """Erased since, or not to be named: empty."""
        name = self.material.authors.get(item["author"])
        return clean(author_name(name), _ITEM) if name else ""

    def _quote(self, mention: Shown) -> Quote:
        opened, closed = QUOTES[self.speech.language]
        author = clean(author_name(mention.author), _ITEM) if mention.author else ""
        reach = "" if mention.reach is None else self.words["reach"].format(reach=self.speech.number(mention.reach))
        who = ", ".join(part for part in (author, clean(platform_name(mention.platform), _ITEM), reach) if part)
        return Quote(f"{opened}{clean(mention.text, _EXCERPT)}{closed}", who, web_address(mention.url))

    def _mentions(self, count: float) -> str:
        phrase = self.words["mentions_one" if count == 1 else "mentions_many"]
        return phrase.format(count=self.speech.number(count))


def _parts(phrase: str, values: dict[str, str]) -> tuple[Part, ...]:
    """A phrase with its values; what stands between stars is what the eye should find first.

    >>> _parts("Seit *{n}*", {"n": "*2*"})
    (Part(text='Seit ', strong=False), Part(text='*2*', strong=True))
    """
    pieces = phrase.split("*")
    return tuple(Part(piece.format(**values), bool(place % 2)) for place, piece in enumerate(pieces) if piece)
