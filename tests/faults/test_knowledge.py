"""What each process of a running service holds: nothing that the design does not give it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.confinement import machine
from sandbox.confinement.layers import Layer
from sandbox.state import StateFolder
from tests.support.processes import Deployment, deployed, query
from tests.support.starters import Starter

SECRET_CODE = ("cryptography", "opendp", "sqlalchemy", "http_message_signatures")
"""Packages for keys, noise and the ledger."""
FORBIDDEN = {
    "sandbox.workers.zygote": (*SECRET_CODE, "sandbox.ledger", "sandbox.audit", "sandbox.identity", "sandbox.privacy"),
    "query_gateway.sql.__main__": (*SECRET_CODE, "duckdb", "sandbox.ledger", "sandbox.engines", "sandbox.workers"),
    "query_gateway.app": ("duckdb", "opendp", "sqlalchemy", "sandbox.ledger", "sandbox.engines", "sandbox.workers"),
}
LIBRARIES = {
    "worker": ("opendp", "cryptography", "sqlite3", "_ssl"),
    "zygote": ("opendp", "cryptography", "sqlite3", "_ssl"),
    "lowering child": ("opendp", "cryptography", "sqlite3", "_ssl", "_duckdb."),
    "gateway": ("opendp", "sqlite3", "_duckdb."),
}
"""Words that no file mapped by the process has in its name."""
VARIABLES = {
    "worker": {"PYTHONPATH", "LANG", "TZ"},
    "zygote": {"PYTHONPATH", "LANG", "TZ"},
    "lowering child": {"LANG", "LC_ALL"},
}
FILES = {
    "worker": r"/dev/null|socket:\[\d+\]|/memfd:\w+ \(deleted\)",
    "zygote": r"/dev/null|socket:\[\d+\]|.*/log",
    "lowering child": r"/dev/null|socket:\[\d+\]",
}


@pytest.fixture(scope="module")
def running(template: Path, parent: Starter) -> Iterator[Deployment]:
    """A deployment that has answered, so that every process holds what it comes to hold."""
    with deployed(template, parent) as found:
        found.start()
        assert {answer.status for answer in found.send_all([query(number) for number in range(1, 5)])} == {200}
        found.confined()
        yield found
        found.stop()


@pytest.fixture(scope="module")
def processes(running: Deployment) -> Iterator[dict[str, list[int]]]:
    gateway = running.gateway()
    assert gateway.send(query(5)).status == 200
    yield {
        "worker": running.workers(),
        "zygote": running.zygotes(),
        "lowering child": running.children("query_gateway.sql"),
        "gateway": [gateway.pid],
    }
    gateway.kill()


@pytest.mark.parametrize("module", FORBIDDEN)
def test_modules(module: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert module.removesuffix(".__main__") in told
    assert [name for name in told if name.startswith(FORBIDDEN[module])] == []


@pytest.mark.parametrize("who", LIBRARIES)
def test_libraries(processes: dict[str, list[int]], who: str) -> None:
    assert processes[who]
    for process in processes[who]:
        mapped = {line.split(maxsplit=5)[5] for line in _maps(process) if line.count(" ") >= 5 and "/" in line}
        assert any("python" in path for path in mapped)
        assert [path for path in mapped if any(word in path for word in LIBRARIES[who])] == []


@pytest.mark.parametrize("who", VARIABLES)
def test_environment(processes: dict[str, list[int]], who: str) -> None:
    for process in processes[who]:
        given = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        assert {each.partition(b"=")[0].decode() for each in given if each} == VARIABLES[who]


@pytest.mark.parametrize("who", FILES)
def test_open_files(processes: dict[str, list[int]], who: str) -> None:
    for process in processes[who]:
        opened = [str(each.readlink()) for each in Path(f"/proc/{process}/fd").iterdir()]
        assert opened
        assert [path for path in opened if not re.fullmatch(FILES[who], path)] == []


def test_the_gateway_has_no_file_of_the_state(processes: dict[str, list[int]], running: Deployment) -> None:
    for process in processes["gateway"]:
        opened = [str(each.readlink()) for each in Path(f"/proc/{process}/fd").iterdir()]
        assert [path for path in opened if path.startswith(str(running.path))] == []


TREES = {"worker": {"proc", "dev"}, "zygote": {"proc", "dev"}, "lowering child": set[str]()}


@pytest.mark.skipif(Layer.TREE not in machine.found(), reason="only where the service is started as root")
@pytest.mark.parametrize("who", TREES)
def test_file_trees(processes: dict[str, list[int]], who: str) -> None:
    """The root of each is not the machine's, holds what it must and cannot be written to."""
    for process in processes[who]:
        assert {each.name for each in Path(f"/proc/{process}/root").iterdir()} == TREES[who]
        mounts = [line.split() for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines()]
        places = {each[4] for each in mounts}
        assert places == ({"/", "/proc", "/dev/null"} if TREES[who] else {"/"})
        assert all(each[5].startswith("ro,nosuid,nodev,noexec") for each in mounts if each[4] == "/")


def test_keys_are_in_the_broker_alone(processes: dict[str, list[int]], running: Deployment) -> None:
    """Every byte of memory that a process can write is searched; the broker shows that the search finds them."""
    state = StateFolder(running.path)
    vault = (running.path / "vault" / "vault.key").read_bytes()
    log, ml_dsa = state.log_key.ed25519.private_bytes_raw(), state.log_key.ml_dsa.private_bytes_raw()
    assert {vault, log} <= set(_found(running.pid, (vault, log)))
    for who, found in processes.items():
        for process in found:
            assert _found(process, (vault, log, ml_dsa)) == [], who


def test_no_key_is_in_a_command_line_environment_or_log(processes: dict[str, list[int]], running: Deployment) -> None:
    """In no spelling: raw, in hexadecimal or in base64."""
    keys = [path.read_bytes() for path in (running.path / "vault").glob("*.key")]
    keys += [StateFolder(running.path).log_key.ed25519.private_bytes_raw()]
    spelt = [way for key in keys for way in (key, key.hex().encode(), b64encode(key)[:-4])]
    every = [running.pid, *(process for found in processes.values() for process in found)]
    shown = [Path(f"/proc/{process}/{name}").read_bytes() for process in every for name in ("cmdline", "environ")]
    assert len(keys) >= 2
    assert [way for way in spelt if any(way in each for each in (*shown, running.said.encode()))] == []


def _maps(process: int) -> list[str]:
    return Path(f"/proc/{process}/maps").read_text().splitlines()


def _found(process: int, secrets: tuple[bytes, ...]) -> list[bytes]:
    """Those of the secrets that stand in the process's writable memory."""
    seen: list[bytes] = []
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in _maps(process):
            span, rights, *_ = line.split()
            if "rw" not in rights or "[vvar" in line:
                continue
            first, last = (int(end, 16) for end in span.split("-"))
            content = _read(memory.fileno(), first, last)
            seen += [secret for secret in secrets if secret in content and secret not in seen]
    return seen


def _read(memory: int, first: int, last: int) -> bytes:
    """Empty where the kernel gives none: guard pages and devices."""
    try:
        return os.pread(memory, last - first, first)
    except OSError:
        return b""
