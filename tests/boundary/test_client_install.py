"""The client and the command work where neither the gateway's nor the sandbox's packages are installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

ABSENT = (
    *("alembic", "anyio", "cedarpy", "duckdb", "fastapi", "fastapi_offline", "opendp", "prometheus_client"),
    *("sqlalchemy", "sqlglot", "starlette", "structlog", "uvicorn"),
)
PROLOGUE = f"""
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {ABSENT!r} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(Without, sys.meta_path)
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROLOGUE + program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["query_gateway.cli", "query_gateway.client.session", "sandbox.audit.command"])
def test_module_is_light(module: str) -> None:
    done = run(f"import {module}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["licence", "list"], "sandbox"),
        (["init", "--help"], "sandbox"),
        (["serve", "sandbox"], "sandbox"),
        (["serve", "gateway", "--help"], "gateway"),
    ],
)
def test_command_says_what_is_not_installed(arguments: list[str], extra: str) -> None:
    done = run("from query_gateway.cli import main; main()", *arguments)
    assert done.returncode == 3
    assert f"vitrine[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr
