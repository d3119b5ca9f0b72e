"""Where recorded and labelled data lie: beside the project, never in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data"


def data_path(name: str) -> Path:
    """The path of a file or folder; skips the test where it is absent."""
    path = Path(os.environ.get("RESONANCE_TEST_DATA", str(_BESIDE))) / name
    if not path.exists():
        pytest.skip(f"test data {name} are not on this machine (RESONANCE_TEST_DATA)")
    return path
