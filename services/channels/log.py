"""Notifications on the terminal, for one machine and for the demo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.channels.channel import Message

_MARK = {"firing": "▲", "resolved": "▼", "test": "•"}


@dataclass
class LogChannel:
    """Writes each message as a block of lines."""

    write: Callable[[str], object]
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 0.0

    def send(self, message: Message, idempotency_key: str) -> None:
        """Never refused."""
        lines = [f"{_MARK.get(message.kind, '•')} {message.title}", *message.lines]
        lines += [f"{words}: {address}" for words, address in message.links]
        body = "\n".join(f"  │ {_visible(line)}" for line in lines)
        self.write(f"\n{body}\n\n")


def _visible(text: str) -> str:
    """Without control characters, which could steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
