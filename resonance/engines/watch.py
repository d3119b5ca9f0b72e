"""The catalogue as it is now: looked at about once a second, compiled beside the running matcher, swapped between two slices."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from resonance.catalogue import Catalogue
from resonance.scoring import Scorer

log = structlog.get_logger()


class CatalogueWatch:
    """Holds the current catalogue and what was compiled from it.

    `version` is cheap and asked often; `load` and `compile` only after it rose.
    """

    def __init__(
        self, version: Callable[[], int], load: Callable[[], Catalogue], compile: Callable[[Catalogue], Scorer]
    ) -> None:
        self._version = version
        self._load = load
        self._compile = compile
        self._lock = threading.Lock()
        self._scorer = compile(load())

    def scorer(self) -> Scorer:
        """The scorer of the newest catalogue that was seen."""
        return self._scorer

    def catalogue(self) -> Catalogue:
        """The newest catalogue that was seen."""
        return self._scorer.catalogue

    def refresh(self) -> bool:
        """Look whether it changed, and swap; returns whether it did."""
        with self._lock:
            if self._version() == self._scorer.catalogue.version:
                return False
            self._scorer = self._compile(self._load())
            log.info("catalogue.swapped", version=self._scorer.catalogue.version, topics=len(self._scorer.versions()))
            return True
