"""`make bench`: one table of figures, each as a ratio against a named baseline measured in the same run."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks import installation, path


def main() -> None:
    """Measure and print."""
    table = Table("what", "value", "unit", "ratio to", "ratio", "goal")
    for row in [*path.measure(), *installation.measure()]:
        goal = "" if row["goal"] is None else f"{row['goal']:,}"
        table.add_row(row["what"], f"{row['value']:,.2f}", row["unit"], row["baseline"], f"{row['ratio']:.2f}", goal)
    Console(width=160).print(table)


main()
