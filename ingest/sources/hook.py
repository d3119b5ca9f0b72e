"""Signed pushes: whoever has the secret sends events to `/v1/hooks/{source}`, signed as Standard Webhooks says."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ingest.source import Source
from ingest.sources import Secrets
from resonance.catalogue import Source as Configured
from resonance.clock import Clock

COVERAGE = "what the sender sends; whether it sends everything, nobody here can know"


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """`secret` names where the sender's secret is, never the secret itself: `whsec_…`, 24 bytes or more in base64."""

    secret: Annotated[str, Meta(pattern=r"^(env:[A-Z][A-Z0-9_]*|file:/.+)$")]


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """An address, which it has no use for."""
    return [("url", "is not used: the sender comes to us")] if configured.url else []


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source | None:
    """None: it is pushed to us."""
    return None
