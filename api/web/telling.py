"""An alert for people: in one sentence, and how it stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from msgspec import Struct, structs

from api.web.page import Page, share
from resonance.alerts.message import Clauses, Material, Message, Shown, SoFar
from resonance.alerts.wording import began, message, quoted, sentence
from resonance.model import instant, micros
from resonance.stores.figures import value_of
from resonance.update import Counts, plus

_EARLIER, _FELT = timedelta(days=7), ("volume", "negative")
"""What share of the mentions is usually negative is told by those of so many days before."""
_SEVERITY = ("critical", "warning", "notice")


class Told(Struct, frozen=True):
    """An alert as a view shows it. Sentence and `facts` tell what has been counted since it began; `fired` what set it off;
    `also` are the topic's other open alerts."""

    row: Mapping[str, Any]
    material: Material
    sentence: Clauses
    quotes: list[Shown]
    facts: dict[str, Any]
    fired: dict[str, str]
    raised: str = ""
    """When it was raised, in words; with the times of `also`."""
    reached: tuple[str, ...] = ()
    """The channels in which people got a message about it, or about one of `also`."""
    also: tuple[Told, ...] = ()


def tell(page: Page, row: Mapping[str, Any], others: Sequence[Mapping[str, Any]] = ()) -> Told:
    """The alert with its sentence, and the topic's `others` beside it; numbers are those of now."""
    rows = (row, *others)
    # Alerts of one matter mostly began together.
    counted: dict[tuple[datetime, datetime], dict[str, Any]] = {}
    first, *also = (_told(page, one, counted) for one in rows)
    return structs.replace(first, raised=_raised(page, rows), reached=_reached(page, rows), also=tuple(also))


def tell_all(page: Page, rows: Iterable[Mapping[str, Any]]) -> list[Told]:
    """One for each topic, the most severe first; its other alerts stand beside it."""
    topics: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (_SEVERITY.index(row["severity"]), -(row["fired_at"] or 0))):
        topics.setdefault(row["topic"], []).append(row)
    return [tell(page, first, others) for first, *others in topics.values()]


def _told(page: Page, row: Mapping[str, Any], counted: dict[tuple[datetime, datetime], dict[str, Any]]) -> Told:
    material = page.parts.incidents.material(row, names=not page.parts.pseudonymous)
    facts: dict[str, Any] = {}
    since = began(material)
    if since is not None and not row["topic"].startswith("source:"):
        span = (instant(since), instant(row["resolved_at"]) if row["resolved_at"] else page.now)
        facts = counted.get(span) or _counted(page, row["topic"], *span)
        counted[span] = facts
    so_far = SoFar(**{name: facts[name] for name in SoFar.__struct_fields__}) if facts else None
    said = sentence(material, language=page.language, zone=str(page.zone), now=micros(page.now), so_far=so_far)
    return Told(row, material, said, quoted(material), facts, _when_it_fired(page, material))


def _raised(page: Page, rows: Iterable[Mapping[str, Any]]) -> str:
    times = sorted(row["fired_at"] or row["pending_at"] for row in rows)
    return ", ".join(dict.fromkeys(page.when(time) for time in times))


def told_to(page: Page, alert: str) -> list[dict[str, Any]]:
    """Channels with their kinds and the last that they were to be told; what is built in is called by its kind."""
    known, last = page.catalogue.channels, {one.channel: one for one in page.parts.deliveries.of_alert(alert)}
    return [
        {"id": channel, "kind": known[channel].kind if channel in known else channel, "last": one}
        for channel, one in last.items()
    ]


def _reached(page: Page, rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    told = [one for row in rows for one in told_to(page, row["id"])]
    # A log reaches nobody by itself.
    return tuple(dict.fromkeys(one["id"] for one in told if one["kind"] != "log" and one["last"].state == "sent"))


def as_sent(page: Page, row: Mapping[str, Any]) -> Message:
    """The message as a channel gets it."""
    material = page.parts.incidents.material(row, names=not page.parts.pseudonymous)
    kind = "resolved" if row["state"] == "resolved" else "firing"
    url = str(page.request.base_url).rstrip("/")
    return message(material, kind, language=page.language, zone=str(page.zone), url=url)


def _counted(page: Page, topic: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Mentions, how many are usual in that time, how they are felt, where they are, and their reach."""
    by_platform = page.parts.figures.totals([topic], start, end, group="platform")
    counts = reduce(plus, by_platform.values(), Counts())
    earlier = page.parts.figures.totals([topic], start - _EARLIER, start, group="topic", metrics=_FELT).get(
        topic, Counts()
    )
    (usual,) = page.parts.expectations.usual({topic: page.catalogue.zone_of(topic)}, [start, end])[topic]
    return {
        "start": micros(start),
        "end": micros(end),
        "mentions": counts.mentions,
        "usual": usual.mean if usual else None,
        "negative": counts.negative,
        "usual_share": share(earlier.negative, earlier.mentions),
        "platforms": tuple((name, one.mentions) for name, one in by_platform.items()),
        "unclear": counts.uncertain,
        "share": share(counts.negative, counts.mentions),
        "reach": value_of("reach", counts),
    }


def _when_it_fired(page: Page, material: Material) -> dict[str, str]:
    """The numbers that set it off, in words: a count with what was usual, or a share; empty where it was something else."""
    reasons = {reason["code"]: reason["values"] for reason in material.reasons}
    critical, volume = reasons.get("negative_share"), reasons.get("volume")
    if critical:
        return {
            "share": page.percent(critical["share"]),
            "count": page.speech.number(critical["mentions"]),
            "window": page.speech.span(critical["window"]),
        }
    if volume is None or volume.get("expected") is None:
        return {}
    return {
        "count": page.speech.number(volume["count"]),
        "usual": page.about(volume["expected"]),
        "window": page.speech.span(volume["window"]),
    }
