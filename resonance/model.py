"""The words of the product as immutable records: a mention as it is carried, and the events that happen to it.

Field names are those of the wire (JSON). A number that is unknown is None, never 0.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, structs

Kind = Literal["post", "comment", "article", "review", "repost", "quote"]
Label = Literal["negative", "neutral", "positive", "uncertain"]
Voice = Literal["earned", "own", "employee", "paid", "competitor"]
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive", "uncertain")
VOICES: tuple[Voice, ...] = ("earned", "own", "employee", "paid", "competitor")

MOST: Final = 2**40
"""No count is greater (a trillion: a hundred times what any platform has ever shown), so that sums over eight million
mentions at the limit still fit the 63 bits of a column."""

REMEMBERED = 8192
"""How many keys are remembered: each is asked for a few times while its slice is worked on."""

_NOTHING = (None, None, None, None)

Instant = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=MOST)]
MentionId = Annotated[str, Meta(min_length=3, max_length=1024, pattern=r"^[a-z0-9][a-z0-9_.-]*:[^\x00]+$")]
Short = Annotated[str, Meta(max_length=1024)]
Address = Annotated[str, Meta(max_length=8192)]


class Author(Struct, frozen=True, omit_defaults=True):
    """Who said it, as the platform tells; `id` is the platform's stable id (without the platform's name)."""

    id: Annotated[str, Meta(min_length=1, max_length=512)]
    handle: Short | None = None
    name: Short | None = None
    followers: Count | None = None
    verified: bool | None = None
    created_at: Instant | None = None
    description: Annotated[str, Meta(max_length=8192)] | None = None


class Engagement(Struct, frozen=True, omit_defaults=True):
    """Reactions counted so far; None = unknown."""

    likes: Count | None = None
    replies: Count | None = None
    reposts: Count | None = None
    quotes: Count | None = None
    views: Count | None = None
    saves: Count | None = None
    dislikes: Count | None = None
    reactions: dict[str, Count] | None = None


ENGAGEMENT_KINDS: tuple[str, ...] = ("likes", "replies", "reposts", "quotes", "views", "saves", "dislikes")


class Media(Struct, frozen=True, omit_defaults=True):
    """An attached picture, video or sound."""

    type: Short = "image"
    url: Address | None = None
    alt: Annotated[str, Meta(max_length=8192)] | None = None


class Rating(Struct, frozen=True):
    """A review's rating: `value` of `best`."""

    value: float
    best: float = 5.0


