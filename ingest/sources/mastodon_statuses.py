"""What Mastodon sends (entities of its API, version 4) as events, and its event stream as lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import convert

from ingest.markup import plain
from resonance.model import Author, Engagement, Media, Mention

_ADDRESS, _NAME, _TEXT = 8192, 1000, 40_000
_LONGEST = 2_000_000
"""An event of the stream is shorter (bytes)."""


class Malformed(ValueError):
    """Not what Mastodon sends."""


class Status(NamedTuple):
    """A status as we need it. `mention` None: it is not for us (not public, or its author does not want to be found)."""

    id: str
    uri: str
    edited_at: str
    mention: Mention | None


class Lines:
    """Server-sent events from pieces of bytes, cut anywhere. Comments (heartbeats) are dropped."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._name, self._data = "", list[str]()

    def feed(self, piece: bytes) -> Iterator[tuple[str, str]]:
        """(event, data) of each that is complete. Raises Malformed for one without end.

        >>> lines = Lines()
        >>> list(lines.feed(b":thump\\nevent: del")) + list(lines.feed(b"ete\\ndata: 1\\n\\n"))
        [('delete', '1')]
        """
        self._rest += piece
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        if len(self._rest) + sum(map(len, self._data)) > _LONGEST:
            raise Malformed(f"an event of more than {_LONGEST:,} bytes")
        for line in lines:
            text = line.decode("utf-8", "replace").removesuffix("\r")
            name, _, value = text.partition(":")
            if name == "event":
                self._name = value.removeprefix(" ")
            elif name == "data":
                self._data.append(value.removeprefix(" "))
            elif not text and (self._name or self._data):
                yield self._name, "\n".join(self._data)
                self._name, self._data = "", []


def read_status(data: Any, instance: str, uri_of: Callable[[str], str | None], *, only_indexable: bool) -> Status:
    """A status from a plain value; `uri_of` (an id) tells what it answers. Raises Malformed."""
    try:
        name, uri = data["id"], data["uri"]
        if not (
            isinstance(uri, str)
            and 0 < len(uri) <= _NAME
            and isinstance(name, str)
            and name.isascii()
            and name.isalnum()
        ):
            raise Malformed("a status without a usable id")
        edited = data.get("edited_at") or ""
        wanted = data["visibility"] == "public" and _wants_to_be_found(data["account"], only_indexable)
        return Status(name, uri, str(edited), _mention(data, instance, uri_of) if wanted else None)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise error if isinstance(error, Malformed) else Malformed(f"{type(error).__name__}: {error}") from error


def mention_id(uri: str) -> str:
    """The same on every instance that knows the status."""
    return f"mastodon:{uri}"


def engagement_of(data: Mapping[str, Any]) -> Engagement:
    """The counts that stand at a status; None what the instance does not tell."""
    names = {
        "likes": "favourites_count",
        "replies": "replies_count",
        "reposts": "reblogs_count",
        "quotes": "quotes_count",
    }
    found = {name: data.get(key) for name, key in names.items()}
    return convert({name: n for name, n in found.items() if isinstance(n, int) and n >= 0}, Engagement)


def _wants_to_be_found(account: Mapping[str, Any], only_indexable: bool) -> bool:
    """People say so by "indexable"; "#nobot" in what they say of themselves always means no."""
    if "nobot" in plain(str(account.get("note") or "")).text.lower():
        return False
    return not only_indexable or account.get("indexable") is True


def _mention(data: Mapping[str, Any], instance: str, uri_of: Callable[[str], str | None]) -> Mention:
    shared = data.get("reblog")
    quoted = _quoted(data.get("quote"))
    body = plain(str(data.get("content") or ""))
    answered = str(data.get("in_reply_to_id") or "")
    parent = uri_of(answered) if answered else None
    tags = [tag["name"] for tag in data.get("tags") or () if isinstance(tag.get("name"), str)]
    pages = {str(m.get("url")) for m in data.get("mentions") or ()} | {
        str(t.get("url")) for t in data.get("tags") or ()
    }
    return Mention(
        id=mention_id(data["uri"]),
        platform="mastodon",
        kind="repost" if shared else "quote" if quoted else "comment" if answered else "post",
        community=urlsplit(instance).netloc,
        text="" if shared else "\n".join(filter(None, [body.text, *_choices(data.get("poll"))]))[:_TEXT],
        title=str(data["spoiler_text"])[:_ADDRESS] if data.get("spoiler_text") else None,
        quoted_text=plain(str(quoted.get("content") or "")).text[:_TEXT] if quoted else None,
        language=data["language"][:35] if isinstance(data.get("language"), str) else None,
        url=_address(data.get("url")) or _address(data["uri"]),
        published_at=_time(data["created_at"]),
        edited_at=_time(data["edited_at"]) if data.get("edited_at") else None,
        author=_author(data["account"]),
        # Profiles and pages of hashtags are links only to the machine.
        links=tuple(link for link in body.links if link not in pages and len(link) <= _ADDRESS),
        hashtags=tuple(tag for tag in tags if 0 < len(tag) <= _NAME),
        media=tuple(_media(data.get("media_attachments"))),
        engagement=engagement_of(data),
        reply_to=mention_id(parent) if parent else None,
        repost_of=mention_id(shared["uri"]) if shared else None,
        quote_of=mention_id(quoted["uri"]) if quoted else None,
        extra={"sensitive": True} if data.get("sensitive") else None,
    )


def _quoted(quote: Any) -> Mapping[str, Any] | None:
    """The quoted status, where its author has agreed."""
    if not isinstance(quote, dict) or quote.get("state") != "accepted":
        return None
    found = quote.get("quoted_status")
    return found if isinstance(found, dict) and isinstance(found.get("uri"), str) else None


def _choices(poll: Any) -> list[str]:
    """What may be voted for is said, too."""
    found = poll.get("options") if isinstance(poll, dict) else None
    return [str(choice.get("title") or "") for choice in found or ()]


def _author(account: Mapping[str, Any]) -> Author:
    followers = account.get("followers_count")
    return Author(
        id=str(account.get("uri") or account["url"])[:512],
        handle=str(account["acct"])[:_NAME],
        name=str(account.get("display_name") or "")[:_NAME] or None,
        followers=followers if isinstance(followers, int) and followers >= 0 else None,
        created_at=_time(account["created_at"]) if account.get("created_at") else None,
        description=plain(str(account.get("note") or "")).text[:_ADDRESS] or None,
    )


def _media(found: Any) -> Iterator[Media]:
    for item in found or ():
        alt = item.get("description")
        yield Media(
            type=str(item.get("type") or "file")[:50],
            url=_address(item.get("url")),
            alt=alt[:_ADDRESS] or None if isinstance(alt, str) else None,
        )


def _address(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _ADDRESS else None


def _time(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_json(data: str) -> Any:
    """A plain value; raises Malformed."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from error
