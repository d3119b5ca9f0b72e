"""Times as exports write them: ISO 8601, "24.02.2015 11:35", "24-Feb-2015 11:35AM", "Tue Feb 24 11:35:52 +0000 2015",
seconds since 1970. Never guesses a zone, nor whether the day or the month comes first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_CLOCK = (
    r"(?:[ ,T]+(?:um +|at +)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r" *(?P<half>[AaPp]\.?[Mm]\.?)?(?: *Uhr)?)?"
)
_ZONE = r"(?: *(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})(?: *(?:UTC|GMT))?)?"
_FORMS = [
    re.compile(form)
    for form in (
        rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}|\d{{2}}){_CLOCK}{_ZONE}",
        rf"(?P<first>\d{{1,2}})/(?P<other>\d{{1,2}})/(?P<year>\d{{4}}){_CLOCK}{_ZONE}",
        rf"(?:\w+\.?,? +)?(?P<day>\d{{1,2}})(?:\. *|[ -])(?P<name>[^\W\d]+)\.?[ -](?P<year>\d{{4}}){_CLOCK}{_ZONE}",
        rf"(?:\w+,? +)??(?P<name>[^\W\d]+)\.? +(?P<day>\d{{1,2}}),? +(?P<year>\d{{4}}){_CLOCK}{_ZONE}",
        rf"\w+ (?P<name>[^\W\d]+) +(?P<day>\d{{1,2}}){_CLOCK}{_ZONE} (?P<year>\d{{4}})",
        rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_CLOCK}{_ZONE}",
    )
]
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
_SECONDS = re.compile(r"\d{10}|\d{13}")


def read_time(text: str, zone: ZoneInfo | None) -> datetime:
    """The aware instant; raises ValueError saying what is wrong, also where the time has no zone and none was given.

    >>> read_time("2015-02-24 11:35:52 -0800", None).isoformat()
    '2015-02-24T11:35:52-08:00'
    >>> read_time("24.02.2015 11:35", ZoneInfo("Europe/Berlin")).isoformat()
    '2015-02-24T11:35:00+01:00'
    """
    text = text.strip()
    moment = _read(text)
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise ValueError(f"{text!r} has no time zone; say which with --zone, such as --zone Europe/Berlin")
    return moment.replace(tzinfo=zone)


def is_time(text: str) -> bool:
    """Whether this reads as a day with a clock time, with or without zone."""
    try:
        return ":" in text and len(text) < 64 and _read(text.strip()) is not None
    except ValueError:
        return False


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    for form in _FORMS:
        found = form.fullmatch(text)
        if found:
            return _moment(text, found.groupdict())
    raise ValueError(f"{text[:60]!r} is no time that can be read")


def _moment(text: str, part: dict[str, str | None]) -> datetime:
    day, month = _day_and_month(text, part)
    year = int(part["year"] or 0)
    hour = int(part["hour"] or 0)
    half = (part["half"] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"{text[:60]!r} is no time that can be read")
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return datetime(
            year + (2000 if year < 100 else 0), month, day, hour, int(part["minute"] or 0), int(part["second"] or 0),
            tzinfo=_offset(part["zone"]),
        )  # fmt: skip
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time that can be read") from None


def _day_and_month(text: str, part: dict[str, str | None]) -> tuple[int, int]:
    if name := part.get("name"):
        return int(part["day"] or 0), _MONTHS.get(name.lower()[:3], 0)
    if not part.get("first"):
        return int(part["day"] or 0), int(part["month"] or 0)
    first, other = int(part["first"] or 0), int(part["other"] or 0)
    if first <= 12 and other <= 12 and first != other and not part["half"]:
        raise ValueError(f"{text[:60]!r} may begin with the day or with the month; write YYYY-MM-DD")
    return (other, first) if other > 12 or part["half"] else (first, other)


def _offset(zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    if zone in ("Z", "UTC", "GMT"):
        return UTC
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-size if zone[0] == "-" else size)
