"""Whether a catalogue makes sense: every reference that leads nowhere, every query that cannot be read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from zoneinfo import available_timezones

from msgspec import structs

from resonance.catalogue import Account, Catalogue, Channel, Department, Rule, Silent, Topic, account_id, duration
from resonance.errors import InvalidQuery, Problem
from resonance.matching import parse

_FURTHEST = timedelta(days=35)
"""Arrivals are kept no longer."""


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
    for account in catalogue.accounts.values():
        problems += check_account(account, catalogue)
    return problems + _zone(catalogue.zone, "")


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
    """Topics, departments, its window, and the sources whose silence it minds."""
    at = f"rules.{rule.id}"
    problems = _window(rule, at) + _known(_named(rule.topics), catalogue.topics, f"{at}.topics", "topic")
    if not rule.topics:
        problems.append(Problem('names no topic; "*" is every topic', f"{at}.topics", "empty"))
    if isinstance(rule.when, Silent):
        problems += _known(_named(rule.when.sources), catalogue.sources, f"{at}.when", "source")
    return problems + _known(rule.notify, catalogue.departments, f"{at}.notify", "department")


def _window(rule: Rule, at: str) -> list[Problem]:
    """How far it looks back: what arrived is counted by the minute, and forgotten one day."""
    span = rule.when.after if isinstance(rule.when, Silent) else rule.when.window
    minutes, rest = divmod(duration(span), timedelta(minutes=1))
    if minutes >= 1 and duration(span) <= _FURTHEST and (isinstance(rule.when, Silent) or not rest):
        return []
    whole = "a duration" if isinstance(rule.when, Silent) else "whole minutes"
    return [Problem(f"{span!r} is not possible here: {whole} from 1m to 35d, such as 15m", f"{at}.when", "window")]


def check_department(department: Department, catalogue: Catalogue) -> list[Problem]:
    """Channels and zone."""
    at = f"departments.{department.id}"
    return _known(department.channels, catalogue.channels, f"{at}.channels", "channel") + _zone(department.zone, at)


def check_channel(channel: Channel) -> list[Problem]:
    """Zone, and what the kind needs."""
    at = f"channels.{channel.id}"
    problems = _zone(channel.zone, at)
    if channel.kind in ("slack", "webhook") and channel.secret is None:
        problems.append(Problem('is required: "env:NAME" or "file:/path"', f"{at}.secret", "missing"))
    if channel.kind == "webhook" and channel.url is None:
        problems.append(Problem("is required: https://…", f"{at}.url", "missing"))
    if channel.kind == "email" and not channel.to:
        problems.append(Problem("is required: the addresses that get the mail", f"{at}.to", "missing"))
    return problems


def check_account(account: Account, catalogue: Catalogue) -> list[Problem]:
    """The department to which it belongs."""
    names = (account.department,) if account.department else ()
    at = f"accounts.{account_id(account.platform, account.author)}.department"
    return _known(names, catalogue.departments, at, "department")


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name != "*")


def _known(names: tuple[str, ...], known: Collection[str], at: str, what: str) -> list[Problem]:
    return [Problem(f"there is no {what} {name!r}", at, "unknown") for name in names if name not in known]


def _zone(zone: str | None, at: str) -> list[Problem]:
    if zone is None or zone in available_timezones():
        return []
    return [Problem(f"{zone!r} is no IANA time zone, such as Europe/Berlin", f"{at}.zone".lstrip("."), "zone")]
