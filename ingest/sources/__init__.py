"""The sources: a file for each kind, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

from msgspec import Struct

from ingest.source import Source
from resonance.catalogue import Catalogue, read_table
from resonance.catalogue import Source as Configured
from resonance.clock import Clock
from resonance.errors import Invalid, Problem

KINDS = {
    "bluesky": "ingest.sources.bluesky",
    "demo": "ingest.sources.demo",
    "feeds": "ingest.sources.feeds",
    "hackernews": "ingest.sources.hackernews",
    "hook": "ingest.sources.hook",
    "mastodon": "ingest.sources.mastodon",
    "replay": "ingest.sources.replay",
}
"""Kind → the module that knows it."""

PUSHED = ("push", "import")
"""Kinds that come to us by themselves, and have no options."""

SIMULATED = ("demo", "replay")
"""Kinds whose events carry observed times of their own."""

Secrets = Callable[[str], str]
""" "env:NAME" or "file:/path" → the secret; raises Unconfigured. Asked when the source is read, so that one whose secret is
missing says so and the others are read."""


class Kind(Protocol):
    """What the module of a kind offers."""

    Options: type[Struct]
    """The source's `options`; unknown ones are refused."""
    COVERAGE: str | None
    """In words: what of the platform can be had this way. None: everything."""

    def problems(self, configured: Configured, options: Any) -> list[tuple[str, str]]:
        """What is wrong beside the types of the options: (field, sentence)."""

    def open_source(self, configured: Configured, options: Any, clock: Clock, secrets: Secrets) -> Source | None:
        """The source; None where it is pushed to us."""


def open_source(configured: Configured, clock: Clock, secrets: Secrets) -> Source | None:
    """The source behind a configuration; None for one that is pushed to us."""
    if configured.kind not in KINDS:
        return None
    kind = _kind(configured)
    return kind.open_source(configured, _options(kind, configured), clock, secrets)


def coverage_of(configured: Configured) -> str | None:
    """What of the platform such a source can have, in words; None: everything, or whatever is pushed."""
    return _kind(configured).COVERAGE if configured.kind in KINDS else None


def check_sources(catalogue: Catalogue) -> list[Problem]:
    """Every mistake in the kinds and options of all sources; `pointer` as sources.id.option."""
    return [problem for source in catalogue.sources.values() for problem in _check(source)]


def _check(configured: Configured) -> list[Problem]:
    at = f"sources.{configured.id}"
    if configured.kind not in KINDS:
        if configured.kind not in PUSHED:
            known = ", ".join(sorted([*KINDS, *PUSHED]))
            return [Problem(f"there is no kind {configured.kind!r}; known are {known}", f"{at}.kind", "unknown")]
        return [Problem("there are none for this kind", f"{at}.options", "unknown")] if configured.options else []
    kind = _kind(configured)
    try:
        found = kind.problems(configured, _options(kind, configured))
    except Invalid as error:
        return error.problems
    return [Problem(sentence, f"{at}.{field}") for field, sentence in found]


def _kind(configured: Configured) -> Kind:
    return cast(Kind, import_module(KINDS[configured.kind]))


def _options(kind: Kind, configured: Configured) -> Struct:
    return read_table(kind.Options, configured.options, f"sources.{configured.id}.options", ".")
