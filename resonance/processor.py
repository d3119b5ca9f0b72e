"""One slice of an envelope, and what the store knows of it, make an Update. Pure: no clock, no store, no network.

Each event turns one record into another; everything else (sums, arrivals, changes) is the difference between the records
before and after. So events may come in any order, any number of times, and leave the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import structs

from resonance.changes import First, arrivals_of, backfilled, changes_of, match_name, says_otherwise
from resonance.inheritance import ROOT_WAIT, dated, heard, inheriting, inherits
from resonance.model import (
    AuthorSeen,
    Correction,
    Delete,
    DeleteAuthor,
    EngagementSeen,
    EraseAuthor,
    Event,
    Mention,
    Rematch,
    Rescore,
    RestoreAuthor,
    Upsert,
    content_stamp,
    instant,
    mention_key,
    micros,
)
from resonance.ports import Known, Mode
from resonance.records import (
    UNSTAMPED,
    WAIT,
    bare,
    engaged,
    engagement_events,
    followers_of,
    is_ahead,
    keeps,
    labelled,
    live_engagement,
    merge_engagement,
    met,
    nameless,
    row_after,
    unsaid,
    without,
)
from resonance.scoring import UNREAD, Reading, Scorer, environment_of, environments_of
from resonance.update import AuthorRow, Record, Update, Waiting
from resonance.windows import deltas
from resonance.wire import encode_event


@dataclass(frozen=True)
class Slice:
    """Part of an envelope, in order. `progress` is the lane's before it (µs); below `closed` (epoch s) nothing may be booked.
    What was observed before `heard` (µs) has been seen in every lane; 0 where nobody asked."""

    lane: int
    events: Sequence[Event]
    mode: Mode = "live"
    logged_at: int = 0
    progress: int = 0
    last_row: int = 0
    closed: int = 0
    heard: int = 0


def process(part: Slice, known: Known, scorer: Scorer) -> Update:
    """What the slice changes. Deterministic; raises nothing for content (that was judged before)."""
    work = _Work(part, known, scorer)
    for event in part.events:
        work.take(event)
    return work.update()


@dataclass
class _Work:
    """The records as they stand while a slice is gone through."""

    part: Slice
    known: Known
    scorer: Scorer
    after: dict[bytes, Record] = field(default_factory=dict)
    authors: dict[bytes, AuthorRow] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    speakers: set[bytes] = field(default_factory=set)
    departed: set[bytes] = field(default_factory=set)
    arrives_at: int | None = None
    """When what is being taken was observed (µs), if what it matches counts as an arrival."""
    said_at: int = 0
    """When what is being taken was said (µs); 0 where it is old and only looked at anew."""
    dropped: set[bytes] = field(default_factory=set)
    stirred: set[bytes] = field(default_factory=set)
    """Records that said otherwise at any moment of the slice: a reply may have looked in between."""
    firsts: dict[bytes, dict[str, First]] = field(default_factory=dict)
    """Each match at the first moment of the slice at which it stood."""
    readings: Mapping[int, Reading] = field(default_factory=dict)

    def __post_init__(self) -> None:
        upserts = [event.mention for event in self.part.events if isinstance(event, Upsert)]
        fresh = [mention for mention in upserts if self._is_news(mention)]
        self.readings = {id(m): r for m, r in zip(fresh, self.scorer.read(fresh), strict=True)}

    def _is_news(self, mention: Mention) -> bool:
        old = self.known.records.get(mention_key(mention.id))
        return old is None or content_stamp(mention) >= old.stamp

    def record(self, key: bytes) -> Record | None:
        """The record as it stands now."""
        return None if key in self.dropped else self.after.get(key) or self.known.records.get(key)

    def _stand(self, new: Record) -> None:
        """Let the record stand as it is now."""
        if says_otherwise(self.record(new.key), new):
            self.stirred.add(new.key)
        if new.matches:
            firsts = self.firsts.setdefault(new.key, {})
            for match in new.matches:
                firsts.setdefault(match_name(match), First(new, match, self.arrives_at))
        self.after[new.key] = new

    def take(self, event: Event) -> None:
        """Apply one event."""
        at = micros(event.observed_at) if event.observed_at else self.part.logged_at
        self.said_at = at if isinstance(event, Upsert) else 0
        self.arrives_at = at if isinstance(event, Upsert) and self.part.mode == "live" else None
        match event:
            case Upsert(mention=mention):
                self._upsert(mention, at, event)
            case EngagementSeen():
                self._engagement(event, at)
            case Delete(id=name):
                self._delete(name, at, event)
            case AuthorSeen(author=author, platform=platform):
                self._author(AuthorRow(self.scorer.author_key(f"{platform}:{author.id}"), platform, author, at))
            case Rematch(ids=ids) | Rescore(ids=ids):
                for name in ids:
                    self._again(name, event.without if isinstance(event, Rematch) else ())
            case Correction(id=name, topic=topic, label=label):
                record = self.record(mention_key(name))
                if record is not None and record.mention is not None:
                    self._stand(labelled(record, topic, label))
            case _:
                self._whole_author(event, at)

    # ---- content --------------------------------------------------------------------------------------------

    def _upsert(self, mention: Mention, at: int, event: Upsert) -> None:
        author = self.scorer.author_key(f"{mention.platform}:{mention.author.id}") if mention.author else None
        if author in self.known.erased:
            if self.record(mention_key(mention.id)) is None:
                # Whoever repeats it has to know.
                self._stand(unsaid(mention, self.part.lane, at))
                self.stirred.add(mention_key(mention.id))
            return
        source = self.scorer.catalogue.sources.get(mention.source)
        weight = keeps(mention, source.keep if source else "matched")
        if weight is None:
            return
        key, whole = mention_key(mention.id), source is not None and source.keep != "matched"
        old = self.record(key)
        if old is None and not whole and self._passes_by(mention):
            return
        stamp, remembered = content_stamp(mention), self._remembered(mention)
        if remembered is None or (old is not None and old.expired):
            return
        answers, mention = mention.root, remembered
        self.speakers |= {author} if author else set()
        counted = micros(mention.engagement_at) if mention.engagement_at else at
        if mention.root and (old is None or stamp >= old.stamp) and at + ROOT_WAIT > self.part.heard:
            # Known or not: the root may still come, change or be deleted while this is not kept for its own words.
            self._wait("child", mention.root, at + ROOT_WAIT, structs.replace(event, observed_at=instant(at)))
        if old is not None and (
            stamp < old.stamp or (stamp == old.stamp and (old.mention is not None or not mention.root))
        ):
            if mention.root and stamp == old.stamp:
                # It comes again with the same words, and may have found its root meanwhile.
                self._again(mention.id)
            if whole or mention.is_edit or answers or self._reading(mention).matches:
                # Of a version that would not have been kept the counts would not have been, either.
                self._engaged(mention, at, WAIT)
            return
        base = old or Record(
            key=key,
            id=mention.id,
            lane=self.part.lane,
            placed_at=min(micros(mention.published_at), at),
            observed_at=at,
            stamp=stamp,
            weight=weight,
        )
        new = self._content(structs.replace(base, stamp=stamp, logged_at=self.part.logged_at), mention, author)
        new = structs.replace(new, engagement=merge_engagement(new.engagement, mention.engagement, counted))
        content = bool(new.matches) or whole
        self._settle(old, new, keep=content or mention.is_edit, content=content)
        if answers and self.record(key) is None and at + ROOT_WAIT > self.part.heard:
            # Should an edit be kept within the time in which its root may come.
            self._engaged(mention, at, ROOT_WAIT)

    def _passes_by(self, mention: Mention) -> bool:
        """Whether it is as most are: no topic matches, and it rests on nothing that could change that."""
        reading = self.readings.get(id(mention))
        return reading is not None and not (reading.matches or mention.references or mention.is_edit)

    def _content(self, base: Record, mention: Mention, author: bytes | None) -> Record:
        """The record with this content read, matched and scored."""
        reading = self._reading(mention)
        roots = heard(self._root(mention), base.observed_at, self.scorer.versions())
        own = reading.matches
        matches = (
            own if roots.keys() <= {match.topic for match in own} else inheriting(mention, own, roots, self.scorer)
        )
        language = reading.language if matches else UNREAD
        environment = environment_of(mention.platform, mention.community, language.language or mention.language)
        names = (mention.author.id, mention.author.handle) if mention.author else ()
        return structs.replace(
            base,
            mention=mention,
            author_key=author,
            followers=followers_of(mention),
            language=language.language or mention.language,
            language_by=language.by,
            language_confidence=language.confidence,
            environment=environment.id,
            voice=self.scorer.catalogue.voice_of(mention.platform, names),
            time_suspect=is_ahead(mention, base.observed_at),
            matches=dated(matches, base.matches, self.said_at),
        )

    def _reading(self, mention: Mention) -> Reading:
        return self.readings.get(id(mention)) or self.scorer.read([mention])[0]

    def _root(self, mention: Mention) -> Record | None:
        return self.record(mention_key(mention.root)) if mention.root else None

    def _remembered(self, mention: Mention, erased: Collection[str] = ()) -> Mention | None:
        """The mention without what it repeats of erased authors; the same object where that is nothing."""
        named = {name: self.record(mention_key(name)) for name in mention.references}
        gone = {name for name, record in named.items() if name in erased or (record is not None and record.erased)}
        return without(mention, gone) if gone else mention

    def _settle(self, old: Record | None, new: Record, *, keep: bool, content: bool) -> None:
        """Let `new` stand, with what waited for it; forget its content where it is not to be kept."""
        early = (*self.known.waiting.get(new.key, ()), *(w for w in self.waiting if w.key == new.key))
        new = met(new, early, self.said_at or self.part.logged_at)
        if old is None and not keep:
            return
        self.dropped.discard(new.key)
        if new.deleted_at is None and not content:
            for event in engagement_events(new):
                self._wait("engagement", new.id, self.part.logged_at + WAIT, event)
        self._stand(self._reached(new) if content and new.deleted_at is None else bare(new))

    def _reached(self, record: Record) -> Record:
        """The record with its reach, which depends on the engagement known so far."""
        if record.mention is None:
            return record
        counts = live_engagement(record)
        reach = self.scorer.reach(record.mention, record.followers, counts.get("views"), counts.get("reposts"))
        return structs.replace(record, reach=reach.value, reach_by=reach.by)

    def _again(self, name: str, without: Collection[str] = ()) -> None:
        """Match and score a kept mention anew."""
        record = self.record(mention_key(name))
        if record is None or record.mention is None:
            return
        mention = self._remembered(record.mention, without)
        if mention is None:
            self._stand(bare(structs.replace(record, deleted_at=self.part.logged_at)))
            return
        source = self.scorer.catalogue.sources.get(mention.source)
        new = self._content(record, mention, record.author_key)
        for match in filter(lambda match: match.corrected, record.matches):
            new = labelled(new, match.topic, match.label)
        whole = source is not None and source.keep != "matched"
        self._settle(record, new, keep=True, content=bool(new.matches) or whole)
        if not new.matches and not whole and not record.mention.is_edit:
            # As if it had never been kept: so it is the same whether its root went before it came or after.
            self.dropped.add(record.key)

    # ---- engagement, deletion, authors ----------------------------------------------------------------------

    def _engaged(self, mention: Mention, at: int, wait: int) -> None:
        """What the content says of its engagement counts by itself."""
        if mention.engagement is not None:
            seen = instant(at)
            counted = mention.engagement_at or seen
            self._engagement(
                EngagementSeen(id=mention.id, engagement=mention.engagement, at=counted, observed_at=seen), at, wait
            )

    def _engagement(self, event: EngagementSeen, at: int, wait: int = WAIT) -> None:
        record = self.record(mention_key(event.id))
        if record is not None and record.mention is not None:
            merged = engaged(record, event.engagement, micros(event.at) if event.at else at)
            if merged is not record:
                self.after[record.key] = self._reached(merged)
        elif record is None or (record.deleted_at is None and not record.expired):
            self._wait("engagement", event.id, at + wait, event)

    def _delete(self, name: str, at: int, event: Delete) -> None:
        record = self.record(mention_key(name))
        if record is None:
            self._wait("delete", name, at + WAIT, event)
        else:
            self._stand(bare(structs.replace(record, deleted_at=min(at, record.deleted_at or at))))

    def _wait(self, kind: Literal["delete", "engagement", "child"], name: str, due: int, event: Event) -> None:
        self.waiting.append(Waiting(self.part.lane, kind, mention_key(name), due, encode_event(event), self.part.mode))

    def _author(self, row: AuthorRow) -> None:
        old = self.authors.get(row.key) or (None if row.key in self.departed else self.known.authors.get(row.key))
        if row.key not in self.known.erased and (
            old is None or (row.seen_at > old.seen_at and row.author != old.author)
        ):
            self.authors[row.key] = row
            self.speakers.add(row.key)

    def _whole_author(self, event: Event, at: int) -> None:
        """What one author said in this lane."""
        if isinstance(event, EraseAuthor):
            key = bytes.fromhex(event.author_key)
        elif isinstance(event, DeleteAuthor | RestoreAuthor):
            key = self.scorer.author_key(event.author)
        else:
            return
        if isinstance(event, DeleteAuthor):
            self.authors.pop(key, None)
            self.departed.add(key)
        for record in [*self.known.records.values(), *self.after.values()]:
            current = self.record(record.key)
            if record.author_key != key or record.lane != self.part.lane or current is None:
                continue
            if isinstance(event, RestoreAuthor):
                if current.deleted_at is not None:
                    # Nothing is kept of it: the same content is news again.
                    self.after[record.key] = structs.replace(current, deleted_at=None, stamp=UNSTAMPED)
                continue
            if isinstance(event, DeleteAuthor) and current.observed_at > at:
                # Told again, or late: what was said after it is not meant.
                continue
            gone = bare(structs.replace(current, deleted_at=min(at, current.deleted_at or at)))
            self._stand(nameless(gone) if isinstance(event, EraseAuthor) else gone)

    # ---- the result -----------------------------------------------------------------------------------------

    def update(self) -> Update:
        """The difference between before and after."""
        for record in [record for record in self.after.values() if record.author_key in self.known.erased]:
            # On the list, but the lane was not told yet: whatever has happened to it, nothing of it is written.
            at = self.part.logged_at
            self._stand(nameless(bare(structs.replace(record, deleted_at=min(at, record.deleted_at or at)))))
        before = {key: self.known.records[key] for key in self.after if key in self.known.records}
        after = {key: record for key, record in self.after.items() if record != before.get(key)}
        last_row = self._give_rows(after)
        pairs = [(before.get(key), record) for key, record in after.items()]
        windows = deltas(pairs)
        arrivals, after = arrivals_of(pairs, self.firsts, self.part)
        for record in after.values():
            if record.mention and record.mention.author and record.author_key:
                self._author(
                    AuthorRow(record.author_key, record.mention.platform, record.mention.author, record.observed_at)
                )
        return Update(
            before={key: before[key] for key in after if key in before},
            after=after,
            dropped=frozenset(self.dropped & after.keys()),
            windows=windows,
            arrivals=arrivals,
            authors=self.authors,
            speakers=frozenset(self.speakers | {r.author_key for r in after.values() if r.mention and r.author_key}),
            departed=frozenset(self.departed),
            environments=environments_of(after.values()),
            waiting=self.waiting,
            changes=changes_of(pairs, self.part.logged_at) + backfilled({key.topic for key in windows}, self.part),
            roots=tuple(sorted(self.stirred)),
            inherited=frozenset[tuple[int, str]]().union(
                *(inherits(r, self._root(r.mention)) for r in after.values() if r.mention)
            ),
            last_row=last_row,
        )

    def _give_rows(self, after: dict[bytes, Record]) -> int:
        last = self.part.last_row
        for key, record in after.items():
            if record.mention is not None and record.row == 0:
                last = row_after(last, record.observed_at, self.part.lane)
                after[key] = structs.replace(record, row=last)
        return last
