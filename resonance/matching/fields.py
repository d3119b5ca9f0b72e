"""The properties of a mention that a query can ask for, as keys that compare equal."""

from __future__ import annotations

import re

from resonance.matching.query import Field
from resonance.matching.text import fold
from resonance.model import Mention

FieldKey = tuple[str, str]
"""Name of the field and the folded value."""


def primary(language: str) -> str:
    """The language without region or script.

    >>> primary("de-AT"), primary("ZH_hant")
    ('de', 'zh')
    """
    return re.split("[-_]", language, maxsplit=1)[0].lower()


def domain(written: str) -> str:
    """A domain as it is compared: small letters, without www. and a final dot, letters beyond ASCII in punycode.

    >>> domain("WWW.Müller.example")
    'xn--mller-kva.example'
    """
    name = fold(written).strip(".").removeprefix("www.")
    if name.isascii() or len(name) > 253:
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def host(url: str) -> str:
    """The host of an address, "" where there is none.

    >>> host("https://me@shop.example.com:8080/a?b"), host("mailto:x")
    ('shop.example.com', '')
    """
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return re.sub(r":\d*$", "", authority.rpartition("@")[2])


def field_key(field: Field) -> FieldKey:
    """What a mention must have for a field of a query to hold."""
    if field.name == "lang":
        return ("lang", primary(field.value))
    if field.name == "site":
        return ("site", domain(field.value))
    if field.name == "author":
        return ("author", _name(field.value))
    return (field.name, fold(field.value).strip())


def field_keys(mention: Mention, language: str | None) -> set[FieldKey]:
    """All keys that a mention has, of a site those of the domains above it too.

    `language` goes before the mention's own.

    >>> from datetime import UTC, datetime
    >>> seen = Mention(id="rss:1", published_at=datetime(2026, 1, 1, tzinfo=UTC), url="https://blog.example.com/1")
    >>> sorted(field_keys(seen, "en-GB"))
    [('lang', 'en'), ('platform', 'rss'), ('site', 'blog.example.com'), ('site', 'com'), ('site', 'example.com')]
    """
    keys = {("platform", fold(mention.platform or mention.id.partition(":")[0]).strip())}
    if spoken := language or mention.language:
        keys.add(("lang", primary(spoken)))
    if author := mention.author:
        keys |= {("author", _name(name)) for name in (author.handle, author.id, author.name) if name}
    if site := domain(mention.site or host(mention.url or "")):
        labels = site.split(".")
        keys |= {("site", ".".join(labels[at:])) for at in range(min(len(labels), 30))}
    return keys


def _name(written: str) -> str:
    return " ".join(fold(written).split()).removeprefix("@")
