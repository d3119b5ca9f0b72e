"""OBJECTS.md shows each object as it is: what is pushed there is taken, and what is answered has the names and kinds shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from resonance.model import Author, Engagement, Mention
from tests.support.story import Story, agrees, shape

TEXT = (Path(__file__).parents[2] / "OBJECTS.md").read_text("utf-8")
SHOWN: dict[str, Any] = {
    name: json.loads(body) for name, body in re.findall(r"^## (.+?)\n.*?^```json\n(.*?)^```", TEXT, re.M | re.S)
}
SENT = {"pushed", "events"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    made = Story(tmp_path_factory.mktemp("story"), SHOWN["pushed"])
    yield made
    made.close()


def test_every_object_is_shown_once() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, re.M)
    assert sorted(headings) == sorted(SHOWN) and len(SHOWN) > 20


def test_what_is_answered_has_an_example(story: Story) -> None:
    assert set(SHOWN) - SENT == set(story.objects)


@pytest.mark.parametrize("name", sorted(set(SHOWN) - SENT))
def test_an_example_has_the_names_and_kinds_of_what_is_answered(story: Story, name: str) -> None:
    assert agrees(shape(SHOWN[name]), shape(story.objects[name])), json.dumps(story.objects[name], indent=2)


def test_the_pushed_example_holds_every_field() -> None:
    def names(kind: type[msgspec.Struct]) -> set[str]:
        return {field.encode_name for field in msgspec.structs.fields(kind)}

    assert set(SHOWN["pushed"]) == names(Mention) - {"source", "site", "repost_of"}
    assert set(SHOWN["pushed"]["author"]) == names(Author)
    assert set(SHOWN["pushed"]["engagement"]) == names(Engagement)


def test_every_event_shown_is_taken_and_every_field_of_it_known(story: Story) -> None:
    assert {event["op"] for event in SHOWN["events"]} == {"upsert", "author", "engagement", "delete", "delete_author"}
    answer = story.push(SHOWN["events"])
    assert (answer["accepted"], answer["rejected"]) == (len(SHOWN["events"]), [])


def test_times_that_are_answered_are_in_utc(story: Story) -> None:
    for name in set(SHOWN) - SENT:
        times = re.findall(r'"\d{4}-\d\d-\d\dT[^"]*"', json.dumps(story.objects[name]))
        assert [time for time in times if not time.endswith('Z"')] == [], name
