"""Who speaks in the demo: invented authors of five platforms, a few of them heard by many."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from ingest.demo.company import ACCOUNTS, Account
from resonance.model import Author

PLATFORMS: Final = ("bluesky", "mastodon", "reddit", "instagram", "news")
SHARES: Final = {"bluesky": 0.34, "mastodon": 0.18, "reddit": 0.24, "instagram": 0.18, "news": 0.06}
"""How ordinary mentions are spread over the platforms."""

_POOL: Final = {"bluesky": 520, "mastodon": 260, "reddit": 380, "instagram": 330, "news": 26}
_GERMAN: Final = {"bluesky": 0.72, "mastodon": 0.74, "reddit": 0.60, "instagram": 0.72, "news": 0.80}
_MEDIAN_FOLLOWERS: Final = {"bluesky": 170.0, "mastodon": 110.0, "instagram": 320.0}
_COMMUNITIES: Final = {
    "mastodon": {"de": ("kuechenplausch.example", "lauterwald.example", "norden.example"),
                 "en": ("pantry.example", "tinker.example")},
    "reddit": {"de": ("backstube_de", "siebtraegerfreunde", "kuechentechnik", "vernetztwohnen"),
               "en": ("homecrumbs", "espressonests", "smartkitchens")},
}  # fmt: skip
_SITES: Final = {
    "de": (
        "lauterwalder-bote.example",
        "kuechenwelt-heute.example",
        "nordkurier-markt.example",
        "verbraucherblick.example",
    ),
    "en": ("kitchen-gazette.example", "gadget-larder.example"),
}
_FIRST: Final = (
    "Ada", "Bela", "Carlo", "Dörte", "Edda", "Fiete", "Gesa", "Hinnerk", "Ida", "Jonte", "Kaja", "Lasse", "Merle", "Nuri",
    "Orla", "Pit", "Quentin", "Rieke", "Sönke", "Tilda", "Ulf", "Vera", "Wiebke", "Xenia", "Yara", "Zeki",
)  # fmt: skip
_THINGS: Final = (
    "krume", "bohne", "kelle", "hefe", "tasse", "herd", "löffel", "zimt", "pfanne", "kanne", "sieb", "nudel", "apfel", "minze",
)  # fmt: skip
_ASCII: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True, slots=True)
class Person:
    """An author on one platform. `pull` says how readily others answer or pass on what they say (1 = ordinary)."""

    author: Author
    platform: str
    language: str
    community: str | None
    site: str | None
    pull: float


@dataclass(frozen=True)
class People:
    """All authors, by platform and language, the busiest first."""

    by_place: dict[tuple[str, str], list[Person]]
    accounts: dict[str, Person]
    _weights: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def someone(self, rng: Random, platform: str, language: str) -> Person:
        """Somebody of this platform and language; a few speak much more often than the rest (Zipf with exponent 0.7)."""
        place = (platform, language)
        weights = self._weights.get(place)
        if weights is None:
            total, weights = 0.0, []
            for rank in range(len(self.by_place[place])):
                total += (rank + 3) ** -0.7
                weights.append(total)
            self._weights[place] = weights
        return rng.choices(self.by_place[place], cum_weights=weights)[0]


def german_share(platform: str, hour: int) -> float:
    """The share of German on a platform: at night (UTC hours 22 to 5) the English-speaking world is awake."""
    share = _GERMAN[platform]
    return share * 0.6 if hour >= 22 or hour < 5 else share


def people(seed: int) -> People:
    """The same people for the same seed."""
    rng = Random(f"{seed}:people")
    by_place: dict[tuple[str, str], list[Person]] = {(p, tongue): [] for p in PLATFORMS for tongue in ("de", "en")}
    for platform in PLATFORMS:
        for number in range(_POOL[platform]):
            language = "de" if number % 10 < 7 else "en"
            by_place[platform, language].append(_person(rng, seed, platform, language, number))
    return People(by_place, {f"{a.platform}:{a.handle}": _account(a) for a in ACCOUNTS})


def _person(rng: Random, seed: int, platform: str, language: str, number: int) -> Person:
    first = rng.choice(_FIRST)
    handle = f"{first.lower()}_{rng.choice(_THINGS)}{number}".translate(_ASCII)
    median = _MEDIAN_FOLLOWERS.get(platform)
    followers = min(400_000, round(rng.lognormvariate(0, 1.7) * median)) if median else None
    community = rng.choice(_COMMUNITIES[platform][language]) if platform in _COMMUNITIES else None
    site = rng.choice(_SITES[language]) if platform == "news" else None
    if platform == "mastodon":
        handle = f"{handle}@{community}"
    elif platform == "bluesky":
        handle = handle.replace("_", "-") + ".example"
    joined = datetime(2025, 12, 31, tzinfo=UTC) - timedelta(days=rng.randrange(20, 3000))
    author = Author(
        id=f"demo-{seed}-a{platform[0]}{number:04d}",
        handle=handle if platform != "news" else None,
        name=f"Redaktion {site}" if site else first,
        followers=followers,
        created_at=None if site else joined,
    )
    pull = 1.0 if followers is None else 0.3 + (followers / 200) ** 0.4
    return Person(author, platform, language, community, site, pull)


def _account(account: Account) -> Person:
    author = Author(
        id=f"demo-{account.platform}-{account.handle}",
        handle=account.handle,
        name=account.name,
        followers=account.followers,
        verified=True,
    )
    community = account.handle.partition("@")[2] or None
    return Person(author, account.platform, "de", community, None, 4.0)
