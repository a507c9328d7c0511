"""The running service under measurement: a state folder of its own, sandbox and gateway as processes, a client."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import perf_counter
from types import TracebackType

from benchmarks.queries import Query
from query_gateway.client.answers import Answer
from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings
from query_gateway.processes import Children, module_command
from sandbox.keys import make_private_key, write_public_key
from sandbox.settings import write_settings

FOLDER = Path(__file__).parent
READY = 120.0
"""Seconds that the service may take to start."""
_FRESH = count(1)
_KEY_DAYS = 2


@dataclass(frozen=True, slots=True)
class Timing:
    """One answered query. Unit: seconds."""

    ready: float
    """Until the answer could have left."""
    wait: float
    """For the end of its time class, had it not been taken off."""
    jobs: float
    """In workers."""


class Service:
    """One state folder and the two processes on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = folder / "state"
        self._address = f"127.0.0.1:{_free_port()}"
        self._watch = folder / "watch.log"
        self._log = folder / "service.log"
        self._children = Children()
        self._open = ExitStack()
        self._open.callback(self._children.end)
        self.client: Client
        init = ("--authority", self._address, "--origin", "vitrine-benchmark", "--tick", "10")
        self._operate("init", *init, "--policies", str(FOLDER / "policy"))
        settings = tomllib.loads((self._state / "vitrine.toml").read_text(encoding="utf-8"))
        rates = dict.fromkeys(
            ("requests_per_second", "person_requests_per_minute", "institution_requests_per_minute"), 10**6
        )
        write_settings(self._state, settings | rates | {"row_nanoseconds": 1, "worker_threads": threads()})

    def load(self, dataset: str, files: list[Path]) -> float:
        """Loads a data set; the seconds it took."""
        began = perf_counter()
        self._operate("dataset", "load", dataset, *map(str, files))
        return perf_counter() - began

    def register(self) -> None:
        """Institution, person, key and every licence of the benchmarks."""
        self._operate("institution", "add", "--id", "benchmark", "--name", "Benchmark")
        self._operate("person", "add", "--id", "analyst", "--institution", "benchmark", "--role", "analyst")
        private, public, signed = (self._folder / name for name in ("analyst.pem", "analyst.pub", "signed.licence"))
        write_public_key(public, make_private_key(private).public_key())
        expires = (datetime.now(UTC) + timedelta(days=_KEY_DAYS)).date().isoformat()
        self._operate("key", "register", "--person", "analyst", "--public", str(public), "--expires", expires)
        department = str(self._state / "keys" / "department.pem")
        for licence in sorted((FOLDER / "licences").glob("*.toml")):
            self._operate("licence", "sign", str(licence), "--key", department, "--out", str(signed))
            self._operate("licence", "issue", str(signed))

    def start(self) -> None:
        """Starts both sides; returns when they answer."""
        # from the current folder, where alone the benchmarks are
        sandbox = [sys.executable, "-m", "benchmarks.watched", str(self._state), str(self._watch)]
        self._children.start("sandbox", sandbox, self._log)
        door = str(self._state / "sandbox.sock")
        gateway = module_command("query_gateway", "--socket", door, "--listen", self._address)
        self._children.start("gateway", gateway, self._log)
        self._children.wait_ready(f"http://{self._address}/healthz", READY)
        self.client = self._open.enter_context(Client(self.settings))

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def settings(self) -> ClientSettings:
        """Of its one analyst."""
        return ClientSettings(
            url=f"http://{self._address}",
            authority=self._address,
            key=self._folder / "analyst.pem",
            log_key=(self._state / "keys" / "log.pub").read_text(encoding="utf-8").strip(),
            licence="benchmark",
            scenario="benchmark",
        )

    def ask(self, query: Query) -> Answer:
        """A query that was not asked before, for its ε is a little more than 1 and than any other's."""
        spend = {"epsilon": f"1.{next(_FRESH):06}"}
        return self.client.query(query.sql, spend, dataset=query.dataset, bounds="card", reuse=False)

    def timed(self, query: Query) -> Timing:
        """How long a query takes that was not asked before."""
        began = perf_counter()
        self.ask(query)
        passed = perf_counter() - began
        wait, jobs = map(float, self._watch.read_text(encoding="utf-8").split()[-2:])
        return Timing(passed, wait, jobs)

    def memory(self) -> dict[str, int]:
        """The most memory that a process of each kind held at a time, in bytes, by the module it runs."""
        found: dict[str, int] = {}
        for process in _descendants(os.getpid()):
            command = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8").split("\0")
            if "-m" in command:
                module = command[command.index("-m") + 1]
                found[module] = max(found.get(module, 0), _peak(process))
        return found

    def _operate(self, *arguments: str) -> None:
        command = module_command("sandbox", *arguments, "--state", str(self._state))
        with self._log.open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log)


def threads() -> int:
    """Threads that service and peer may use."""
    return len(os.sched_getaffinity(0))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _descendants(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [each for child in children for each in _descendants(child)]


def _peak(process: int) -> int:
    """Its largest resident size."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) << 10
