"""One thing said in the demo, while it is still being made up, and its mention."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ingest.demo.people import Person
from resonance.model import Engagement, Kind, Media, Mention


@dataclass(slots=True, eq=False)
class Said:
    """A mention to be: unlike a mention it knows what it answers, and who has answered it when."""

    id: str
    at: datetime
    observed_at: datetime
    topic: str | None
    language: str
    person: Person
    kind: Kind
    text: str
    title: str | None = None
    hashtags: tuple[str, ...] = ()
    parent: Said | None = None
    crisis: bool = False
    replies: list[datetime] = field(default_factory=list)
    reposts: list[datetime] = field(default_factory=list)
    quotes: list[datetime] = field(default_factory=list)

    @property
    def platform(self) -> str:
        return self.person.platform

    @property
    def root(self) -> Said:
        """Where the thread begins: itself, unless it answers something."""
        said = self
        while said.parent is not None and said.kind == "comment":
            said = said.parent
        return said

    def answered_by(self, other: Said) -> None:
        """Counts an answer, a repost or a quote; who sees it sees what it answers, too."""
        counted = {"comment": self.replies, "repost": self.reposts, "quote": self.quotes}[other.kind]
        counted.append(other.at)
        said: Said | None = self
        while said is not None:
            said.observed_at = min(said.observed_at, other.observed_at)
            said = said.parent

    def mention(self) -> Mention:
        """The mention as it is first seen."""
        person, parent, root = self.person, self.parent, self.root
        answers = self.kind == "comment" and parent is not None
        counted = self.kind != "repost" and self.platform != "news"
        return Mention(
            id=self.id,
            platform=self.platform,
            source="demo",
            community=root.person.community if self.platform == "reddit" else person.community,
            kind=self.kind,
            title=self.title,
            thread_title=root.title if answers and root.title else None,
            text=self.text,
            quoted_text=parent.text if self.kind == "quote" and parent else None,
            language=self.language,
            url=f"https://{person.site}/{self.id.rpartition('-')[2]}" if person.site else None,
            site=person.site,
            hashtags=self.hashtags,
            media=(Media(type="image"),) if self.platform == "instagram" and self.kind == "post" else (),
            country="DE" if person.site and self.language == "de" else None,
            published_at=self.at,
            author=person.author,
            engagement=Engagement(likes=0, replies=0) if counted else None,
            engagement_at=self.at if counted else None,
            reply_to=parent.id if answers and parent else None,
            thread_root=root.id if answers else None,
            repost_of=parent.id if self.kind == "repost" and parent else None,
            quote_of=parent.id if self.kind == "quote" and parent else None,
        )
