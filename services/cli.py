"""The command line. Results go to stdout, everything else to stderr; exit 0 done, 1 failed, 2 wrong use."""

from __future__ import annotations

import sys

import structlog
import typer

from resonance.errors import Invalid, ResonanceError
from services import logs
from services.commands import cluster, data, keys, models, query, run

app = typer.Typer(
    name="resonance",
    help="Social listening and resonance analysis: what is said, how it is felt, how far it carries, who should know.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (run, cluster, data, query, models, keys):
    module.register(app)


def main() -> None:
    """Entry point of `resonance`: errors that are made for people are shown to people, without a traceback."""
    logs.set_up("warning")
    try:
        app()
    except Invalid as error:
        for problem in error.problems:
            print(f"resonance: {problem}", file=sys.stderr)  # noqa: T201 - this is the command line
        sys.exit(2)
    except ResonanceError as error:
        print(f"resonance: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    finally:
        structlog.reset_defaults()
