"""What the documents say is true: links, files, codes, settings, flags and commands; the README's example is played."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import typer.main

from query_gateway import witness
from query_gateway.cli import app
from query_gateway.client.settings import NAMES
from sandbox.__main__ import _parser
from sandbox.settings import Settings
from tests.support.error_table import MARKER, PAGE, tables
from tests.support.pages import PAGES, ROOT, anchors, blocks, code, links, shell_lines, table, text_of

READMES = (ROOT / "README.md", ROOT / "README.zh.md")
OPERATION = ROOT / "docs" / "operation.md"
CLIENT = ROOT / "docs" / "client.md"
FOLDERS = ("benchmarks/", "docs/", "examples/", "policies/", "query_gateway/", "requirements/", "sandbox/", "tests/")
READY = 60.0
"""Seconds until the service must be ready."""

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@by_page
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        target, _, fragment = link.partition("#")
        if "://" in target:
            continue
        found = page if not target else page.parent / target
        if not found.exists() or (fragment and fragment not in anchors(found)):
            broken.append(link)
    assert broken == []


@by_page
def test_files_named_exist(page: Path) -> None:
    named = {word for word in code(page) if word.startswith(FOLDERS) and re.fullmatch(r"[\w./*-]+", word)}
    assert [word for word in sorted(named) if not list(ROOT.glob(word.rstrip("/")))] == []


@by_page
def test_targets_named_exist(page: Path) -> None:
    makefile = text_of(ROOT / "Makefile")
    words = [*code(page), *shell_lines(page)]
    named = {target for word in words for target in re.findall(r"^make ([a-z]+)", word)}
    assert [target for target in sorted(named) if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_languages_say_the_same() -> None:
    english, chinese = (list(shell_lines(page)) for page in READMES)
    assert english == chinese
    assert "README.zh.md" in links(READMES[0])
    assert "README.md" in links(READMES[1])


def test_every_code_is_documented() -> None:
    _, made, _ = text_of(PAGE).split(MARKER)
    assert made == tables(), "python -m tests.support.error_table writes the new tables"


def test_every_setting_is_documented() -> None:
    assert [row[0] for row in table(OPERATION, "## Settings")] == [field.name for field in fields(Settings)]


def test_every_setting_of_the_client_is_documented() -> None:
    documented = [(row[0], row[1]) for row in table(CLIENT, "## Settings")]
    assert documented == [(name, f"VITRINE_{name.upper()}") for name in NAMES]


def test_settings_are_what_init_writes(tmp_path: Path) -> None:
    arguments = ["--authority", "a.example:1", "--origin", "o.example/log", "--tick", "70"]
    state, policies = tmp_path / "state", str(ROOT / "examples/health/policy")
    command = [sys.executable, "-m", "sandbox", "init", *arguments, "--policies", policies, "--state", str(state)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    given = {
        "--authority": "a.example:1",
        "--origin": "o.example/log",
        "--tick": "70",
        "processors": str(os.cpu_count()),
        '""': "",
    }
    documented = {row[0]: given.get(row[1], row[1]) for row in table(OPERATION, "## Settings")}
    written = tomllib.loads((state / "vitrine.toml").read_text())
    assert {name: str(value) for name, value in written.items()} == documented


def test_every_flag_of_the_gateway_is_documented() -> None:
    command = [sys.executable, "-m", "query_gateway", "--help"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    flags = set(re.findall(r"--[a-z-]+", told)) - {"--help"}
    documented = {
        flag for row in table(OPERATION, "### Flags of the gateway") for flag in re.findall(r"--[a-z-]+", row[0])
    }
    assert documented == flags


@by_page
def test_commands_in_blocks_are_understood(page: Path) -> None:
    refused = [line for line in shell_lines(page) if line.startswith("vitrine ") and not _understood(line)]
    assert refused == []


@by_page
def test_commands_in_the_text_exist(page: Path) -> None:
    named = [word for word in code(page) if re.match(r"vitrine [a-z]", word)]
    assert [word for word in named if not _exists(word)] == []


def test_every_command_is_documented() -> None:
    everything = "\n".join(text_of(page) for page in PAGES)
    found = [f"vitrine {' '.join(path)}" for path in _leaves(typer.main.get_command(app))]
    assert [command for command in found if not re.search(rf"{command}\b", everything)] == []


def _leaves(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    children = getattr(command, "commands", {})
    if not children:
        yield path
    for name, child in children.items():
        yield from _leaves(child, (*path, name))


def _understood(line: str) -> bool:
    """Whether the command takes these words; nothing is run."""
    whole = shlex.split(re.sub(r"\$\(date [^)]*\)", "2099-12-31", line))[1:]
    words = list(whole)
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
    if getattr(command, "commands", {}) and not getattr(command, "invoke_without_command", False):
        return False
    if not command.context_settings.get("ignore_unknown_options"):
        return _parses(lambda: command.make_context("vitrine", words))
    if whole[:2] == ["serve", "gateway"]:
        return True  # its flags have a test of their own
    if whole[:2] == ["audit", "witness"]:
        return _parses(lambda: witness.parser().parse_args(whole[2:]))
    return _parses(lambda: _parser().parse_args(whole if whole[0] != "serve" else ["serve", *whole[2:]]))


def _parses(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except (SystemExit, Exception):  # noqa: BLE001 - each parser has its own
        return False
    return True


def _exists(word: str) -> bool:
    command = typer.main.get_command(app)
    for part in word.split()[1:]:
        if not hasattr(command, "commands"):
            return True
        if part not in command.commands:
            return not part[0].isalpha() and bool(getattr(command, "invoke_without_command", False))
        command = command.commands[part]
    return True


def test_the_examples_are_played(tmp_path: Path) -> None:
    """Every block marked `run`, in order, while the one marked `sh serve` runs beside them."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    records = tmp_path / ".cache" / "health" / "records.csv"
    records.parent.mkdir(parents=True)
    records.write_text(_records(), encoding="utf-8")
    marked = [block for page in (READMES[0], CLIENT) for block in blocks(page) if " " in block.info]
    assert [block.info for block in marked] == ["sh run", "sh serve", "sh run", "sh run", "python run"]
    port = _free_port()
    first, serve, then, more, python = (block.text.replace("8080", str(port)) for block in marked)
    settings = "\n".join(line for line in then.splitlines() if line.startswith("export "))
    _play(first, tmp_path)
    with _serving(serve, tmp_path, port):
        assert "the log verifies" in _play(then, tmp_path)
        assert "visits_low" in _play(f"{settings}\n{more}", tmp_path)
        (tmp_path / "example.py").write_text(python, encoding="utf-8")
        assert "sql.unit_value" in _play(f"{settings}\n{sys.executable} example.py", tmp_path)
    assert (tmp_path / "receipt.json").exists()


def _records() -> str:
    """A few people of the demo's card."""
    lines = ["id,year,age,female,married,kids,edlevel,educ,outwork,self,hhninc,docvis,hospvis"]
    lines += [
        f"{person},{year},{30 + person % 30},{person % 2},1,0,{1 + person % 4},12,0,0,3.5,{person % 7},0"
        for person in range(1, 41)
        for year in range(1984, 1984 + 1 + person % 5)
    ]
    return "\n".join(lines) + "\n"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8", "COLUMNS": "120"}


def _play(script: str, folder: Path) -> str:
    command = ["bash", "-euc", script]
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def _serving(script: str, folder: Path, port: int) -> Iterator[None]:
    with (folder / "service.log").open("w") as log:
        service = subprocess.Popen(
            ["bash", "-euc", f"exec {script}"], cwd=folder, env=_environment(), stdout=log, stderr=log, process_group=0
        )
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", service, folder)
            yield
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(READY)


def _wait(url: str, service: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + READY
    while time.monotonic() < until:
        assert service.poll() is None, (folder / "service.log").read_text()
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - an address of our own
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail((folder / "service.log").read_text())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
