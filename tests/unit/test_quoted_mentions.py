"""Which mentions an alert quotes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from resonance.alerts.reasons import Said, top_mentions
from resonance.catalogue import NegativeShare, Threshold
from resonance.model import key_text, mention_key
from resonance.records import row_after
from resonance.stores import schema
from resonance.stores.evaluations import Evaluations
from tests.support.outbox import MINUTE, NOW, World, fresh


def one(key: str, **values: Any) -> Said:
    made = {
        "text": "",
        "language": None,
        "platform": "x",
        "author_key": None,
        "links": (),
        "reach": None,
        "engagement": 0,
    }
    return Said(key=key, **{**made, **values})


def test_reactions_come_before_reach() -> None:
    said = [one("far", reach=10**6, engagement=1), one("stirring", reach=10, engagement=90), one("none")]
    assert top_mentions(Threshold(), said, ()) == ["stirring", "far", "none"]


def test_what_others_say_comes_before_our_own_voice_and_originals_before_reposts() -> None:
    said = [one("own", voice="own", engagement=99), one("repost", kind="repost", engagement=50), one("original")]
    assert top_mentions(Threshold(), said, ()) == ["original", "repost", "own"]


def test_where_criticism_set_it_off_criticism_is_quoted_first() -> None:
    said = [one("praise", label="positive", engagement=99), one("blame", label="negative", engagement=1)]
    assert top_mentions(NegativeShare(), said, ()) == ["blame", "praise"]
    assert top_mentions(Threshold(), said, ()) == ["praise", "blame"]


WHY = [{"code": "top_terms", "values": [{"term": "Schock", "mentions": 3}, {"term": "Siebträger", "mentions": 2}]}]
FAR = one("far", text="Daumen drücken für den Kaffee", reach=900)
BOTH = one("both", text="Was für ein Schock, der Siebträger flog!", reach=1)
HALF = one("half", text="unter Schock", reach=5)


def test_what_says_what_it_is_about_comes_before_what_reaches_many() -> None:
    assert top_mentions(Threshold(), [FAR, BOTH, HALF], WHY) == ["both", "half", "far"]
    assert top_mentions(Threshold(), [FAR, BOTH, HALF], ()) == ["far", "half", "both"]


@pytest.mark.parametrize(("reactions", "first"), [(14, "both"), (5000, "stirring")])
def test_a_dozen_reactions_do_not_outweigh_what_it_is_about_but_thousands_do(reactions: int, first: str) -> None:
    said = [FAR, BOTH, HALF, one("stirring", text="etwas anderes", engagement=reactions)]
    assert top_mentions(Threshold(), said, WHY)[0] == first


def test_a_second_quote_tells_something_new_rather_than_the_same_again() -> None:
    said = [BOTH, one("same", text="Schock wegen Siebträger", engagement=1), one("crema", text="keine Crema mehr")]
    why = [{"code": "top_terms", "values": [*WHY[0]["values"], {"term": "Crema", "mentions": 4}]}]
    assert top_mentions(Threshold(), said, why) == ["same", "crema", "both"]


@given(st.permutations([one(str(number), engagement=number % 3, reach=number % 2) for number in range(8)]))
def test_the_order_in_which_they_came_does_not_matter(said: list[Said]) -> None:
    assert top_mentions(Threshold(), said, ()) == ["5", "2", "1", "7", "4"]


@pytest.fixture
def world(tmp_path: Path) -> Any:
    database = fresh(tmp_path)
    yield World(database)
    database.close()


def put(world: World, name: str, *, engagement: int, label: str = "neutral", **values: Any) -> None:
    world.mention(name)
    row = row_after(0, NOW, 0) + world.number
    with world.database.write() as connection:
        here = schema.mention.c.key == mention_key(name)
        changed = {"row": row, "engagement_total": engagement, **values}
        connection.execute(sa.update(schema.mention).where(here).values(changed))
    columns = {c.name: 0 for c in schema.match.c if not c.nullable and c.server_default is None}
    told = {"topic": "nordlicht", "row": row, "label": label, "voice": "earned", "spans": "[]", "model": ""}
    world.add(schema.match, **{**columns, **told})


def test_the_most_reacted_are_found_behind_many_newer_ones(world: World) -> None:
    put(world, "x:old", engagement=500)
    put(world, "x:imported", engagement=9000, placed_at=NOW - 90 * MINUTE)
    put(world, "x:blame", engagement=1, label="negative")
    put(world, "x:own", engagement=900, voice="own")
    put(world, "x:repost", engagement=800, kind="repost")
    for number in range(12):
        put(world, f"x:{number}", engagement=2)
    found = Evaluations(world.database).stirring("nordlicht", NOW - MINUTE, NOW + MINUTE)
    names = [said.key for said in found]
    assert names[0] == key_text(mention_key("x:old"))
    assert key_text(mention_key("x:blame")) in names
    assert len(names) == 11
