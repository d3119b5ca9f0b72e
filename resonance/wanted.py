"""What must be read from the store before events can be processed."""

from __future__ import annotations

from collections.abc import Sequence

from resonance.model import (
    AuthorSeen,
    Correction,
    Delete,
    DeleteAuthor,
    EngagementSeen,
    EraseAuthor,
    Event,
    Rematch,
    Rescore,
    RestoreAuthor,
    Upsert,
    mention_key,
)
from resonance.ports import Known, Wanted
from resonance.scoring import Scorer


def wanted(events: Sequence[Event], scorer: Scorer) -> Wanted:
    """What must be read from the store before these events can be processed."""
    keys: set[bytes] = set()
    authors: set[bytes] = set()
    whole: set[bytes] = set()
    erase: set[bytes] = set()
    for event in events:
        match event:
            case Upsert(mention=mention):
                keys.add(mention_key(mention.id))
                keys.update(map(mention_key, mention.references))
                if mention.author:
                    authors.add(scorer.author_key(f"{mention.platform}:{mention.author.id}"))
            case AuthorSeen(author=author, platform=platform):
                authors.add(scorer.author_key(f"{platform}:{author.id}"))
            case EngagementSeen(id=name) | Delete(id=name) | Correction(id=name):
                keys.add(mention_key(name))
            case Rematch(ids=ids) | Rescore(ids=ids):
                keys.update(map(mention_key, ids))
            case DeleteAuthor(author=name) | RestoreAuthor(author=name):
                whole.add(scorer.author_key(name))
            case EraseAuthor(author_key=name):
                erase.add(bytes.fromhex(name))
    return Wanted(frozenset(keys), frozenset(authors), frozenset(whole), frozenset(erase))


def roots_of(known: Known) -> frozenset[bytes]:
    """The roots of what is known, and what else it names: a re-match has to look at them, too."""
    found = {mention_key(name) for r in known.records.values() if r.mention for name in r.mention.references}
    return frozenset(found - known.records.keys())
