"""A recorded stream to be replayed: everything that happens to mentions, each event with the time at which it was observed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import structs

from resonance.model import Author, Delete, DeleteAuthor, Engagement, EngagementSeen, Mention, PublicEvent, Upsert
from resonance.wire import encode_event

TOPICS = ("bahn", "post", "wetter")
"""Their names are their queries."""

_SAID = ("die {} kommt zu spät", "wieder Ärger mit der {}", "ich mag die {} sehr", "the {} is great", "{} {} {}")
_NOISE = ("nichts davon", "ein schöner Tag", "what a day")


def record(file: Path, start: datetime, count: int, *, seed: int = 1) -> datetime:
    """Write `count` events about a second apart and return when the last was observed. A third of the way a burst
    about the railway begins."""
    last = start
    with file.open("wb") as out:
        for event in events(start, count, seed=seed):
            assert event.observed_at is not None
            last = event.observed_at
            out.write(encode_event(event) + b"\n")
    return last


def events(start: datetime, count: int, *, seed: int = 1) -> Iterator[PublicEvent]:
    """New mentions, edits, deletions, engagement, reposts of roots in other lanes, some of it twice or before its mention.

    Only the weather is ever inherited by what has no word of it: when that arrives depends on when its root is found.
    """
    dice = random.Random(seed)
    at, said, early = start, list[Mention](), list[PublicEvent]()
    for number in range(count):
        burst = count // 3 <= number < count // 3 + 300
        at += timedelta(milliseconds=dice.randrange(50, 200) if burst else dice.randrange(400, 1600))
        if early and dice.random() < 0.5:
            yield structs.replace(early.pop(0), observed_at=at)
            continue
        known = said[-200:]
        what = dice.random() if known else 0.0
        if what < 0.62 or burst:
            mention = _said(dice, number, at, "bahn" if burst else None)
            said.append(mention)
            if dice.random() < 0.03:
                # Its counts come before it does.
                early.append(Upsert(mention=mention))
                yield EngagementSeen(id=mention.id, engagement=Engagement(likes=3), at=at, observed_at=at)
                continue
            yield Upsert(mention=mention, observed_at=at)
        elif what < 0.72:
            yield Upsert(mention=_edited(dice, dice.choice(known), at), observed_at=at)
        elif what < 0.82:
            counts = Engagement(likes=dice.randrange(100), reposts=dice.randrange(9), views=dice.randrange(5000))
            yield EngagementSeen(id=dice.choice(known).id, engagement=counts, at=at, observed_at=at)
        elif what < 0.87:
            yield Delete(id=dice.choice(known).id, observed_at=at)
        elif what < 0.9:
            yield Upsert(mention=dice.choice(known), observed_at=at)
        elif what < 0.905:
            yield DeleteAuthor(author=f"test:{dice.randrange(40)}", observed_at=at)
        else:
            root = dice.choice(known[-20:])
            own = "" if "wetter" in root.text else root.text
            mention = Mention(
                id=f"test:r{number}", platform="test", kind="repost", text=own, repost_of=root.id, published_at=at
            )
            yield Upsert(mention=mention, observed_at=at)


def _said(dice: random.Random, number: int, at: datetime, topic: str | None) -> Mention:
    chosen = topic or dice.choice((*TOPICS, None))
    text = dice.choice(_SAID).replace("{}", chosen) if chosen else dice.choice(_NOISE)
    author = dice.randrange(40)
    return Mention(
        id=f"test:{number}",
        platform="test",
        text=f"{text} {number}",
        published_at=at - timedelta(seconds=dice.choice((0, 1, 5, 60, 4000))),
        author=Author(id=str(author), handle=f"h{author}", followers=author * 10),
    )


def _edited(dice: random.Random, mention: Mention, at: datetime) -> Mention:
    """It may lose its topics, have them again, or gain the weather."""
    text = dice.choice((mention.text, dice.choice(_NOISE), f"das wetter {mention.text}"))
    return structs.replace(mention, text=f"{text} {at.microsecond}", edited_at=at)
