"""The house keeps its own rules: storeys, sizes, names, and documents that say what the code does."""

from __future__ import annotations

import ast
import importlib
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("resonance", "ingest", "api", "services")
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
BESIDE = sorted(path for name in ("tests", "benchmarks", "deploy") for path in (ROOT / name).rglob("*.py"))


def test_imports_point_down_only() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_longer_than_400_lines_and_the_median_is_short() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    beside = {path: len(path.read_text("utf-8").splitlines()) for path in BESIDE}
    assert {str(path): n for path, n in (lengths | beside).items() if n > 400} == {}
    assert statistics.median(n for n in lengths.values() if n > 3) <= 150


def test_nine_functions_of_ten_have_at_most_30_lines() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path)
        for path in SOURCES
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [
        path for path in SOURCES if path.stem in {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    ] == []


def test_only_its_door_reads_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(r"os\.(environ|getenv)", path.read_text("utf-8"))
    }
    assert {name for name in readers if not name.startswith("services/")} == set()


def test_no_file_names_a_registry_host() -> None:
    hosts = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian")))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    texts = [name for name in tracked if (ROOT / name).is_file() and (ROOT / name).suffix not in {".npz", ".png"}]
    assert [name for name in texts if hosts.search((ROOT / name).read_text("utf-8", "replace"))] == []


@pytest.mark.parametrize("document", ["ARCHITECTURE.md"])
def test_every_name_in_the_walk_through_the_house_exists(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    names = set(re.findall(r"`((?:resonance|ingest|api|services)(?:\.\w+)+)`", text))
    assert len(names) > 20
    assert sorted(name for name in names if not _exists(name)) == []


def _exists(name: str) -> bool:
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def test_the_example_configuration_holds_every_setting_and_is_accepted() -> None:
    from pydantic import BaseModel

    from resonance.catalogue import ENTRY_TYPES
    from services.settings import Settings, load

    file = ROOT / "deploy" / "resonance.example.toml"
    text = file.read_text("utf-8")
    assert load(file, {}).settings == Settings()

    def missing(model: type[BaseModel], prefix: str = "") -> list[str]:
        found = []
        for name, spec in model.model_fields.items():
            if isinstance(spec.annotation, type) and issubclass(spec.annotation, BaseModel):
                found += missing(spec.annotation, f"{prefix}{name}.")
            elif not re.search(rf"^#?\s*{name}\s*=", text, re.MULTILINE):
                found.append(prefix + name)
        return found

    assert missing(Settings) == []
    entries = {
        spec.encode_name
        for kind in ENTRY_TYPES.values()
        for spec in __import__("msgspec").structs.fields(kind)
        if spec.name not in ("version", "valid_from", "status")
    }
    assert sorted(name for name in entries if not re.search(rf"^#?\s*{name}\s*=", text, re.MULTILINE)) == []


def test_the_lock_covers_what_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements/base.txt").read_text("utf-8"), re.MULTILINE))
    declared = {re.split(r"[\[<>=;]", line)[0].lower().replace("_", "-") for line in project["dependencies"]}
    assert declared <= {name.replace("_", "-") for name in locked}
