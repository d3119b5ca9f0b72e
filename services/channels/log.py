"""Notifications on the terminal, for one machine and for the demo."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from resonance.alerts.message import Message

_MARKS = {"firing": "▲", "resolved": "▼", "silent": "■", "test": "•"}

log = structlog.get_logger()


@dataclass
class LogChannel:
    """Writes each message as a block of at most `width` columns, or as one line where `width` is 0."""

    write: Callable[[str], object]
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 0.0
    width: int = 100

    def send(self, message: Message, idempotency_key: str) -> None:
        """Never refused."""
        self.write(block(message, self.width) if self.width else one_line(message))
        log.info("alert.told", kind=message.mark, severity=message.severity, title=message.title, key=idempotency_key)


def block(message: Message, width: int) -> str:
    r"""The message as lines behind a bar, between empty lines.

    >>> print(block(Message("Nordlicht", ("24 statt 4",)), 40).replace(" ", "_"))
    <BLANKLINE>
    __┃_▲_Nordlicht
    __┃_24_statt_4
    <BLANKLINE>
    <BLANKLINE>
    """
    lines = _wrapped(f"{_MARKS.get(message.mark, '•')} {message.title}", width)
    for line in message.lines:
        lines += _wrapped(line, width)
    if message.quotes:
        lines += _wrapped(message.quotes_title, width)
    for quote in message.quotes:
        lines += _wrapped(f"· {quote.text} ({quote.who})", width, "  ", "    ")
        lines += [f"    {quote.url}"] if quote.url else []
    # Addresses are never broken, so that a terminal can open them.
    lines += [f"{words}: {address}" for words, address in message.links]
    body = "\n".join(f"  ┃ {visible(line)}" for line in lines)
    return f"\n{body}\n\n"


def one_line(message: Message) -> str:
    r"""The message as one line.

    >>> one_line(Message("Nordlicht", ("24 statt 4",)))
    '▲ Nordlicht · 24 statt 4\n'
    """
    parts = [f"{_MARKS.get(message.mark, '•')} {message.title}", *message.lines]
    parts += [f"{words}: {address}" for words, address in message.links]
    return visible(" · ".join(parts)) + "\n"


def visible(text: str) -> str:
    r"""Without control characters, which could steer a terminal.

    >>> visible("a\x1b[2Jb")
    'a [2Jb'
    """
    return "".join(character if character.isprintable() else " " for character in text)


def _wrapped(text: str, width: int, first: str = "", later: str = "  ") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
