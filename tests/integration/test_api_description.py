"""The OpenAPI description: it is the committed one, and it has every call of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.problems import BASE, TYPES
from tests.support.seeding import Desk

COMMITTED = Path(__file__).parents[2] / "api" / "openapi.json"
CALLS = """
POST /v1/mentions · GET /v1/mentions · DELETE /v1/mentions · GET /v1/mentions/{key} · DELETE /v1/mentions/{key}
POST /v1/hooks/{source}
GET /v1/topics · POST /v1/topics · GET /v1/topics/{name} · PUT /v1/topics/{name} · DELETE /v1/topics/{name}
POST /v1/topics/{name}/backfill · POST /v1/queries/validate · POST /v1/queries/test
GET /v1/topics/{topic}/summary · GET /v1/topics/{topic}/series · GET /v1/series
GET /v1/topics/{topic}/drivers · GET /v1/topics/{topic}/environments · GET /v1/share-of-voice
GET /v1/rules · POST /v1/rules · GET /v1/rules/{name} · PUT /v1/rules/{name} · DELETE /v1/rules/{name} · POST /v1/rules/backtest
GET /v1/alerts · GET /v1/alerts/{name} · POST /v1/alerts/{name}/acknowledge
GET /v1/silences · POST /v1/silences · DELETE /v1/silences/{name}
GET /v1/departments · GET /v1/channels · POST /v1/channels/{name}/test · POST /v1/slack/interactions
GET /v1/sources · GET /v1/dead-letters · POST /v1/dead-letters/{number}/retry
GET /v1/jobs/{name} · DELETE /v1/jobs/{name} · GET /v1/changes · GET /v1/events · DELETE /v1/authors/{author_key}
GET /health/live · GET /health/ready · GET /metrics
"""
FILTERS = (
    "topic q query platform language label kind community author voice department source site reach_min start end order "
    "limit cursor id"
)


@pytest.fixture
def described(tmp_path: Path) -> Iterator[dict[str, Any]]:
    desk = Desk(tmp_path)
    yield desk.get("/openapi.json").json()
    desk.close()


def test_the_committed_description_is_what_the_code_says(described: dict[str, Any]) -> None:
    assert json.loads(COMMITTED.read_text("utf-8")) == described, (
        "the API has changed: write the answer of /openapi.json into api/openapi.json (sorted keys, indent 1)"
    )


def test_every_call_of_the_contract_is_there(described: dict[str, Any]) -> None:
    calls = [call.strip().split(" ") for line in CALLS.strip().splitlines() for call in line.split("·")]
    assert len(calls) > 40
    missing = [call for call in calls if call[0].lower() not in described["paths"].get(call[1], {})]
    assert missing == []


def test_every_filter_of_the_contract_is_there(described: dict[str, Any]) -> None:
    named = {parameter["name"] for parameter in described["paths"]["/v1/mentions"]["get"]["parameters"]}
    assert named == set(FILTERS.split())


def test_operations_have_names_of_their_own_and_say_how_they_fail(described: dict[str, Any]) -> None:
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    problem = {"$ref": "#/components/schemas/Problem"}
    assert all(
        operation["responses"]["default"]["content"]["application/problem+json"]["schema"] == problem
        for operation in operations
    )


def test_the_kinds_of_problems_are_listed(described: dict[str, Any]) -> None:
    listed = described["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert listed == [BASE + name for name in TYPES]
    assert all(name in described["info"]["description"] for name in listed)
