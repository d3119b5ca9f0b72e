"""Instants as requests give them: RFC 3339 with a zone, of a time with which sums can be made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

_FIRST, _LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _sensible(at: datetime) -> datetime:
    if not _FIRST <= at < _LAST:
        raise ValueError("is between 1971 and 2200")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_sensible)]
