"""`resonance up` as users start it: what it answers, how it ends, and what kill -9 cannot take away."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.data import data_path
from tests.support.process import CONFIG, Up

KILLS = int(os.environ.get("RESONANCE_TEST_KILLS", "6"))
COMPARED = {
    "identity": "SELECT hex(key), id, placed_at, stamp_at, stamp_version, stamp_content, deleted_at FROM identity WHERE id LIKE 'twitter:%' ORDER BY key",
    "mention": "SELECT id, platform, kind, language, text, placed_at, engagement_total, reach, topics, document FROM mention WHERE platform = 'twitter' ORDER BY id",
    "match": (
        "SELECT mention.id, match.topic, match.spans, match.p_negative, match.p_neutral, match.p_positive, match.label"
        " FROM match JOIN mention USING (row) WHERE mention.platform = 'twitter' ORDER BY 1, 2"
    ),
}
SUMS = {
    "minutes that are kept": ("resolution = 60 AND bucket > unixepoch() - 29 * 86400", 60, "environment"),
    # Of old sums either the quarter-hours or the days are told apart by environment, as far as they are folded.
    "quarter-hours": ("resolution = 900", 900, "0"),
    "days by environment": ("environment <> 0 AND resolution IN (900, 86400)", 86400, "environment"),
}
WINDOWS = (
    "SELECT topic, bucket / {r} * {r}, {environment}, voice, sum(mentions), sum(negative), sum(p_negative), sum(reach), sum(likes)"
    " FROM window WHERE {which} GROUP BY 1, 2, 3, 4 HAVING sum(mentions) > 0"
)
GROUPED = (
    "SELECT match.topic, match.placed_at / 1000000 / {r} * {r}, {environment}, match.voice, count(*), sum(match.label = 'negative'),"
    " sum(match.p_negative), sum(coalesce(match.reach, 0)), sum(coalesce(mention.engagement ->> '$.likes[0]', 0))"
    " FROM match JOIN mention USING (row) WHERE {r} > 60 OR match.placed_at / 1000000 > unixepoch() - 29 * 86400 GROUP BY 1, 2, 3, 4"
)


def said(number: int) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {
        "id": f"live:{number}",
        "text": f"@united flight {number} is late again",
        "published_at": now,
        "author": {"id": f"a{number}"},
    }


@pytest.fixture
def up(tmp_path: Path) -> Any:
    made = Up(tmp_path / "up")
    yield made
    made.stop()


def command(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", *words], capture_output=True, text=True, timeout=600, **more
    )


def test_a_burst_fires_is_told_once_and_ctrl_c_stops_in_time(up: Up) -> None:
    up.wait_ready()
    up.push([said(number) for number in range(30)])
    deadline = time.monotonic() + 15
    while "unusually many mentions" not in up.output.read_text():
        assert time.monotonic() < deadline, up.output.read_text()
        time.sleep(0.05)
    alert = up.get("/v1/alerts")["items"][0]
    assert (alert["topic"], alert["state"], alert["departments"]) == ("united", "firing", ["pr"])
    assert {reason["code"] for reason in alert["reasons"]} >= {"volume", "platforms", "top_terms"}
    assert up.stop() < 4
    assert up.process.returncode == 0
    assert up.rows("SELECT state, count(*) FROM delivery GROUP BY 1") == [("sent", 1)]


@pytest.mark.timeout(1800)
def test_kill_9_at_random_moments_of_an_import_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    corpus = data_path("corpora/airline_us_2015/Tweets.csv")
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    (quiet / "resonance.toml").write_text(CONFIG)
    reference = Up.__new__(Up)
    reference.folder = quiet
    done = command(
        "import",
        str(corpus),
        "--preset",
        "airline",
        "--config",
        str(quiet / "resonance.toml"),
        "--data",
        str(quiet / "data"),
    )
    assert done.returncode == 0, done.stderr
    hurt = Up(tmp_path / "hurt")
    hurt.wait_ready()
    target = ["import", str(corpus), "--preset", "airline", "--url", hurt.url]
    named = tmp_path / "importer.txt"
    with named.open("w") as told:
        importer = subprocess.Popen([sys.executable, "-m", "services", *target], stdout=subprocess.DEVNULL, stderr=told)
    pusher = threading.Thread(target=lambda: [hurt.push([said(number)], 240) for number in range(60)])
    pusher.start()
    dice = random.Random(7)
    try:
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.2, 1.5))
            which = dice.choice(["up", "services.engine", "services.webserver"])
            hurt.kill(which)
            if which == "up":
                hurt.process.wait()
                hurt.again()
        assert importer.wait(600) == 0
        pusher.join(300)
        hurt.wait_ready()
        deadline = time.monotonic() + 120
        while hurt.rows("SELECT count(*) FROM mention WHERE platform = 'live'")[0][0] < 60:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1.5)
    finally:
        importer.kill()
        hurt.stop()
    for name, query in COMPARED.items():
        assert hurt.rows(query) == reference.rows(query), name
    assert len(hurt.rows(COMPARED["mention"])) > 3000
    refused = re.findall(rf"^{re.escape(str(corpus))}:\d+: .", named.read_text(), re.MULTILINE)
    assert 0 < len(refused) < 200 and f"{len(refused)} lines refused" in " ".join(named.read_text().split())
    for name, (which, r, environment) in SUMS.items():
        sums = hurt.rows(WINDOWS.format(which=which, r=r, environment=environment))
        grouped = hurt.rows(GROUPED.format(r=r, environment=f"match.{environment}" if environment != "0" else "0"))
        assert set(sums) == set(grouped) and grouped, name
    assert hurt.rows("SELECT sum(mentions) FROM arrival WHERE topic = 'united'")[0][0] == 60
    assert hurt.rows("SELECT count(*), count(DISTINCT fingerprint) FROM alert WHERE topic = 'united'")[0] == (1, 1)
    assert hurt.rows("SELECT count(*), count(DISTINCT idempotency_key) FROM outbox WHERE kind = 'firing'")[0] == (1, 1)
    assert hurt.rows("SELECT count(*) FROM dead_letter")[0][0] == 0


def test_a_second_up_on_the_same_folder_is_refused_by_name(up: Up) -> None:
    up.wait_ready()
    second = command("up", "--config", str(up.config), "--data", str(up.folder / "data"), "--port", "1")
    assert second.returncode == 1
    assert "another Resonance runs on" in second.stderr and str(up.process.pid) in second.stderr


def test_a_port_in_use_is_named(up: Up, tmp_path: Path) -> None:
    up.wait_ready()
    other = command("up", "--config", str(up.config), "--data", str(tmp_path / "other"), "--port", str(up.port))
    assert other.returncode == 1
    assert f"port {up.port} on 127.0.0.1 cannot be used" in other.stderr


def test_an_unknown_setting_names_every_mistake_and_exits_2(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('zone = "Mars/Olympus"\nnonsense = 1\n[web]\nport = 99999\n[[topics]]\nid = "A"\nquery = "("\n')
    done = command("check", "--config", str(file), env={**os.environ, "RESONANCE_NONSENSE": "1"})
    assert done.returncode == 2
    for word in ("Mars/Olympus", "nonsense", "web.port", "topics.0/id", "topics.0/name", "RESONANCE_NONSENSE"):
        assert word in done.stderr, (word, done.stderr)


def test_an_address_of_the_world_without_a_key_is_refused(tmp_path: Path) -> None:
    done = command("up", "--host", "0.0.0.0", "--port", "18999", "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "no API key" in done.stderr


def test_data_without_their_key_are_refused(tmp_path: Path) -> None:
    assert command("db", "upgrade", "--data", str(tmp_path)).returncode == 0
    (tmp_path / "installation.key").unlink()
    assert command("db", "upgrade", "--data", str(tmp_path)).returncode == 1
    done = command("up", "--port", "18998", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "installation.key is missing" in done.stderr


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    import sqlite3

    assert command("keys", "create", "x", "--data", str(tmp_path)).returncode == 0
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = command("up", "--port", "18997", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "newer version" in done.stderr


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command("up", "--data", str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_an_import_names_bad_lines_and_may_be_repeated(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    good = '{"id":"x:%d","text":"united is late","published_at":"2026-05-04T12:00:00Z"}\n'
    file.write_text(good % 1 + "{broken\n" + good % 2)
    config = tmp_path / "resonance.toml"
    config.write_text(CONFIG)
    for _ in range(2):
        done = command("import", str(file), "--config", str(config), "--data", str(tmp_path / "data"))
        assert done.returncode == 0, done.stderr
        assert f"{file}:2: is no JSON" in done.stderr.replace("\n", " ").replace("  ", " ") or ":2: " in done.stderr
    exported = command("export", "--config", str(config), "--data", str(tmp_path / "data"))
    assert exported.stdout.count("\n") == 2


def test_match_and_score_answer_line_by_line() -> None:
    line = '{"id":"x:1","text":"Die Bahn ist schlecht","published_at":"2026-05-04T12:00:00Z"}\n'
    matched = command("match", "--query", "bahn", input=line)
    assert matched.stdout == '{"id":"x:1","matches":[{"topic":"query","spans":[[4,8]]}]}\n'
    scored = command("score", input=line)
    assert '"label":"negative"' in scored.stdout and '"language":"de"' in scored.stdout
