"""What happens to a mention after it was said: it is liked, corrected, taken away."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from msgspec import structs

from ingest.demo.said import Said
from ingest.demo.writer import Writer
from resonance.model import Delete, Engagement, EngagementSeen, Event, Upsert

Planned = tuple[datetime, Callable[[], Event]]
"""When something is observed, and the event as it stands then."""

_LOOKS: Final = ((7, 60), (22, 30), (65, 14), (170, 5), (720, 25))
"""Counts are looked up so many minutes after the mention, where so many likes are to be expected in the end."""

_GROWTH: Final = timedelta(minutes=85)  # until 63 % of the likes have come
_EDITED: Final = 0.016
_DELETED: Final = 0.011


def aftermath(said: Said, rng: Random, writer: Writer) -> Iterator[Planned]:
    """What follows a mention, each after it was itself observed."""
    if said.kind == "repost":
        return
    likes = _likes(said, rng)
    for minutes, least in _LOOKS:
        at = said.at + timedelta(minutes=minutes, seconds=rng.randrange(60))
        # Whoever looks goes round once a minute, towards its end.
        at = at.replace(second=50 + at.second // 6)
        if likes >= least and at > said.observed_at:
            yield at, _look(said, at, likes)
    roll = rng.random()
    if roll < _EDITED + _DELETED:
        at = said.observed_at + timedelta(seconds=30 + round(rng.lognormvariate(6.5, 1.2)))
        gone = roll >= _EDITED
        yield at, _delete(said) if gone else _edit(said, at, writer.correction(said.text, said.language, said.topic))


def _likes(said: Said, rng: Random) -> float:
    """The likes that it gets in the end: about the root of its audience, with heavy tails; a crisis draws more."""
    if said.platform == "news":
        return 0.0
    audience = said.person.author.followers or 120
    return 0.35 * math.sqrt(audience) * rng.lognormvariate(0, 0.9) * (2.5 if said.crisis else 1.0)


def _look(said: Said, at: datetime, likes: float) -> Callable[[], Event]:
    def make() -> Event:
        now = round(likes * (1 - math.exp(-((at - said.at) / _GROWTH))))
        replies = bisect_right(said.replies, at) + now // 25
        counts = Engagement(likes=now, replies=replies)
        if said.platform in ("bluesky", "mastodon"):
            counts = structs.replace(counts, reposts=bisect_right(said.reposts, at) + now // 9)
        if said.platform == "bluesky":
            counts = structs.replace(counts, quotes=bisect_right(said.quotes, at) + now // 60)
        if said.platform == "instagram":
            counts = structs.replace(counts, views=now * 11 + 40, saves=now // 14)
        return EngagementSeen(id=said.id, engagement=counts, at=at)

    return make


def _edit(said: Said, at: datetime, text: str) -> Callable[[], Event]:
    def make() -> Event:
        edited_at = at - timedelta(seconds=3)
        unknown = {"engagement": None, "engagement_at": None}
        return Upsert(mention=structs.replace(said.mention(), text=text, edited_at=edited_at, **unknown))

    return make


def _delete(said: Said) -> Callable[[], Event]:
    return lambda: Delete(id=said.id)
