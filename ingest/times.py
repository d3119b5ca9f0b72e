"""Times as exports write them: ISO 8601, "24.02.2015 11:35", "2015-02-24 11:35:52 -0800". Never guesses a zone."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?(?: *Uhr)?")
_ZONE = re.compile(r"(.*\d) +([+-]\d{2}):?(\d{2})")


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


def _read(text: str) -> datetime:
    german = _GERMAN.fullmatch(text)
    zoned = _ZONE.fullmatch(text)
    try:
        if german:
            day, month, year, *clock = german.groups()
            hour, minute, second = (int(part or 0) for part in clock)
            return datetime(int(year), int(month), int(day), hour, minute, second)  # noqa: DTZ001 - the zone comes after
        return datetime.fromisoformat(f"{zoned[1]}{zoned[2]}:{zoned[3]}" if zoned else text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time that can be read") from None
