"""Signed pushes: who has the secret is let in, once a message; everybody else is told what is wrong."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Refused
from api.signatures import Signed, key_of
from resonance.access import SYSTEM
from resonance.catalogue import Source
from resonance.errors import Full, Unconfigured
from resonance.ports import Backlog
from resonance.stores.entries import Entries
from tests.support.machine import at
from tests.support.seeding import Desk
from tests.support.signing import SECRET, signed

NOW = 1_770_000_000
BODY = json.dumps({"id": "shop:1", "text": "hallo", "published_at": "2026-05-04T12:00:00Z"}).encode()


def headers(body: bytes = BODY, *, name: str = "msg_1", stamp: int = NOW, secret: str = SECRET) -> dict[str, str]:
    return signed(body, name=name, stamp=stamp, secret=secret)


class Secrets:
    """What stands behind references."""

    def __init__(self) -> None:
        self.known = {"env:SHOP": SECRET}

    def __call__(self, reference: str) -> str:
        if reference not in self.known:
            raise Unconfigured(f"the environment variable {reference[4:]} is not set")
        return self.known[reference]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, {"real": lambda: NOW * 1_000_000, "secret": Secrets()})
    entries = Entries(made.database)
    for name, options in (("shop", {"secret": "env:SHOP"}), ("other", {"secret": "env:OTHER"})):
        entries.create("source", Source(id=name, kind="hook", options=options), actor=SYSTEM, at=at(0))
    entries.create("source", Source(id="plain"), actor=SYSTEM, at=at(0))
    yield made
    made.close()


def push(desk: Desk, body: bytes = BODY, given: dict[str, str] | None = None, source: str = "shop") -> Any:
    return desk.client.post(f"/v1/hooks/{source}", content=body, headers=headers(body) if given is None else given)


def refused(answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_a_signed_message_is_in_the_log_and_counted(desk: Desk) -> None:
    answer = push(desk)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicate": 0, "rejected": []})
    assert len(desk.log.envelopes) == 1
    shown = {item["id"]: item for item in desk.client.get("/v1/sources").json()["items"]}["shop"]
    assert (shown["events"], shown["connected"], shown["coverage"], shown["lag_s"]) == (1, None, None, 0.0)


def test_nobody_needs_a_key_or_this_machines_name_who_has_signed(desk: Desk) -> None:
    assert push(desk, given=headers() | {"Host": "hooks.example.org"}).status_code == 202


def test_good_items_are_taken_beside_bad_ones(desk: Desk) -> None:
    body = BODY + b'\n{broken\n{"id": "x"}\n{"op": "delete", "id": "shop:7"}'
    answer = push(desk, body).json()
    assert (answer["accepted"], [item["index"] for item in answer["rejected"]]) == (2, [1, 2])


@pytest.mark.parametrize("change", [b" ", b"\n", b"x"])
def test_one_changed_byte_is_a_wrong_signature(desk: Desk, change: bytes) -> None:
    refused(push(desk, BODY + change, headers()), 401, "no v1 signature")
    refused(push(desk, given=headers() | {"webhook-id": "msg_2"}), 401, "no v1 signature")
    refused(push(desk, given=headers() | {"webhook-timestamp": str(NOW + 1)}), 401, "no v1 signature")
    assert desk.log.envelopes == []


def test_another_secret_or_version_is_a_wrong_signature_and_one_right_one_among_others_will_do(desk: Desk) -> None:
    other = headers(secret=base64.b64encode(b"x" * 24).decode())["webhook-signature"]
    refused(push(desk, given=headers() | {"webhook-signature": other}), 401, "no v1 signature")
    right = headers()["webhook-signature"]
    refused(push(desk, given=headers() | {"webhook-signature": right.replace("v1,", "v1a,")}), 401, "no v1 signature")
    assert push(desk, given=headers() | {"webhook-signature": f"v1a,zzz {other} {right}"}).status_code == 202


@pytest.mark.parametrize(("seconds", "word"), [(-301, "old"), (301, "early")])
def test_a_signature_of_another_time_is_refused(desk: Desk, seconds: int, word: str) -> None:
    refused(push(desk, given=headers(stamp=NOW + seconds)), 401, f"too {word}: 301 s away, at most 300 s")
    assert push(desk, given=headers(stamp=NOW + seconds - seconds // 301)).status_code == 202


def test_every_missing_header_is_named(desk: Desk) -> None:
    answer = push(desk, given={"webhook-id": "msg_1"})
    refused(answer, 401, "webhook-timestamp, webhook-signature")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["webhook-timestamp", "webhook-signature"]
    refused(push(desk, given=headers() | {"webhook-timestamp": "soon"}), 401, "no number of seconds")


def test_a_message_that_comes_again_as_it_is_is_refused_and_a_new_attempt_is_taken(desk: Desk) -> None:
    assert push(desk).status_code == 202
    refused(push(desk), 409, "'msg_1' of this time came before")
    assert len(desk.log.envelopes) == 1
    assert push(desk, given=headers(stamp=NOW + 5)).status_code == 202
    assert push(desk, given=headers(name="msg_2")).status_code == 202


def test_a_message_that_could_not_be_logged_may_come_again_as_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise Full("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(desk.log, "append", full)
        assert push(desk).status_code == 507
    assert push(desk).status_code == 202


def test_back_pressure_is_told_only_to_those_who_may_push(tmp_path: Path) -> None:
    behind = {"real": lambda: NOW * 1_000_000, "secret": Secrets(), "backlog": lambda: Backlog(9, 99.0)}
    desk = Desk(tmp_path, behind)
    Entries(desk.database).create(
        "source", Source(id="shop", kind="hook", options={"secret": "env:SHOP"}), actor=SYSTEM, at=at(0)
    )
    refused(push(desk, BODY + b" ", headers()), 401, "no v1 signature")
    answer = push(desk)
    refused(answer, 429, "behind")
    assert answer.headers["Retry-After"] == "30"
    desk.close()


def test_a_source_that_is_none_or_of_another_kind_is_not_there(desk: Desk) -> None:
    for name in ("nobody", "plain"):
        refused(push(desk, source=name), 404, f"there is no source '{name}'")


def test_a_secret_that_is_missing_or_none_needs_a_person(desk: Desk) -> None:
    refused(push(desk, source="other"), 503, "OTHER is not set")
    for bad, words in (("whsec_*", "not base64"), (base64.b64encode(b"short").decode(), "5 bytes")):
        with pytest.raises(Unconfigured, match=words):
            key_of(bad)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=30)))
def test_no_header_that_anybody_makes_up_is_let_in(made: dict[str, str]) -> None:
    with pytest.raises(Refused):
        Signed(made, NOW).verify(BODY, SECRET)


def test_a_real_time_stands_behind_the_stamp_where_the_installation_has_a_clock_of_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"secret": Secrets()})
    Entries(desk.database).create(
        "source", Source(id="shop", kind="hook", options={"secret": "env:SHOP"}), actor=SYSTEM, at=at(0)
    )
    assert push(desk, given=headers(stamp=int(time.time()))).status_code == 202
    desk.close()
