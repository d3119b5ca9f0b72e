"""The sources: one file each, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.source import Source
from resonance.catalogue import Source as Configured
from resonance.clock import Clock


def _bluesky(configured: Configured, clock: Clock) -> Source:
    from ingest.sources.bluesky import Bluesky

    return Bluesky(*([configured.url] if configured.url else []))


def _demo(configured: Configured, clock: Clock) -> Source:
    from ingest.sources.demo import DemoSource

    return DemoSource(int(configured.options.get("seed", 1)), bool(configured.options.get("quiet", False)), clock)


def _replay(configured: Configured, clock: Clock) -> Source:
    from ingest.sources.replay import Replay

    return Replay(Path(str(configured.options.get("file", ""))), float(configured.options.get("rate", 0)), clock)


OPENERS: dict[str, Callable[[Configured, Clock], Source]] = {"bluesky": _bluesky, "demo": _demo, "replay": _replay}

SIMULATED = ("demo", "replay")
"""Kinds whose events carry observed times of their own."""


def open_source(configured: Configured, clock: Clock) -> Source | None:
    """The source behind a configuration; None for one that is pushed to us."""
    opener = OPENERS.get(configured.kind)
    return opener(configured, clock) if opener else None
