"""Numbers, times, durations and foreign text as a language writes them. Pure."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from resonance.alerts.phrases import MONTHS, PHRASES, PLATFORMS, SPANS
from resonance.model import instant

_STEERS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows them."""

_RIGHT_TO_LEFT = ("R", "AL")

_LONGEST = 1500
"""Characters of an address that is passed on; longer ones fill messages and lead nowhere useful."""


class Speech(Struct, frozen=True):
    """One language in one time zone."""

    language: str
    zone: ZoneInfo

    def number(self, value: float, digits: int = 0) -> str:
        """With the language's separators; at most `digits` after the point, and no idle zeros.

        >>> Speech("de", ZoneInfo("UTC")).number(1234.5, 1), Speech("en", ZoneInfo("UTC")).number(6.0, 1)
        ('1.234,5', '6')
        """
        text = f"{value:,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.translate(str.maketrans(",.", ".,")) if self.language == "de" else text

    def clock(self, at: int) -> str:
        """The time of day of µs since 1970.

        >>> Speech("de", ZoneInfo("Europe/Berlin")).clock(1795527120_000000)
        '14:32 Uhr'
        """
        local = instant(at).astimezone(self.zone)
        return PHRASES[self.language]["clock"].format(hour=local.hour, minute=local.minute)

    def date(self, at: int) -> str:
        """Day and time.

        >>> Speech("en", ZoneInfo("Europe/Berlin")).date(1795527120_000000)
        '24 Nov, 14:32'
        """
        local = instant(at).astimezone(self.zone)
        name = MONTHS[local.month - 1]
        return PHRASES[self.language]["date"].format(day=local.day, month=local.month, name=name, clock=self.clock(at))

    def until(self, start: int, end: int) -> str:
        """The end of a period: without its day where that is the start's.

        >>> Speech("de", ZoneInfo("UTC")).until(0, 60_000000), Speech("de", ZoneInfo("UTC")).until(0, 90_000_000000)
        ('00:01 Uhr', '02.01., 01:00 Uhr')
        """
        same = instant(start).astimezone(self.zone).date() == instant(end).astimezone(self.zone).date()
        return self.clock(end) if same else self.date(end)

    def span(self, text: str) -> str:
        """A catalogue's duration after "within".

        >>> Speech("de", ZoneInfo("UTC")).span("2d"), Speech("de", ZoneInfo("UTC")).span("1h")
        ('2 Tagen', '1 Stunde')
        """
        one, _, many = SPANS[self.language][text[-1]]
        return f"{self.number(int(text[:-1]))} {one if int(text[:-1]) == 1 else many}"

    def lasted(self, period: timedelta) -> str:
        """A duration in its two greatest units.

        >>> Speech("en", ZoneInfo("UTC")).lasted(timedelta(hours=25, minutes=3))
        '1 day 1 hour'
        """
        minutes = round(period / timedelta(minutes=1))
        counts = (("d", minutes // 1440), ("h", minutes // 60 % 24), ("m", minutes % 60))
        first = next((place for place, (_, count) in enumerate(counts) if count), None)
        if first is None:
            return PHRASES[self.language]["moment"]
        return " ".join(self._counted(unit, count) for unit, count in counts[first : first + 2] if count)

    def _counted(self, unit: str, count: int) -> str:
        one, many, _ = SPANS[self.language][unit]
        return f"{self.number(count)} {one if count == 1 else many}"


def clean(text: str, limit: int) -> str:
    r"""Foreign text in one line of at most `limit` code points: no control characters, nothing that turns the direction
    of what follows; text that runs right to left is isolated from ours.

    >>> clean("a\n\x1b[31m  b\u202e", 20)
    'a [31m b'
    >>> clean("x" * 100, 5), clean("it is two weeks old", 13)
    ('xxxx…', 'it is two…')
    """
    kept = " ".join("".join(map(_harmless, text)).split())
    if len(kept) > limit:
        cut, space = kept[: limit - 1], kept.rfind(" ", 0, limit)
        # Between two words, where one is near.
        kept = (cut[:space] if 2 * space > limit else cut).rstrip() + "…"
    turned = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in kept)
    return f"\u2068{kept}\u2069" if turned else kept


def _harmless(character: str) -> str:
    if character in _STEERS:
        return ""
    return " " if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") else character


def author_name(author: str) -> str:
    """A handle with its sign; a name of several words as it is.

    >>> author_name("ana.example"), author_name("@ana"), author_name("Nordkurier am Sonntag")
    ('@ana.example', '@ana', 'Nordkurier am Sonntag')
    """
    return author if len(author.split()) > 1 else f"@{author.removeprefix('@')}"


def platform_name(platform: str) -> str:
    """What people call a platform.

    >>> platform_name("bluesky"), platform_name("youtube")
    ('Bluesky', 'YouTube')
    """
    return PLATFORMS.get(platform) or platform[:1].upper() + platform[1:]


def web_address(url: str | None) -> str | None:
    """The address if it is one that a browser may be sent to.

    >>> web_address("javascript:alert(1)"), web_address("https://a.example/b")
    (None, 'https://a.example/b')
    """
    if not url or len(url) > _LONGEST or not url.lower().startswith(("http://", "https://")):
        return None
    return None if any(character.isspace() or not character.isprintable() for character in url) else url
