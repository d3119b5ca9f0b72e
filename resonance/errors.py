"""Every exception of the product, by what the caller is to do about it.

ResonanceError
├── Invalid            refuse: the input is wrong; `problems` names every mistake and where it stands
│   ├── InvalidQuery       … in a query, with line and column
│   └── InvalidSetting     … in the configuration or the catalogue
├── DeadLetter         set this one event aside with its reason and go on
├── Retry              nothing was changed: try again, after `after` if given
│   ├── Fenced             another owner moved the position: drop what was computed, read anew
│   └── RateLimited        the other side asked for a pause
├── NotFound           there is no such thing
├── Conflict           it changed in the meantime, or exists already
├── Full               no room: back-pressure or a full disk
└── Stop               do not go on: a person is needed
    ├── NewerVersion       data written by a newer major version
    ├── WrongStream        another incarnation of the log, or one shorter than the store's position
    └── Unconfigured       a key, a folder or a port that the service cannot do without
"""

from __future__ import annotations

from datetime import timedelta

import msgspec


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One mistake in an input: what is wrong, and where.

    `pointer` is a JSON pointer ("/mention/published_at") or a TOML path ("topics.2.query"); `line` and
    `column` count from 1 in code points; `code` is a stable word for programs.
    """

    detail: str
    pointer: str = ""
    code: str = "invalid"
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = self.pointer
        if self.line is not None:
            where += f"{' ' if where else ''}line {self.line}, column {self.column}"
        return f"{where}: {self.detail}" if where else self.detail


class ResonanceError(Exception):
    """Root of all errors that the product raises on purpose."""


class Invalid(ResonanceError):
    """The input is refused; every mistake in it is listed."""

    def __init__(self, problems: list[Problem] | str) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else problems
        super().__init__("; ".join(map(str, self.problems)))


class InvalidQuery(Invalid):
    """A query that cannot be read, or asks for what is not offered."""


class InvalidSetting(Invalid):
    """A configuration or catalogue that cannot be used."""


class DeadLetter(ResonanceError):
    """One event that cannot be taken; `reason` is a stable code, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Retry(ResonanceError):
    """Nothing was changed; the same may succeed later (`after` None: the caller's own back-off)."""

    def __init__(self, message: str = "", after: timedelta | None = None) -> None:
        self.after = after
        super().__init__(message)


class Fenced(Retry):
    """The position was moved by another owner; what was computed is void."""


class Outdated(Retry):
    """What it was computed from has changed meanwhile: to be computed anew, at once."""


class RateLimited(Retry):
    """The other side asked for a pause."""


class NotFound(ResonanceError):
    """There is no such thing."""


class Conflict(ResonanceError):
    """It changed in the meantime, or exists already."""


class Full(ResonanceError):
    """No room: back-pressure, or a full disk."""


class Stop(ResonanceError):
    """Going on would lose or corrupt data; a person is needed."""


class NewerVersion(Stop):
    """Data of a newer major version than this program understands."""


class WrongStream(Stop):
    """The log is another incarnation, or shorter than the position that the store holds."""


class Unconfigured(Stop):
    """Something that the service cannot do without is missing or unusable."""
