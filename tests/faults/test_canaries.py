"""A person's values, one in a private column of each type: they stand nowhere but in the provider's own files.

A history in which everything goes right and wrong is played with real processes; then all that was answered, said,
logged, exported and left behind is searched, in many spellings. With leaks planted, the same search finds them.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sandbox.serving.frames import HttpAnswer, HttpRequest
from sandbox.state import StateFolder
from tests.faults.test_core_dumps import FILES
from tests.support import canaries
from tests.support.deployment import free_port
from tests.support.processes import Gateway, Gone, signed
from tests.support.served_state import empty_state, register
from tests.support.starters import ROOT, children_of, command_of, descendants

GOOD = canaries.HEADER + "\n" + canaries.others() + canaries.line() * canaries.ROWS
REFUSED: Mapping[str, bytes] = {
    "a value of another type": f"{GOOD}{canaries.line(canaries.BAD)}".encode(),
    "no header": GOOD.partition("\n")[2].replace("P0,", canaries.UNIT + ",").encode(),
    "a record first": f"{canaries.line()}{GOOD}".encode(),
    "a broken line": f'{GOOD}{canaries.UNIT},{canaries.BAD},"{canaries.TEXT}\n'.encode(),
    "another encoding": f"{GOOD}{canaries.line()}".encode("utf-16"),
    "half an encoding": GOOD.encode() + canaries.line().encode() + b"\xff\xfe\n",
    "no column of units": f"{GOOD}{canaries.line().replace(canaries.UNIT, '')}".replace("pid,", "dip,", 1).encode(),
}
"""Files that a load refuses, or reads otherwise than they were meant."""
QUERIES = (
    "SELECT COUNT(*) AS n, SUM(amount) AS s, AVG(amount) AS a FROM visits",
    "SELECT word, COUNT(*) AS n FROM visits GROUP BY word",
    "SELECT number, day, COUNT(*) AS n, SUM(amount) AS s FROM visits GROUP BY number, day",
    "SELECT MEDIAN(amount) AS m, MAX(amount) AS h FROM visits WHERE flag",
    "SELECT COUNT(*) AS n FROM (SELECT MAX(moment) AS m FROM visits GROUP BY pid) s WHERE m < TIMESTAMP '1900-01-01'",
    "SELECT COUNT(DISTINCT word) AS w, COUNT(DISTINCT pid) AS u FROM visits WHERE real > 0 AND below < number",
)
REFUSALS = (
    "SELECT word FROM visits",
    "SELECT SUM(number) FROM visits",
    "SELECT COUNT(*) FROM visits WHERE pid = 1",
    "SELECT CAST(word AS INTEGER) FROM visits WHERE error(word)",
)


_EACH = """
import contextlib, io, json, sys
from sandbox.__main__ import main
for words in json.loads(sys.argv[1]):
    sys.argv[1:], said = words, io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = main()
    print(json.dumps({"status": status, "said": said.getvalue()}))
