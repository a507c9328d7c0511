"""The deployment under load: data sets, institutions with their people and licences, and `vitrine serve` in front."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from sqlalchemy import Connection

from benchmarks import generate
from benchmarks.footprint import GATEWAY, SANDBOX, WORKERS, parts
from policies.licence_files import sign_licence
from policies.rules import Role
from query_gateway.client.settings import ClientSettings
from query_gateway.processes import module_command
from sandbox.audit.entry import Header
from sandbox.keys import make_private_key, read_private_key
from sandbox.registry import acts
from sandbox.settings import write_settings
from sandbox.state import StateFolder
from sandbox.upkeep import commands

FOLDER = Path(__file__).parent
INSTITUTIONS = ("university", "insurer", "bureau")
PEOPLE_EACH = 2
"""Analysts of each institution."""
AUDITOR = ("auditor", "bureau")
"""A person and the institution."""
READY = 120.0
"""Seconds that the service may take to start."""
SAMPLE = 1000
"""Rows of the sample of the census."""
_END = 60.0
_KEY_DAYS = 2
_RATES: dict[str, str | int] = {
    "requests_per_second": 10_000,
    "person_requests_per_minute": 100_000,
    "institution_requests_per_minute": 100_000,
}
"""More than anybody of the crowd can ask: nobody rests."""
_LICENCE = """id = "{name}"
institution = "{institution}"
mode = "scenario"
agreement = "0000000000000000000000000000000000000000000000000000000000000000"
outputs = ["query"]
not_before = 2026-01-01T00:00:00Z
not_after = 2036-01-01T00:00:00Z
notion = "{notion}"

[budget]
{budget}

[[scenarios]]
id = "benchmark"
title = {{ zh = "性能测试", en = "Benchmark" }}

[[grants]]
dataset = "sample"
table = "sample"
columns = ["pid", "age", "sex", "educ", "income"]

[[grants]]
dataset = "panel"
table = "members"
columns = ["pid", "city"]

[[grants]]
dataset = "panel"
table = "purchases"
columns = ["id", "pid", "shop", "amount"]
"""
_LICENCES = {
    "main": ("zcdp", 'rho = "10000"\ndelta = "1e-6"'),
    "pure": ("pure", 'epsilon = "10000"\ndelta = "0"'),
    "small": ("zcdp", 'rho = "0.000001"\ndelta = "1e-6"'),
    "stopped": ("zcdp", 'rho = "1"\ndelta = "1e-6"'),
}
"""Of each institution: notion and budget. `small` covers nothing that is asked, `stopped` is suspended."""


@dataclass(slots=True)
class Town:
    """A running service."""

    folder: Path
    address: str
    """HOST:PORT."""
    serve: int
    """The process of `vitrine serve`."""
    status: int | None = None
    """How it ended, told to."""

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.folder / "state")

    def settings(self, person: str, institution: str) -> ClientSettings:
        """How this person's client reaches the service."""
        return ClientSettings(
            url=f"http://{self.address}",
            authority=self.address,
            key=self.folder / f"{person}.pem",
            log_key=str(self.state.log_public_key),
            licence=f"{institution}-main",
            scenario="benchmark",
            dataset="sample",
        )

    def sandbox(self) -> int | None:
        """Its process; None while it is gone."""
        return next((process for process, part in parts(self.serve).items() if part == SANDBOX), None)

    def gateway(self) -> int | None:
        """Its process; None while it is gone."""
        return next((process for process, part in parts(self.serve).items() if part == GATEWAY), None)

    def workers(self) -> list[int]:
        return sorted(process for process, part in parts(self.serve).items() if part == WORKERS)

    def healthy(self) -> bool:
        """Whether gateway and sandbox answer."""
        try:
            with urlopen(f"http://{self.address}/healthz", timeout=5):
                return True
        except (URLError, OSError):
            return False

    def wait_ready(self) -> float:
        """The seconds until gateway and sandbox answer. Raises TimeoutError."""
        began = monotonic()
        while not self.healthy():
            if monotonic() > began + READY:
                raise TimeoutError(self.said())
            sleep(0.05)
        return monotonic() - began

    def said(self) -> str:
        """What the service wrote."""
        return (self.folder / "service.log").read_text(encoding="utf-8", errors="replace")

    def temporary_files(self) -> int:
        """Files that the service left in its folder for temporary ones, and half-made ones of the state."""
        made = [*(self.folder / "tmp").rglob("*"), *(self.folder / "state").rglob(".new-*")]
        return len(made)


def people() -> list[tuple[str, str]]:
    """Every analyst, with the institution."""
    return [(f"{institution}-{number}", institution) for number in range(PEOPLE_EACH) for institution in INSTITUTIONS]


@contextmanager
def town(folder: Path, worker_jobs: int) -> Iterator[Town]:
    """Serves until the block ends; then it is told to stop."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    folder.mkdir(exist_ok=True)
    state = _made(folder, address, worker_jobs)
    (folder / "tmp").mkdir()
    command = [sys.executable, "-c", "from query_gateway.cli import main; main()", "serve"]
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--state", str(state.path), "--listen", address],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            process_group=0,
        )
    found = Town(folder, address, process.pid)
    try:
        found.wait_ready()
        yield found
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            found.status = process.wait(_END)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _made(folder: Path, address: str, worker_jobs: int) -> StateFolder:
    """A state folder with everything loaded and registered."""
    state = StateFolder(folder / "state")
    named = ("--authority", address, "--origin", "vitrine-load", "--tick", "10", "--policies", str(FOLDER / "policy"))
    subprocess.run(
        module_command("sandbox", "init", *named, "--state", str(state.path)), check=True, capture_output=True
    )
    settings = tomllib.loads((state.path / "vitrine.toml").read_text(encoding="utf-8"))
    write_settings(state.path, settings | _RATES | {"row_nanoseconds": 1, "worker_jobs": worker_jobs})
    generate.census(folder / "sample.parquet", SAMPLE)
    generate.panel(folder / "panel")
    commands.load(state, "sample", [folder / "sample.parquet"], print)
    commands.load(state, "panel", sorted((folder / "panel").iterdir()), print)
    keys = {person: make_private_key(folder / f"{person}.pem").public_key() for person, _ in (*people(), AUDITOR)}
    department = read_private_key(state.path / "keys" / "department.pem")
    until = round((datetime.now(UTC) + timedelta(days=_KEY_DAYS)).timestamp() * 1000)

    def register(connection: Connection, header: Header) -> None:
        for institution in INSTITUTIONS:
            acts.add_institution(connection, header, None, institution, institution.title())
            for kind, (notion, budget) in _LICENCES.items():
                name = f"{institution}-{kind}"
                text = _LICENCE.format(name=name, institution=institution, notion=notion, budget=budget)
                signed = sign_licence(text, department)
                acts.issue_licence(connection, header, None, signed, department.public_key())
            acts.suspend_licence(connection, header, None, f"{institution}-stopped")
        for person, institution in (*people(), AUDITOR):
            role = Role.AUDITOR if person == AUDITOR[0] else Role.ANALYST
            acts.add_person(connection, header, None, person, institution, frozenset({role}))
            acts.register_key(connection, header, None, person, keys[person], until)

    commands.act(state, register)
    return state
