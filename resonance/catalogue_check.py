"""Whether a catalogue makes sense: every reference that leads nowhere, every query that cannot be read."""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import available_timezones

from msgspec import structs

from resonance.catalogue import Catalogue, Channel, Department, Rule, Topic
from resonance.errors import InvalidQuery, Problem
from resonance.matching import parse


def check(catalogue: Catalogue) -> list[Problem]:
    """All mistakes at once; `pointer` as kind.id.field."""
    problems = []
    for topic in catalogue.topics.values():
        problems += check_topic(topic, catalogue)
    for rule in catalogue.rules.values():
        problems += check_rule(rule, catalogue)
    for department in catalogue.departments.values():
        problems += check_department(department, catalogue)
    for channel in catalogue.channels.values():
        problems += check_channel(channel)
    return problems


def check_topic(topic: Topic, catalogue: Catalogue) -> list[Problem]:
    """Query, departments, zone."""
    at = f"topics.{topic.id}"
    problems = _known(topic.departments, catalogue.departments, f"{at}.departments", "department")
    problems += _zone(topic.zone, at)
    try:
        parse(topic.query)
    except InvalidQuery as error:
        problems += [structs.replace(problem, pointer=f"{at}.query") for problem in error.problems]
    return problems


def check_rule(rule: Rule, catalogue: Catalogue) -> list[Problem]:
    """Topics and departments."""
    topics = tuple(name for name in rule.topics if name != "*")
    problems = _known(topics, catalogue.topics, f"rules.{rule.id}.topics", "topic")
    return problems + _known(rule.notify, catalogue.departments, f"rules.{rule.id}.notify", "department")


def check_department(department: Department, catalogue: Catalogue) -> list[Problem]:
    """Channels and zone."""
    at = f"departments.{department.id}"
    return _known(department.channels, catalogue.channels, f"{at}.channels", "channel") + _zone(department.zone, at)


def check_channel(channel: Channel) -> list[Problem]:
    """Zone, and a secret where the kind needs one."""
    at = f"channels.{channel.id}"
    problems = _zone(channel.zone, at)
    if channel.kind == "slack" and channel.secret is None:
        problems.append(Problem('is required: "env:NAME" or "file:/path"', f"{at}.secret", "missing"))
    return problems


def _known(names: tuple[str, ...], known: Collection[str], at: str, what: str) -> list[Problem]:
    return [Problem(f"there is no {what} {name!r}", at, "unknown") for name in names if name not in known]


def _zone(zone: str | None, at: str) -> list[Problem]:
    if zone is None or zone in available_timezones():
        return []
    return [Problem(f"{zone!r} is no IANA time zone, such as Europe/Berlin", f"{at}.zone", "zone")]