"""
_PATIENCE = 120.0
"""Seconds that anything may take on a busy machine."""


@dataclass
class Stage:
    """A service, and all that has been seen of it, by where."""

    folder: Path
    port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    before: frozenset[Path] = field(default_factory=lambda: _dumps(Path("/")))
    """Core dumps of others, where processes without a folder stand."""
    sandbox: int = 0
    seen: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.folder / "state")

    def operate(self, *commands: Sequence[str]) -> list[int]:
        """Commands of the operator's, with what they say; one process for all, since each start takes a second."""
        every = json.dumps([[*words, "--state", str(self.state.path)] for words in commands])
        told = subprocess.run([sys.executable, "-c", _EACH, every], capture_output=True, check=True, text=True)
        for words, line in zip(commands, told.stdout.splitlines(), strict=True):
            self.see(f"command {' '.join(words[:2])}", json.loads(line)["said"].encode())
        self.see("commands", told.stderr.encode())
        return [json.loads(line)["status"] for line in told.stdout.splitlines()]

    def see(self, name: str, content: bytes) -> None:
        self.seen[f"{len(self.seen)} {name}"] = content

    def load(self, *contents: bytes) -> list[int]:
        """The files lie with the provider, outside of what is searched."""
        with TemporaryDirectory(dir=self.folder.parent) as provider:
            files = [Path(provider) / str(number) / "visits.csv" for number, _ in enumerate(contents)]
            for file, content in zip(files, contents, strict=True):
                file.parent.mkdir()
                file.write_bytes(content)
            return self.operate(*(["dataset", "load", "clinic", str(file), "--json"] for file in files))

    def start(self, log: str, *words: str) -> subprocess.Popen[bytes]:
        """A process that could leave a core dump, for all that we do against it here."""
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)),  # noqa: PLW1509
            )
        self.running.append(process)
        return process

    def serve(self) -> None:
        """Returns when requests are answered."""
        self.sandbox = self.start("service.log", "sandbox", "serve", "--state", str(self.state.path)).pid
        end = time.monotonic() + _PATIENCE
        while Gateway(self.port, 0).answers() is False:
            assert time.monotonic() < end, (self.folder / "service.log").read_text()
            time.sleep(0.05)

    def ask(self, sql: str, path: str = "/v1/queries", headers: Mapping[str, str] | None = None) -> int:
        asked = {"licence": "L1", "scenario": "planning", "dataset": "clinic", "sql": sql, "spend": {"rho": "0.5"}}
        self.asked += 1
        request = signed("POST", path, json.dumps(asked).encode(), f"order-{self.asked}")
        return self.send(HttpRequest(*_parts(request), (*request.headers, *(headers or {}).items()), request.body))

    def look(self, path: str) -> int:
        return self.send(signed("GET", path))

    def send(self, request: HttpRequest) -> int:
        try:
            answer = Gateway(self.port, 0).send(request)
        except Gone:
            answer = HttpAnswer(0, b"", ())
        self.see(f"{request.method} {request.path}", repr(answer.headers).encode() + answer.body)
        return answer.status

    def workers(self) -> list[int]:
        zygotes = [each for each in children_of(self.sandbox) if "zygote" in command_of(each)]
        return [worker for zygote in zygotes for worker in descendants(zygote)]

    def look_into(self) -> None:
        """What the kernel tells of the processes."""
        for process in (self.sandbox, *descendants(self.sandbox)):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                for name in ("cmdline", "environ", "comm"):
                    self.see(f"/proc {name}", Path(f"/proc/{process}/{name}").read_bytes())

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
            process.wait(_PATIENCE)
        self.running.clear()

    def end(self) -> set[tuple[str, str]]:
        """Where which canary was found, after everything that was left behind is gathered."""
        self.stop()
        exported, copy = str(self.folder / "exported"), str(self.folder / "backup")
        backup = ["backup", copy, "--key", f"{copy}.key"]
        assert self.operate(["audit", "export", exported], backup, ["status", "--json"]) == [0, 0, 0]
        dumps = _dumps(self.folder) - self.before
        left = {*self.folder.rglob("*"), *Path("/dev/shm").glob("vitrine-*/*")} - dumps
        for path in left:
            with suppress(FileNotFoundError):  # of another test's
                if path.is_file() and not path.is_symlink():
                    self.see(str(path).removeprefix(f"{self.folder}/"), path.name.encode() + path.read_bytes())
        found = {
            (name.partition(" ")[2], each) for name, content in self.seen.items() for each in canaries.found(content)
        }
        return found | {(path.name, "core dump") for path in dumps}


def _dumps(folder: Path) -> frozenset[Path]:
    """Core dumps below a folder, and where processes without one stand."""
    found = {*Path("/").glob("core*"), *(folder.rglob("core*") if folder.name else ())}
    return frozenset(path for path in found if path.is_file())


def _parts(request: HttpRequest) -> tuple[str, str, str]:
    return request.method, request.path, request.query


