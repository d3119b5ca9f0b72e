"""What a source of this process reads, until enough has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from ingest.source import Batch, Source


def batches_of(
    source: Source, token: str | None, until: Callable[[list[Batch]], bool], seconds: float = 20
) -> list[Batch]:
    """Its batches from a token on, up to the first of which `until` says that it is enough."""

    async def story() -> list[Batch]:
        found: list[Batch] = []
        async with asyncio.timeout(seconds), aclosing(source.batches(token)) as batches:
            async for batch in batches:
                found.append(batch)
                if until(found):
                    break
        return found

    return asyncio.run(story())
