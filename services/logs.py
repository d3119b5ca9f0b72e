"""Logging for every process: pretty on a terminal, JSON otherwise; never a secret, never a mention's text at INFO."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(level: str = "info", *, process: str = "resonance", stream: bool = True) -> None:
    """Configure structlog and the standard library's loggers to stderr."""
    number = getattr(logging, level.upper())
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
            *([] if terminal else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    # Their warnings tell of every broker that is looked for and of every slow turn; what matters reaches us as an error.
    for noisy in ("kafka", "aiokafka", "mode"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
