"""`make bench`, `make bench-cluster`: one table of figures, each as a ratio against a named baseline measured in the same run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks import cluster, installation, path, sentiment, tracking, views
from benchmarks.row import Row, Skipped, say

_PARTS: Sequence[tuple[str, Callable[[], Sequence[Row | Skipped]]]] = (
    ("one process", path.measure),
    ("an installation: engine and web", installation.measure),
    ("the page over 100,000 mentions", views.measure),
    ("parts of it", lambda: [*sentiment.rows(), *tracking.measure()]),
)


def main() -> None:
    """Measure and print."""
    started = time.monotonic()
    parts = (("a cluster", cluster.measure),) if sys.argv[1:] == ["cluster"] else _PARTS
    table = Table(title="Resonance on this machine: each figure beside a baseline of the same run")
    for name, justify in (
        ("what", "left"),
        ("measured", "right"),
        ("a CPU second", "right"),
        ("unit", "left"),
        ("goal", "right"),
        ("", "left"),
        ("baseline", "left"),
        ("which took", "right"),
        ("times it", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for title, measure in parts:
        say(title)
        table.add_section()
        for row in measure():
            table.add_row(*_cells(row))
    Console(width=200).print(table)
    say(
        f"done in {time.monotonic() - started:.0f} s; others on this machine make the clock's figures worse, not the ratios"
    )


def _cells(row: Row | Skipped) -> tuple[str, ...]:
    if isinstance(row, Skipped):
        return (row.what, "skipped", "", "", "", "", row.why)
    sign = "≤" if row.most else "≥"
    return (
        row.what,
        _number(row.value),
        "" if row.cpu is None else _number(row.cpu),
        row.unit,
        "" if row.goal is None else f"{sign} {_number(row.goal)}",
        {None: "", True: "✓", False: "✗"}[row.reached],
        row.baseline,
        _number(row.other),
        _number(row.ratio),
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


main()
