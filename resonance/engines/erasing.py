"""Erases an author, step by step: on the list first, so that nothing new is kept of them; then what they said, through the
lanes; then what others repeat of it; then traces elsewhere; and at last what the files still hold of all that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from resonance.clock import Clock, SystemClock
from resonance.engines.passage import Passage
from resonance.errors import Conflict
from resonance.model import EraseAuthor, Rematch, instant, mention_key
from resonance.ports import Sink
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.erasure import ErasureList, enlist, erased_among
from resonance.stores.forgetting import Forgetting, forget
from resonance.stores.traces import Traces, clear, traces_of

_PAGE = 1000
_PAGES = 5
_ROUNDS = 20
"""How often lanes are told again of an author of whom nothing has gone since the last time."""

_TRIMMED = timedelta(hours=1)
"""How long after its time an envelope may still lie in the log."""


class Progress(msgspec.Struct):
    """Where an erasure is. `ends`: the log's ends after the last event that was sent; `row`: up to where stored mentions
    were looked at for what they name."""

    stage: Literal["listed", "rows", "settling", "references", "passing", "traces", "files", "done"] = "listed"
    ends: list[int] = []
    listed_at: int = 0
    mentions: int | None = None
    left: int = 0
    rounds: int = 0
    row: int = 0
    references: int = 0
    cleared: dict[str, int] = {}
    forgetting: Forgetting = Forgetting()


class _Names(msgspec.Struct):
    """The mentions that a stored one names."""

    repost_of: str | None = None
    thread_root: str | None = None
    reply_to: str | None = None
    quote_of: str | None = None

    def all(self) -> set[str]:
        """Their ids."""
        named = (self.repost_of, self.thread_root, self.reply_to, self.quote_of)
        return {name for name in named if name is not None}


_names = msgspec.json.Decoder(_Names)


@dataclass
class Erasing:
    """Carries out erasures on a Database and a Log. `log_keeps` is how long the log keeps what is processed; `real` is
    the wall clock, by which it forgets."""

    database: Database
    sink: Sink
    passage: Passage
    erased: ErasureList
    author_key: Callable[[str], bytes]
    clock: Clock
    log_keeps: timedelta = timedelta(hours=23)
    real: Clock = field(default_factory=SystemClock)

    def step(self, job: str, author: str, done: Progress) -> Progress:
        """The next step of the job that erases this author (the key as hexadecimal digits); each may be repeated."""
        key = bytes.fromhex(author)
        match done.stage:
            case "listed":
                enlist(self.database, self.erased, key, at=self.clock.now(), receipt=job)
                done.listed_at = int(self.real.now().timestamp() * 1e6)
                self._tell(key, done)
            case "rows" if self.passage.passed(done.ends):
                self._tell(key, done)
            case "settling" if self.passage.passed(done.ends):
                done.stage = "references"
            case "references":
                self._references(traces_of(self.database, key, self.author_key), done)
            case "passing" if self.passage.passed(done.ends):
                done.stage = "traces"
            case "traces":
                done.cleared = clear(self.database, traces_of(self.database, key, self.author_key))
                done.stage = "files"
            case "files":
                state = forget(self.database, done.forgetting)
                done.forgetting, done.stage = state or done.forgetting, "files" if state else "done"
        return done

    def receipt(self, author: str, done: Progress) -> dict[str, Any]:
        """What is done, and what is pending until when."""
        until = instant(done.listed_at) + self.log_keeps + _TRIMMED
        return {
            "author_key": author,
            "mentions": done.mentions or 0,
            "references": done.references,
            **done.cleared,
            "store": "erased",
            "pending": [{"what": "log", "until": until.isoformat(timespec="seconds").replace("+00:00", "Z")}],
            "beyond": ["messages that were sent", "backups: a restored one erases again at its next start"],
        }

    # ---- what they said -------------------------------------------------------------------------------------

    def _tell(self, key: bytes, done: Progress) -> None:
        """Have each lane erase some of the author's mentions, until none is left."""
        identity = schema.identity.c
        with self.database.read() as connection:
            left = connection.scalar(sa.select(sa.func.count()).where(identity.author_key == key)) or 0
        done.mentions = left if done.mentions is None else done.mentions
        done.rounds = 0 if left != done.left else done.rounds + 1
        done.left = left
        if done.rounds > _ROUNDS:
            raise Conflict(f"{left} mentions of the author stay although every lane was told to erase them")
        # Also where none is left: once a lane has passed this, no slice of it that saw one of them is still to be committed,
        # and what repeats an erased mention has either been written, and is found, or is written without it.
        self.sink.write([EraseAuthor(author_key=key.hex())], source="job")
        done.ends, done.stage = self.passage.ends(), "rows" if left else "settling"

    # ---- what others repeat of it ---------------------------------------------------------------------------

    def _references(self, traces: Traces, done: Progress) -> None:
        """Have those that answer, repeat or quote an erased mention looked at again: process leaves out what names it. One
        that was never kept is known by the author's id, where it holds that."""
        mention = schema.mention.c
        for _ in range(_PAGES):
            with self.database.read() as connection:
                query = sa.select(mention.row, mention.id, mention.document).where(mention.row > done.row)
                found = connection.execute(query.order_by(mention.row).limit(_PAGE)).all()
                named = {row[1]: _names.decode(row[2]).all() for row in found}
                keys = {mention_key(name): name for names in named.values() for name in names}
                erased = {keys[key] for key in erased_among(connection, keys.keys())}
            hers = {name for name in keys.values() if traces.names_in(name)}
            again = tuple(name for name, names in named.items() if names & (erased | hers))
            if again:
                without = tuple(sorted(hers - erased))
                self.sink.write([Rematch(ids=again, without=without)], source="job", mode="backfill")
                done.references += len(again)
            done.row = found[-1][0] if found else done.row
            if len(found) < _PAGE:
                done.ends, done.stage = self.passage.ends(), "passing"
                return
