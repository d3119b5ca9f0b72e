"""How an erased author is recognised in texts of others, and what is taken for nobody."""

from __future__ import annotations

import pytest

from resonance.scoring import author_keys
from resonance.stores.traces import Named, Traces

KEYS = author_keys(b"test key")


def traces(named: Named) -> Traces:
    return Traces(KEYS(f"{named.platform}:{named.id}"), named, KEYS)


ANNA = traces(Named("x", "7", "anna", "Anna"))
BAHN = traces(Named("sky", "did:plc:bahn", "bahn.example", "Die Bahn"))


@pytest.mark.parametrize("text", ["Anna kommt um 7", '{"days": 7}', "annas Schuh", "mail@anna", "x:77", "ax:7"])
def test_a_short_id_and_a_common_name_are_left_alone(text: str) -> None:
    assert ANNA.strike(text) == text


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("das ist @anna!", "das ist [erased]!"),
        ("das ist @Anna.", "das ist [erased]."),
        ("author x:7 again", "author [erased] again"),
    ],
)
def test_a_handle_and_the_whole_id_are_struck_out(text: str, struck: str) -> None:
    assert ANNA.strike(text) == struck


def test_what_is_unmistakable_is_struck_out_anywhere(
    text: str = "bahn.example did:plc:bahn Die Bahn, bahn did:plc:bahnhof",
) -> None:
    assert BAHN.strike(text) == "[erased] [erased] [erased], bahn did:plc:bahnhof"


def test_in_what_programs_wrote_a_quoted_name_is_enough() -> None:
    assert (
        ANNA.names_in('{"handle":"anna"}') and ANNA.names_in('["7"]') and not ANNA.names_in('{"n":7,"t":"anna kommt"}')
    )


@pytest.mark.parametrize(
    "item",
    [
        {"op": "upsert", "mention": {"id": "x:1", "author": {"id": "7"}}},
        {"id": "y:1", "platform": "x", "author": {"id": "7"}},
        [{"op": "author", "platform": "x", "author": {"id": "7"}}],
        {"op": "delete_author", "author": "x:7"},
    ],
)
def test_whoever_speaks_is_known_by_the_key(item: object) -> None:
    assert ANNA.speaks_in(item) and not BAHN.speaks_in(item)
