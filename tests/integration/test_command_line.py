"""The command line with input that nobody should give it: every answer names what is wrong, results stay on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import app
from tests.support.data import data_path

GOOD = '{"id":"x:1","text":"Die Bahn ist schlecht","published_at":"2026-05-04T12:00:00Z"}'


def command(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", *words], capture_output=True, text=True, timeout=120, **more
    )


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    """What was said, however wide the terminal is."""
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ("topics = 5\n", "topics: write [[topics]], once for each"),
        ('[[departments]]\nid = "[/foo]"\nname = "x"\n', "departments.0/id"),
        ('[[topics]]\nid = "a"\nname = "A"\nquery = "a [/b] ("\n', "topics.a.query line 1, column"),
        ('[[rules]]\nid = "r"\nwhen = { kind = "change", factor = inf }\n', "rules.0/when: holds an infinite number"),
        ('[[rules]]\nid = "r"\nwhen = { kind = "threshold", window = "90s" }\n', "rules.r.when: '90s' is not possible"),
        ("web = 5\n", "web: Input should be a valid dictionary"),
        ("a = \n", "is no TOML"),
        ("x = 1\nx = 2\n", "is no TOML"),
        ("zone = [" + "[" * 3000 + "]" * 3001 + "\n", "is no TOML"),
    ],
)
def test_a_wrong_configuration_is_named_as_it_stands(tmp_path: Path, configuration: str, named: str) -> None:
    file = tmp_path / "resonance.toml"
    file.write_text(configuration)
    done = CliRunner().invoke(app, ["check", "--config", str(file)])
    assert done.exit_code == 2
    assert named in " ".join(done.output.split()), done.output


def test_a_configuration_that_is_no_text_or_no_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"\xff\xfe\x00")
    for path in (broken, tmp_path, tmp_path / "none.toml"):
        done = command("check", "--config", str(path))
        assert done.returncode == 2
        assert path.name in done.stderr.replace("\n", "") and "Traceback" not in done.stderr


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    done = command(
        "check", env={**os.environ, "RESONANCE_WEB__PORT": "abc", "RESONANCE_WEB": "x", "RESONANCE_ZONE": ""}
    )
    assert done.returncode == 2
    for name in ("web.port", "RESONANCE_WEB", "zone"):
        assert name in words_of(done)


@pytest.mark.parametrize("name", ["match", "score"])
def test_a_bad_line_is_named_by_its_number_and_costs_only_itself(name: str) -> None:
    deep = "[" * 10_000 + "]" * 10_000
    lines = [
        GOOD,
        "{broken",
        "[]",
        '{"id":"x:2"}',
        deep,
        '{"id":"x:3","text":"\\ud800","published_at":"2026-05-04T12:00:00Z"}',
        "",
        GOOD,
    ]
    more = ("--query", "bahn") if name == "match" else ()
    done = command(name, *more, input="\n".join(lines))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["x:1", "x:1"]
    assert done.returncode == 1
    for number in (2, 3, 4, 5, 6):
        assert f"line {number}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_who_goes_away_is_no_accident() -> None:
    done = subprocess.run(
        f"{sys.executable} -m services demo-data --seed 3 | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_wrong_mapping_or_zone_is_named_before_anything_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("Tweet,When\nDie Bahn,2026-05-04T12:00:00Z\n")
    data = ("--data", str(tmp_path / "data"))
    for words, named in (
        (("--map", "text=Tweet,published_at=Date"), "'Date'"),
        (("--map", "text"), "'text' is no FIELD=COLUMN"),
        (("--map", "text=Tweet,published_at=When", "--zone", "Mars"), "Mars"),
        (("--preset", "nobody"), "known are"),
        ((), "no column for it"),
    ):
        done = command("import", str(file), *words, *data)
        assert done.returncode == 2, done.stderr
        assert named in words_of(done) and "Traceback" not in done.stderr
    done = command("import", str(file), "--map", "text=Tweet,published_at=When", *data)
    assert done.returncode == 0 and "1 mentions taken" in done.stderr


def test_where_no_authors_name_may_leave_the_store_an_export_holds_none(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    said = {**json.loads(GOOD), "author": {"id": "did:1", "handle": "ana.example", "name": "Ana", "followers": 7}}
    file.write_text(json.dumps(said) + "\n")
    config = tmp_path / "resonance.toml"
    config.write_text('[[topics]]\nid = "bahn"\nname = "Bahn"\nquery = "bahn"\n')
    where = ("--config", str(config), "--data", str(tmp_path / "data"))
    assert command("import", str(file), *where).returncode == 0
    [line] = command("export", *where).stdout.splitlines()
    assert json.loads(line)["author"] == said["author"]
    [line] = command("export", *where, env={**os.environ, "RESONANCE_PRIVACY": "pseudonymous"}).stdout.splitlines()
    author = json.loads(line)["author"]
    assert author.keys() == {"id", "followers"} and len(author["id"]) == 32
    assert "Ana" not in line and "did:1" not in line


def test_help_teaches_every_command() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    for name in (
        "up",
        "check",
        "import",
        "export",
        "erase",
        "match",
        "score",
        "train",
        "evaluate",
        "demo-data",
        "keys",
        "db",
    ):
        assert f" {name} " in told
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
    assert CliRunner().invoke(app, ["nonsense"]).exit_code == 2


def test_a_damaged_archive_says_from_which_line_on(tmp_path: Path) -> None:
    import gzip

    whole = gzip.compress("\n".join(GOOD.replace("x:1", f"x:{n}") for n in range(2000)).encode())
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(whole[: len(whole) // 2])
    done = command("import", str(file), "--data", str(tmp_path / "data"))
    assert done.returncode == 0
    assert "the file is damaged from here on" in words_of(done)


def test_the_airline_corpus_is_taken_and_its_damaged_records_are_named(tmp_path: Path) -> None:
    corpus = data_path("corpora/airline_us_2015/Tweets.csv")
    done = command("import", str(corpus), "--preset", "airline", "--data", str(tmp_path / "data"))
    assert done.returncode == 0
    named = [line for line in done.stderr.splitlines() if f"{corpus}:" in line]
    taken = int(done.stderr.split(" mentions taken")[0].split()[-1].replace(",", ""))
    # A record that has swallowed others is named once.
    assert (taken, len(named)) == (14_520, 85)
