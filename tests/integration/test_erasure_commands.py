"""Erasing as people do it: by the command on a folder, by the API of a running machine, and after restoring a backup."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.process import CONFIG, Up
from tests.support.scan import found_in_files

NEEDLES = ("did:plc:anna", "anna.example", "Anna Beispiel", "zwergspitz")


def said(number: int, author: str) -> dict[str, Any]:
    who = {"id": f"did:plc:{author}", "handle": f"{author}.example", "name": f"{author.title()} Beispiel"}
    text = f"united is late, {'zwergspitz' if author == 'anna' else 'again'}"
    return {"id": f"sky:at://{author}/{number}", "text": text, "published_at": "2026-05-04T12:00:00Z", "author": who}


def resonance(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "services", *words, "--config", str(folder / "resonance.toml")]
    command += ["--data", str(folder / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_erases_and_a_restored_backup_erases_again(tmp_path: Path) -> None:
    (tmp_path / "resonance.toml").write_text(CONFIG)
    file, data = tmp_path / "some.jsonl", tmp_path / "data"
    file.write_text("".join(json.dumps(said(n, who)) + "\n" for n in range(3) for who in ("anna", "bert")))
    resonance(tmp_path, "import", str(file))
    shutil.copy(data / "store.db", tmp_path / "backup.db")
    receipt = json.loads(resonance(tmp_path, "erase", "sky:did:plc:anna"))
    assert (receipt["state"], receipt["mentions"], receipt["pending"][0]["what"]) == ("done", 3, "log")
    assert found_in_files(data, NEEDLES) == []
    assert (data / "erased.list").read_text().split() == [receipt["author_key"]]
    for path in data.glob("store.db*"):
        path.unlink()
    shutil.copy(tmp_path / "backup.db", data / "store.db")
    assert found_in_files(data, NEEDLES) != []
    assert resonance(tmp_path, "export").count("bert") > 0
    assert not any(needle in resonance(tmp_path, "export") for needle in NEEDLES)
    # Whatever runs next on the folder carries the erasure out again.
    resonance(tmp_path, "erase", "sky:did:plc:nobody")
    assert found_in_files(data, NEEDLES) == []


def test_a_running_machine_erases_by_its_api(tmp_path: Path) -> None:
    up = Up(tmp_path)
    try:
        up.wait_ready()
        up.push([said(number, who) for number in range(3) for who in ("anna", "bert")])
        found = wait(lambda: up.get("/v1/mentions?q=zwergspitz")["items"])
        key = found[0]["author"]["key"]
        request = urllib.request.Request(f"{up.url}/v1/authors/{key}", method="DELETE")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
            job = answer.headers["Location"]
        done = wait(lambda: up.get(job)["state"] == "done" and up.get(job), 30)
        assert done["result"]["mentions"] == 3 and done["result"]["store"] == "erased"
        assert up.get("/v1/mentions?q=zwergspitz")["items"] == []
        assert len(up.get("/v1/mentions?q=united")["items"]) == 3
        assert found_in_files(tmp_path / "data", NEEDLES) == []
        up.push([said(number, "anna") for number in range(5)])
        up.push([said(9, "bert")])
        wait(lambda: len(up.get("/v1/mentions?q=united")["items"]) == 4)
    finally:
        up.stop()
    assert found_in_files(tmp_path / "data", NEEDLES) == []


def wait(holds: Any, seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found