class Mention(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One public post, comment, article or review. `published_at` is claimed by the platform."""

    id: MentionId
    published_at: Instant
    text: str = ""
    platform: Short = ""
    source: Short = ""
    community: Short | None = None
    kind: Kind = "post"
    title: Annotated[str, Meta(max_length=8192)] | None = None
    thread_title: Annotated[str, Meta(max_length=8192)] | None = None
    quoted_text: str | None = None
    language: Annotated[str, Meta(max_length=35)] | None = None
    url: Address | None = None
    site: Short | None = None
    links: tuple[Address, ...] = ()
    hashtags: tuple[Short, ...] = ()
    media: tuple[Media, ...] = ()
    rating: Rating | None = None
    country: Annotated[str, Meta(max_length=8)] | None = None
    place: Short | None = None
    edited_at: Instant | None = None
    version: Short | None = None
    author: Author | None = None
    engagement: Engagement | None = None
    engagement_at: Instant | None = None
    reply_to: MentionId | None = None
    thread_root: MentionId | None = None
    repost_of: MentionId | None = None
    quote_of: MentionId | None = None
    sample_rate: Annotated[float, Meta(gt=0, le=1)] | None = None
    store_until: date | None = None
    extra: dict[str, Any] | None = None

    @property
    def is_edit(self) -> bool:
        """True where this is known to be a later version of the content."""
        return self.edited_at is not None or bool(self.version)

    @property
    def root(self) -> str | None:
        """The mention whose topics this one inherits: what it reposts or answers; None for an original."""
        return self.repost_of or self.thread_root or self.reply_to

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of all mentions that this one names."""
        named = (self.repost_of, self.thread_root, self.reply_to, self.quote_of)
        return () if named == _NOTHING else tuple(name for name in named if name is not None)


class Stamp(Struct, frozen=True, order=True, array_like=True):
    """Orders the versions of one mention's content: the greater wins, an equal one changes nothing."""

    at: int
    version: str
    content: str


class _Event(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="op"):
    """What happens to a mention or an author; `observed_at` is stamped by ingest."""

    observed_at: Instant | None = None


class Upsert(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="upsert"):
    """A mention, new or changed."""

    mention: Mention


class AuthorSeen(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="author"):
    """News of an author; `platform` names where."""

    author: Author
    platform: Short


class EngagementSeen(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="engagement"):
    """Reactions counted at `at`; merged field by field, the newest known number wins."""

    id: MentionId
    engagement: Engagement
    at: Instant | None = None


class Delete(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="delete"):
    """The mention is gone, for good."""

    id: MentionId


class DeleteAuthor(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="delete_author"):
    """The platform took the author and everything they said away; `author` is `platform:id`. Revocable."""

    author: MentionId


class Rematch(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="rematch"):
    """Internal: match these mentions anew against today's catalogue; they forget what they repeat of `without`, mentions of
    an erased author that were never kept."""

    ids: tuple[str, ...]
    without: tuple[str, ...] = ()


class Rescore(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="rescore"):
    """Internal: score these mentions anew with today's models."""

    ids: tuple[str, ...]


class Correction(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="label"):
    """Internal: a person corrected the sentiment of one mention for one topic."""

    id: str
    topic: str
    label: Label


class EraseAuthor(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="erase_author"):
    """Internal: erase an author for good; `author_key` as hexadecimal digits."""

    author_key: str


class RestoreAuthor(_Event, frozen=True, omit_defaults=True, kw_only=True, tag="restore_author"):
    """Internal: a platform's `delete_author` is revoked; `author` is `platform:id`."""

    author: str


PublicEvent = Upsert | AuthorSeen | EngagementSeen | Delete | DeleteAuthor
InternalEvent = Rematch | Rescore | Correction | EraseAuthor | RestoreAuthor
Event = PublicEvent | InternalEvent


@lru_cache(maxsize=REMEMBERED)
def mention_key(mention_id: str) -> bytes:
    """The 16 bytes that identify a mention everywhere inside: blake2b-128 of its id."""
    return hashlib.blake2b(mention_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def key_text(key: bytes) -> str:
    """A key as 22 URL-safe characters.

    >>> key_text(mention_key("demo:1"))
    '1E-t3pCkrl6EgU2apaM6Dg'
    """
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def key_bytes(text: str) -> bytes:
    """The inverse of `key_text`; raises ValueError for anything that is no key."""
    raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    if len(raw) != 16:
        raise ValueError("a mention key has 22 URL-safe characters")
    return raw


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware instant: how instants stand in rows.

    >>> micros(datetime(2026, 1, 1, tzinfo=UTC))
    1767225600000000
    """
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(us: int) -> datetime:
    """The inverse of `micros`."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def content_stamp(mention: Mention) -> Stamp:
    """The stamp of a mention's content. Everything that can be told differently enters it, so that of two that claim the
    same time one wins in any order; counts do not, nor who told it."""
    seen = mention.edited_at or mention.published_at
    author = mention.author and Author(id=mention.author.id, handle=mention.author.handle)
    told = structs.replace(mention, source="", author=author, engagement=None, engagement_at=None, sample_rate=None)
    digest = hashlib.blake2b(msgspec.json.encode(told, order="deterministic"), digest_size=8).hexdigest()
    return Stamp(at=micros(seen), version=mention.version or "", content=digest)
