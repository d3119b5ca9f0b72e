"""What replies and reposts have of their root, the mention that they answer or repeat: its topics.

A root that begins to say something within a minute of its reply is found by the reply, in whichever order their lanes are
worked on; so both the reply and the root have to carry when. What a root ceases to say, its replies lose at any time.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from msgspec import structs

from resonance.model import Mention
from resonance.scoring import Scorer
from resonance.update import Match, Record

ROOT_WAIT = 60_000_000
"""How long a reply or repost looks for its root (µs)."""


def heard(root: Record | None, observed_at: int, topics: Container[str]) -> dict[str, Match]:
    """Topic → the root's match that a reply observed then (µs) inherits. Only what the root says itself: so a chain
    cannot feed on itself. What it began to say later is not told again: the reply may be gone by then."""
    return {
        match.topic: match
        for match in (root.matches if root else ())
        if not match.inherited and match.topic in topics and match.since < observed_at + ROOT_WAIT
    }


def inheriting(mention: Mention, own: Sequence[Match], roots: dict[str, Match], scorer: Scorer) -> tuple[Match, ...]:
    """The mention's own matches and those that only its root has, each with the mention's sentiment of it; a bare
    repost feels what it repeats."""
    said = {match.topic: match.spans for match in own}
    topics = [(topic, said.get(topic, ())) for topic in sorted(said.keys() | roots.keys())]
    matches = []
    for match in scorer.felt([mention], [topics])[0]:
        if match.topic in said:
            matches.append(match)
        elif mention.text:
            matches.append(structs.replace(match, inherited=True))
        else:
            felt = roots[match.topic]
            matches.append(structs.replace(match, inherited=True, p=felt.p, label=felt.label))
    return tuple(matches)


def dated(matches: Sequence[Match], before: Sequence[Match], at: int) -> tuple[Match, ...]:
    """The matches, each with since when the mention itself has said so without a break: as before, else from `at` on (µs)."""
    since = {match.topic: match.since for match in before if not match.inherited}
    return tuple(
        match if match.inherited else structs.replace(match, since=since.get(match.topic, at)) for match in matches
    )


def inherits(record: Record, root: Record | None) -> frozenset[tuple[int, str]]:
    """What the record has of a root in another lane: the (row, topic) of matches that still have to stand when it is written."""
    if root is None or root.lane == record.lane:
        return frozenset()
    return frozenset((root.row, match.topic) for match in record.matches if match.inherited)