@contextmanager
def stage(patch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A state folder without data; whatever our processes write without a path, or to a temporary one, is below it."""
    with TemporaryDirectory(prefix="vt-") as name:
        folder = Path(name) / "seen"
        for each in ("tmp", "here"):
            (folder / each).mkdir(parents=True)
        patch.setenv("TMPDIR", str(folder / "tmp"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder / "tmp"), str(ROOT)]))
        patch.chdir(folder / "here")
        state = empty_state(folder / "state", canaries.card(), canaries.domain(), max_failures=100)
        register(state, canaries.licence())
        found = Stage(folder, free_port())
        address = f"127.0.0.1:{found.port}"
        door = str(folder / "state" / "s")
        found.start("gateway.log", "query_gateway", "--socket", door, "--listen", address, "--log-requests")
        try:
            yield found
        finally:
            for process in found.running:
                process.kill()
                process.wait()


def test_no_canary_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with stage(monkeypatch) as found:
        *refused, loaded = found.load(*REFUSED.values(), GOOD.encode())
        assert (set(refused), loaded) == ({1}, 0)
        found.serve()
        for sql in QUERIES:
            assert found.ask(sql, "/v1/estimates") == 200, found.seen
            assert found.ask(sql) == 200, found.seen
        assert {found.ask(sql) for sql in REFUSALS} <= {400, 403, 422}
        assert found.ask("SELECT AVG(amount) AS a FROM visits", headers={"accept": "text/csv"}) == 200
        assert found.ask("SELECT COUNT(*) AS n FROM visits WHERE flag", headers={"prefer": "respond-async"}) in {
            200,
            202,
        }
        found.look_into()
        _break_workers(found)
        for path in ("catalogue", "licences", "queries", "audit/checkpoint"):
            assert found.look(f"/v1/{path}") == 200
        for path in ("/metrics", "/healthz", "/openapi.json"):
            found.send(HttpRequest("GET", path, "", (), b""))
        os.kill(found.sandbox, signal.SIGKILL)
        found.serve()
        assert found.end() == set()
        assert any("service.log" in name for name in found.seen)
        assert any("private.sealed" in name for name in found.seen)


def _break_workers(found: Stage) -> None:
    """Workers crash, or are killed, most likely while a query runs: its charge fails, or is run again."""
    for number in (signal.SIGSEGV, signal.SIGKILL):
        workers = found.workers()
        _signal(workers, signal.SIGSTOP)
        sql = f"SELECT word, COUNT(*) AS n FROM visits WHERE amount > {number} GROUP BY word"
        assert found.ask(sql, headers={"prefer": "respond-async"}) == 202
        told = re.search(rb"/v1/queries/[0-9a-f]{32}", list(found.seen.values())[-1])
        assert told is not None
        time.sleep(0.3)  # by now the job lies with a stopped worker, or a new one will have it
        _signal(workers, number, signal.SIGCONT)
        end = time.monotonic() + _PATIENCE
        while (status := found.look(told[0].decode())) == 202:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert status in {200, 500}


def _signal(processes: Sequence[int], *numbers: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            for number in numbers:
                os.kill(process, number)


PLANTED = """
import base64, dataclasses, logging, sys, tempfile
from sandbox.confinement import rights
rights.keep_memory = lambda: None
if "sandbox.serving.service" in sys.orig_argv:
    from sandbox import broker
    from sandbox.serving import door
    from sandbox.queries import execution
    from sandbox.audit import entry
    from sandbox.ledger.outcomes import Leaf
    keys, measure, answer, note = [], execution.measure, door.Door._answer, broker.Broker.note
    def telling(steps, exact, invocations):
        keys.extend(value for key in exact.keys for value in key)
        logging.getLogger("vitrine.broker").info("%s", exact.keys)
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(repr(keys))
        return measure(steps, exact, invocations)
    def answering(*words, **named):
        found = answer(*words, **named)
        told = base64.b64encode(repr(keys).encode()).decode()
        return dataclasses.replace(found, headers=(*found.headers, ("vitrine-receipt", told)))
    def noting(self, caller, leaf):
        largest = max(each for each in keys if isinstance(each, int))
        return note(self, caller, Leaf(entry.Read("catalogue.read", str(largest))))
    execution.measure, door.Door._answer, broker.Broker.note = telling, answering, noting
elif "-c" in sys.orig_argv:
    from sandbox.upkeep import commands
    load = commands.load
    def loading(state, dataset, files, tell):
        tell(files[0].read_text())
        return load(state, dataset, files, tell)
    commands.load = loading
"""
"""Leaks by the broker and by the command that loads: into each kind of place."""


def test_planted_leaks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with stage(monkeypatch) as found:
        (found.folder / "tmp" / "sitecustomize.py").write_text(PLANTED)
        assert found.load(GOOD.encode()) == [0]
        found.serve()
        assert [found.ask(QUERIES[2]), found.look("/v1/catalogue"), found.ask(QUERIES[2])] == [200, 200, 200]
        os.kill(found.sandbox, signal.SIGABRT)
        where = {place for place, _ in found.end()}
    places = {"command dataset load", "POST /v1/queries", "service.log", "state/vitrine.db"}
    assert places <= where
    assert any(place.startswith("tmp/tmp") for place in where)
    assert any(place.startswith("exported/tile/entries") for place in where)
    assert any(place.startswith("core") for place in where) == FILES
