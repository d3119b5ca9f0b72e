"""Who gets in, what they see and what they may change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from resonance.model import key_text, micros
from resonance.stores import schema
from resonance.stores.access_keys import AccessKeys
from tests.support.machine import at
from tests.support.seeding import Desk

RULE = {"id": "r", "when": {"kind": "threshold"}, "topics": ["tee"]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.seed.topics("bahn:pr", "tee")
    yield made
    made.close()


def status(desk: Desk, method: str, path: str, headers: dict[str, str], body: Any = None) -> int:
    return int(desk.client.request(method, path, headers=headers, json=body).status_code)


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:9", "http://localhost:8000", ""])
def test_a_change_from_another_origin_is_refused_on_loopback_too(desk: Desk, origin: str) -> None:
    body = {"ends_at": at(60).isoformat()}
    assert status(desk, "POST", "/v1/silences", {"Origin": origin}, body) == 403
    assert status(desk, "POST", "/v1/silences", {"Origin": "http://127.0.0.1:8000"}, body) == 201


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""])
def test_a_name_that_merely_points_here_gets_neither_in_nor_anything_out(desk: Desk, host: str) -> None:
    assert status(desk, "GET", "/v1/mentions", {"Host": host}) == 403
    assert status(desk, "GET", "/", {"Host": host}) == 403
    assert status(desk, "POST", "/v1/mentions", {"Host": host}, []) == 403
    assert status(desk, "GET", "/v1/mentions", {"Host": host, **desk.key("read")}) == 200


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_this_machine_has_several_names(desk: Desk, host: str) -> None:
    assert status(desk, "GET", "/v1/topics", {"Host": host}) == 200


def test_from_elsewhere_nobody_gets_in_without_a_key(desk: Desk) -> None:
    far = TestClient(desk.app, base_url="http://127.0.0.1:8000", client=("203.0.113.9", 1))
    assert far.get("/v1/topics").status_code == 401
    assert far.get("/v1/topics").headers["www-authenticate"] == "Bearer"
    assert far.get("/v1/topics", headers=desk.key("read")).status_code == 200
    assert far.get("/health/live").status_code == 200


def test_loopback_without_keys_can_be_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"open_loopback": False})
    assert status(desk, "GET", "/v1/topics", {}) == 401
    desk.close()


def test_only_a_hash_of_a_secret_is_kept(desk: Desk) -> None:
    whole = desk.key("read")["X-API-Key"]
    _, number, secret = whole.split("_", 2)
    with desk.database.read() as connection:
        kept = connection.scalar(sa.select(schema.api_key.c.secret_hash).where(schema.api_key.c.id == number))
    assert kept == hashlib.sha256(secret.encode()).digest()
    assert secret.encode() not in (desk.folder / "store.db").read_bytes()


@pytest.mark.parametrize("presented", ["rk_", "rk__", "rk_x", "x_y_z", "rk_\udce4_z", "rk_" + "9" * 10_000 + "_s"])
def test_what_is_no_key_is_refused_and_not_crashed_on(desk: Desk, presented: str) -> None:
    headers = {"X-API-Key": presented.encode("utf-8", "surrogateescape")}
    assert desk.client.get("/v1/topics", headers=headers).status_code == 401  # type: ignore[arg-type]


def test_permissions_contain_one_another(desk: Desk) -> None:
    for permission, codes in (("read", (200, 403, 403)), ("write", (200, 404, 403)), ("admin", (200, 404, 200))):
        headers = desk.key(permission)  # type: ignore[arg-type]
        calls = (("GET", "/v1/topics"), ("DELETE", "/v1/rules/none"), ("GET", "/v1/dead-letters"))
        assert tuple(status(desk, *call, headers) for call in calls) == codes


def test_a_key_bound_to_a_topic_reads_nothing_of_another(desk: Desk) -> None:
    hidden = desk.seed.mention("x:1", "bahn")
    both = desk.seed.mention("x:2", "bahn", "tee")
    desk.seed.alert("a1", "bahn")
    desk.seed.alert("a2", "tee")
    desk.client.post("/v1/rules", json={"id": "onbahn", "when": {"kind": "threshold"}, "topics": ["bahn"]})
    desk.client.post("/v1/silences", json={"topic": "bahn", "ends_at": at(60).isoformat()})
    job = desk.client.post("/v1/topics/bahn/backfill").json()["id"]
    headers = desk.key("read", topics=["tee"])

    def ids(path: str, **parameters: Any) -> list[str]:
        return [item["id"] for item in desk.get(path, headers, **parameters).json()["items"]]

    assert ids("/v1/mentions") == ["x:2"] and ids("/v1/mentions", query="bahn") == ["x:2"]
    assert [match["topic"] for match in desk.get(f"/v1/mentions/{key_text(both)}", headers).json()["matches"]] == [
        "tee"
    ]
    assert (ids("/v1/topics"), ids("/v1/alerts"), ids("/v1/silences")) == (["tee"], ["a2"], [])
    assert ids("/v1/rules") == ["many"]
    for path in (
        f"/v1/mentions/{key_text(hidden)}",
        "/v1/mentions?id=x:1",
        "/v1/mentions?topic=bahn",
        "/v1/topics/bahn",
        "/v1/topics/bahn/summary",
        "/v1/topics/bahn/series",
        "/v1/series?topic=bahn",
        "/v1/share-of-voice?topics=tee,bahn",
        "/v1/alerts/a1",
        "/v1/rules/onbahn",
        f"/v1/jobs/{job}",
        "/v1/changes?topic=bahn",
        "/v1/events?topic=bahn",
    ):
        assert desk.get(path, headers).status_code == 404, path
    assert "Bahn" not in desk.get("/", headers).text
    assert [item["name"] for item in desk.get("/v1/series", headers).json()["series"]] == ["tee"]


def test_a_key_bound_to_a_topic_changes_nothing_beyond_it(desk: Desk) -> None:
    key = desk.seed.mention("x:2", "bahn", "tee")
    headers = desk.key("admin", topics=["tee"])
    silence = desk.client.post("/v1/silences", json={"ends_at": at(60).isoformat()}).json()["id"]
    for method, path, body in (
        ("POST", "/v1/topics", {"id": "neu", "name": "Neu", "query": "neu"}),
        ("POST", "/v1/rules", {**RULE, "topics": ["*"]}),
        ("POST", "/v1/rules", {**RULE, "topics": ["tee", "bahn"]}),
        ("PUT", "/v1/rules/many", {**RULE, "id": "many"}),
        ("DELETE", "/v1/rules/many", None),
        ("POST", "/v1/departments", {"id": "pr", "name": "PR"}),
        ("POST", "/v1/channels", {"id": "c"}),
        ("POST", "/v1/silences", {"ends_at": at(60).isoformat()}),
        ("DELETE", f"/v1/silences/{silence}", None),
        ("DELETE", f"/v1/mentions/{key_text(key)}", None),
        ("DELETE", "/v1/authors/" + "0" * 32, None),
        ("GET", "/v1/dead-letters", None),
    ):
        assert status(desk, method, path, headers, body) == 403, (method, path)
    assert status(desk, "POST", "/v1/rules", headers, RULE) == 201
    assert status(desk, "POST", "/v1/silences", headers, {"topic": "tee", "ends_at": at(60).isoformat()}) == 201
    assert desk.log.envelopes == []


def test_every_change_is_in_the_audit_with_who_made_it(desk: Desk) -> None:
    key = desk.seed.mention("x:1", "bahn")
    desk.seed.alert("a1", "bahn")
    headers = desk.key("admin")
    calls = (
        ("POST", "/v1/channels", {"id": "c"}),
        ("POST", "/v1/channels/c/test", None),
        ("POST", "/v1/silences", {"ends_at": at(60).isoformat()}),
        ("POST", "/v1/alerts/a1/acknowledge", None),
        ("POST", "/v1/topics/bahn/backfill", None),
        ("DELETE", "/v1/topics/tee?purge=true", None),
        ("DELETE", f"/v1/mentions/{key_text(key)}", None),
        ("DELETE", "/v1/authors/" + "0" * 32, None),
        ("DELETE", "/v1/rules/many", None),
    )
    actor = f"key:{headers['X-API-Key'].split('_')[1]}"
    for number, call in enumerate(calls):
        before = desk.seed.count(schema.audit, schema.audit.c.actor == actor)
        assert status(desk, call[0], call[1], headers, call[2]) < 300, calls[number]
        assert desk.seed.count(schema.audit, schema.audit.c.actor == actor) > before, calls[number]


def test_a_key_remembers_to_the_hour_when_it_was_used(desk: Desk) -> None:
    headers = desk.key("read")
    keys = AccessKeys(desk.database)
    assert [key.used_at for key in keys.list()] == [None]
    for seconds, remembered in ((0, 0), (3599, 0), (3600, 3600)):
        desk.clock.set(at(seconds))
        assert desk.client.get("/v1/topics", headers=headers).status_code == 200
        assert [key.used_at for key in keys.list()] == [at(remembered)]


def test_coverage_is_the_share_of_the_last_day_that_lies_in_no_gap(desk: Desk) -> None:
    desk.clock.set(at(100_000))
    entry = {"id": "sky", "kind": "bluesky"}
    with desk.database.write() as connection:
        connection.execute(
            sa.insert(schema.entry),
            {
                "kind": "source",
                "id": "sky",
                "revision": 1,
                "body": msgspec.json.encode(entry).decode(),
                "changed_at": 0,
            },
        )
        connection.execute(sa.insert(schema.source_state), {"source": "sky", "counters": "{}", "epoch": 1})
        for since, until in ((0, 20_000), (60_000, 64_320), (62_000, 64_320)):
            span = {"since_at": micros(at(since)), "until_at": micros(at(until)), "reason": "test"}
            connection.execute(sa.insert(schema.gap), {"source": "sky", **span})
    shown = {item["id"]: item for item in desk.client.get("/v1/sources").json()["items"]}
    # 6,400 s of the first gap lie within the last 86,400 s, and 4,320 s of the two others.
    assert shown["sky"]["coverage"] == pytest.approx(1 - (6_400 + 4_320) / 86_400)
