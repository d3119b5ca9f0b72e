"""Records as rows and back: the only place that knows how a mention lies in its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import structs

from resonance.model import Author, Mention, Stamp, instant, mention_key, micros
from resonance.records import engagement_total
from resonance.update import AuthorRow, Match, Record

_engagement = msgspec.json.Decoder(dict[str, tuple[int, int]])
_document = msgspec.json.Decoder(Mention)
_spans = msgspec.json.Decoder(tuple[tuple[int, int], ...])
_encode = msgspec.json.Encoder().encode


def identity_row(record: Record) -> dict[str, Any]:
    """The row of `identity`."""
    return {
        "key": record.key,
        "id": record.id,
        "row": record.row,
        "lane": record.lane,
        "placed_at": record.placed_at,
        "observed_at": record.observed_at,
        "stamp_at": record.stamp.at,
        "stamp_version": record.stamp.version,
        "stamp_content": record.stamp.content,
        "author_key": record.author_key,
        "deleted_at": record.deleted_at,
        "unmatched": " ".join(record.unmatched),
        "root": mention_key(record.mention.root) if record.mention and record.mention.root else None,
    }


def mention_row(record: Record, mention: Mention) -> dict[str, Any]:
    """The row of `mention`; the author's name, handle and description stay out of it."""
    document = structs.replace(mention, text="", title=None, author=None)
    return {
        "row": record.row,
        "key": record.key,
        "id": record.id,
        "platform": mention.platform,
        "source": mention.source,
        "site": mention.site,
        "community": mention.community,
        "environment": record.environment,
        "voice": record.voice,
        "kind": mention.kind,
        "language": record.language,
        "language_by": record.language_by,
        "language_confidence": record.language_confidence,
        "text": mention.text,
        "title": mention.title,
        "url": mention.url,
        "author_key": record.author_key,
        "followers": record.followers,
        "published_at": micros(mention.published_at),
        "placed_at": record.placed_at,
        "observed_at": record.observed_at,
        "logged_at": record.logged_at,
        "edited_at": micros(mention.edited_at) if mention.edited_at else None,
        "store_until": None if mention.store_until is None else mention.store_until.toordinal(),
        "time_suspect": int(record.time_suspect),
        "weight": record.weight,
        "engagement": _encode(record.engagement).decode(),
        "engagement_total": engagement_total(record),
        "reach": record.reach,
        "reach_by": record.reach_by,
        "topics": " ".join(match.topic for match in record.matches),
        "document": _encode(document).decode(),
    }


def match_row(record: Record, match: Match) -> dict[str, Any]:
    """A row of `match`."""
    return {
        "topic": match.topic,
        "row": record.row,
        "version": match.version,
        "placed_at": record.placed_at,
        "environment": record.environment,
        "voice": record.voice,
        "spans": _encode(match.spans).decode(),
        "p_negative": match.p[0],
        "p_neutral": match.p[1],
        "p_positive": match.p[2],
        "label": match.label,
        "model": match.model,
        "inherited": int(match.inherited),
        "corrected": int(match.corrected),
        "since": match.since,
        "reach": record.reach,
        "engagement_total": engagement_total(record),
    }


def author_row(row: AuthorRow) -> dict[str, Any]:
    """The row of `author`."""
    author = row.author
    return {
        "author_key": row.key,
        "platform": row.platform,
        "id": author.id,
        "handle": author.handle,
        "name": author.name,
        "description": author.description,
        "followers": author.followers,
        "verified": None if author.verified is None else int(author.verified),
        "created_at": micros(author.created_at) if author.created_at else None,
        "seen_at": row.seen_at,
    }


def read_author(row: sa.RowMapping) -> AuthorRow:
    """The inverse of `author_row`."""
    author = Author(
        id=row["id"],
        handle=row["handle"],
        name=row["name"],
        description=row["description"],
        followers=row["followers"],
        verified=None if row["verified"] is None else bool(row["verified"]),
        created_at=None if row["created_at"] is None else instant(row["created_at"]),
    )
    return AuthorRow(row["author_key"], row["platform"], author, row["seen_at"])


def read_match(row: sa.RowMapping) -> Match:
    """The inverse of `match_row`."""
    return Match(
        topic=row["topic"],
        version=row["version"],
        spans=_spans.decode(row["spans"]),
        p=(row["p_negative"], row["p_neutral"], row["p_positive"]),
        label=row["label"],
        model=row["model"],
        inherited=bool(row["inherited"]),
        corrected=bool(row["corrected"]),
        since=row["since"],
    )


def read_mention(row: sa.RowMapping, author: Author | None) -> Mention:
    """The mention as it was carried; `author` as known now, with the followers it had then."""
    if author is not None:
        author = structs.replace(author, followers=row["followers"])
    return structs.replace(_document.decode(row["document"]), text=row["text"], title=row["title"], author=author)


def read_record(
    identity: sa.RowMapping, row: sa.RowMapping | None, matches: Sequence[Match], author: Author | None
) -> Record:
    """The record of an identity, with its mention's row where it has one."""
    bare = Record(
        key=identity["key"],
        id=identity["id"],
        row=identity["row"],
        lane=identity["lane"],
        placed_at=identity["placed_at"],
        observed_at=identity["observed_at"],
        stamp=Stamp(identity["stamp_at"], identity["stamp_version"], identity["stamp_content"]),
        author_key=identity["author_key"],
        deleted_at=identity["deleted_at"],
        unmatched=tuple(identity["unmatched"].split()),
    )
    if row is None:
        return bare
    return structs.replace(
        bare,
        mention=read_mention(row, author),
        followers=row["followers"],
        engagement=_engagement.decode(row["engagement"]),
        language=row["language"],
        language_by=row["language_by"],
        language_confidence=row["language_confidence"],
        environment=row["environment"],
        voice=row["voice"],
        weight=row["weight"],
        reach=row["reach"],
        reach_by=row["reach_by"],
        time_suspect=bool(row["time_suspect"]),
        logged_at=row["logged_at"],
        matches=tuple(matches),
    )
