"""Every stored mention as the contract carries it, page by page, so that no read lasts long."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from msgspec import structs

from resonance.model import ENGAGEMENT_KINDS, Author, Engagement
from resonance.stores import rows, schema
from resonance.stores.database import Database

_PAGE = 500


def export_mentions(database: Database, *, pseudonymous: bool = False) -> Iterator[bytes]:
    """A JSON line each, in the order in which they became known; can be imported again. Nobody is in it who was erased.
    Where no author's name may leave the store, the author's key stands in for the id."""
    mention, author = schema.mention, schema.author
    # Of a restored backup, whose erasures are still to be carried out again.
    erased = sa.exists().where(schema.erasure.c.author_key == mention.c.author_key)
    after = 0
    while True:
        with database.read() as connection:
            query = sa.select(mention).where(mention.c.row > after, ~erased).order_by(mention.c.row).limit(_PAGE)
            found = connection.execute(query).mappings().all()
            keys = {row["author_key"] for row in found if row["author_key"]}
            people = sa.select(author).where(author.c.author_key.in_(keys))
            authors = {row["author_key"]: rows.read_author(row) for row in connection.execute(people).mappings()}
        for row in found:
            known = authors.get(row["author_key"])
            who = known.author if known else None
            if who is not None and pseudonymous:
                who = Author(id=row["author_key"].hex())
            one = rows.read_mention(row, who)
            yield msgspec.json.encode(structs.replace(one, engagement=_engagement(row["engagement"])))
        if len(found) < _PAGE:
            return
        after = found[-1]["row"]


def _engagement(text: str) -> Engagement | None:
    counts = {name: count for name, (count, _) in msgspec.json.decode(text).items()}
    if not counts:
        return None
    named = {name.removeprefix("reaction:"): count for name, count in counts.items() if name.startswith("reaction:")}
    plain = {name: counts[name] for name in ENGAGEMENT_KINDS if name in counts}
    return Engagement(**plain, reactions=named or None)
