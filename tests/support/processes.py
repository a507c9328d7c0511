"""A real sandbox in processes of its own: served, asked over its socket, killed; its database read beside it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import Connection

from query_gateway.client.signing import sign
from sandbox.audit import log
from sandbox.audit.encoding import decode
from sandbox.audit.entry import Act, QueryAuthorized, QueryReleased
from sandbox.audit.verify import Report, verify
from sandbox.errors import Fault, Refusal
from sandbox.keys import key_id
from sandbox.ledger.accounts import Account, read_accounts
from sandbox.ledger.charges import Charge, find_by_idempotency_key
from sandbox.ledger.database import open_database
from sandbox.serving.frames import HttpAnswer, HttpRequest, receive_answer, send_request
from sandbox.settings import write_settings
from sandbox.state import StateFolder
from sandbox.upkeep import commands
from tests.support.served_state import AUTHORITY, KEYS, RHO, SETTINGS, make_state
from tests.support.starters import ROOT, Starter, children_of, command_of, descendants

T = TypeVar("T")

_PATIENCE = 120.0
"""Seconds that anything may take on a busy machine."""


def sql(number: int) -> str:
    """A query; another number is another query."""
    return f"SELECT COUNT(*) AS n FROM visits WHERE cost < {number}"


def query(
    number: int, idempotency: str | None = None, *, person: str = "li", licence: str = "L1", wait: bool = True
) -> HttpRequest:
    """A signed query, which may be sent more than once; each signing has a nonce of its own."""
    asked = {
        "licence": licence,
        "scenario": "planning",
        "dataset": "clinic",
        "sql": sql(number),
        "spend": {"rho": RHO},
    }
    found = signed("POST", "/v1/queries", json.dumps(asked).encode(), idempotency or f"key-{number}", person)
    return found if wait else replace(found, headers=(*found.headers, ("prefer", "respond-async")))


def doubled(number: int) -> HttpRequest:
    """A signed query that follows from the release of `query(number)`."""
    asked = {
        "licence": "L1",
        "scenario": "planning",
        "dataset": "clinic",
        "sql": sql(number).replace("COUNT(*)", "COUNT(*) * 2"),
        "spend": {"rho": RHO},
    }
    return signed("POST", "/v1/queries", json.dumps(asked).encode(), f"doubled-{number}", "li")


def batch(*numbers: int) -> HttpRequest:
    """A signed batch of such queries, which may be sent more than once."""
    asked = {
        "licence": "L1",
        "scenario": "planning",
        "dataset": "clinic",
        "queries": [sql(number) for number in numbers],
        "spend": {"rho": RHO},
    }
    return signed("POST", "/v1/queries:batch", json.dumps(asked).encode(), f"batch-{numbers}".replace(" ", ""))


def signed(
    method: str, path: str, body: bytes | None = None, idempotency: str | None = None, person: str = "li"
) -> HttpRequest:
    """A request as the gateway passes it on."""
    key, nonce = KEYS[person], os.urandom(16).hex()
    now = datetime.now(UTC)
    headers = sign(method, AUTHORITY, path, "", body, key, key_id(key.public_key()), idempotency, now, nonce)
    return HttpRequest(method, path, "", tuple((name.lower(), text) for name, text in headers.items()), body or b"")


def code_of(answer: HttpAnswer) -> str | None:
    """The code of a problem."""
    return str(json.loads(answer.body).get("code")) if answer.status >= 400 else None


class Gone(Exception):
    """The sandbox gave no whole answer."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway process."""

    port: int
    pid: int

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer over HTTP. Raises Gone."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(request.method, request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            return HttpAnswer(answer.status, answer.read(), tuple(answer.getheaders()))
        except (OSError, HTTPException):
            raise Gone from None
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.send(HttpRequest("GET", "/healthz", "", (), b"")).status == 200
        except Gone:
            return False

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class Deployment:
    """A state folder and who serves it, at one of its sockets."""

    def __init__(self, path: Path, parent: Starter, socket: str = "s", **settings: str) -> None:
        self.path = path
        self.socket = path / socket
        self._settings = settings
        self.state = StateFolder(path)
        self.pid = 0
        self._starter = parent
        self._log = path.parent / "log"
        self._log.touch()
        self._exports = count()

    def start(self, step: str | None = None, action: str = "die") -> None:
        """Serves, and returns when requests are answered. At `step` it takes an action of `tests.support.halting`."""
        self.launch(step, action)
        self.until(lambda: self.answers() or self.status is not None)
        assert self.status is None, self.said

    def launch(self, step: str | None = None, action: str = "die") -> None:
        """Serves, and returns at once."""
        self.pid = self._starter.serve(self.path, self.socket, self._log, step, action)

    @property
    def status(self) -> int | None:
        """How the sandbox ended."""
        return self._starter.status(self.pid)

    @property
    def said(self) -> str:
        """What all processes wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def answers(self) -> bool:
        try:
            return self.send(HttpRequest("GET", "/healthz", "", (), b"")).status == 200
        except Gone:
            return False

    def health(self) -> str:
        """What the sandbox says of itself."""
        return str(json.loads(self.send(HttpRequest("GET", "/healthz", "", (), b"")).body)["status"])

    def ended(self, status: int) -> None:
        """Returns when the sandbox has ended in this way, and every process with it."""
        self.until(lambda: self.status is not None)
        assert self.status == status, self.said
        self.until(lambda: not self._starter.left())

    def died(self) -> None:
        """It was killed."""
        self.ended(-signal.SIGKILL)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.died()

    def cut(self) -> None:
        """It is killed, while others go on."""
        os.kill(self.pid, signal.SIGKILL)
        self.until(lambda: self.status == -signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """It is told to stop, and does."""
        os.kill(self.pid, number)
        self.ended(0)

    def children(self, word: str) -> list[int]:
        """Descendants of the sandbox whose command line holds the word."""
        return [pid for pid in descendants(self.pid) if word in command_of(pid)]

    def workers(self) -> list[int]:
        return [pid for zygote in self.zygotes() for pid in descendants(zygote)]

    def confined(self) -> list[int]:
        """The workers, once each is confined: from then on it dies with the zygote."""

        def given_up(pid: int) -> bool:
            return "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")

        self.until(lambda: all(map(given_up, self.workers())))
        return self.workers()

    def zygotes(self) -> list[int]:
        """The zygote; its workers look like it."""
        return [pid for pid in children_of(self.pid) if "zygote" in command_of(pid)]

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer. Raises Gone."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE)
            try:
                connection.connect(str(self.socket))
                send_request(connection, request)
                return receive_answer(connection, 1 << 24)
            except (OSError, Fault, Refusal):
                raise Gone from None

    def send_all(self, requests: Sequence[HttpRequest]) -> list[HttpAnswer]:
        """The answers to requests that are all sent at the same time."""
        with ThreadPoolExecutor(len(requests)) as threads:
            return list(threads.map(self.send, requests))

    @contextmanager
    def asking(
        self, request: HttpRequest, send: Callable[[HttpRequest], HttpAnswer] | None = None
    ) -> Iterator[Callable[[], HttpAnswer]]:
        """Sends in the background, and goes on when the sandbox waits at its step; the call lets it go on."""
        reached, go = self.path.parent / "reached", self.path.parent / "go"
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(send or self.send, request)
            try:
                self.until(lambda: reached.exists() or (answer.done() and answer.result().status >= 400))
                assert reached.exists(), (answer.result(), self.said)

                def told() -> HttpAnswer:
                    go.touch()
                    return answer.result()

                yield told
            finally:
                go.touch()

    def connect(self) -> socket.socket:
        """A connection that says nothing yet."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_PATIENCE)
        connection.connect(str(self.socket))
        return connection

    def gateway(self) -> Gateway:
        """A gateway before the sandbox, answering."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        command = [sys.executable, "-m", "query_gateway", "--socket", str(self.socket)]
        found = Gateway(port, self._starter.run([*command, "--listen", f"127.0.0.1:{port}"], self._log))
        self.until(found.answers)
        return found

    @contextmanager
    def stuck(self, how: str) -> Iterator[None]:
        """The database takes no writes: it is `full` or `read-only`, or its files may not grow."""
        if how == "file size":
            before = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
            most = (self.path / "vitrine.db").stat().st_size
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (most, before[1]))
            yield
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, before)
        else:
            told = self.path.parent / how
            told.touch()
            yield
            told.unlink()

    def ordering(self, *words: str) -> subprocess.Popen[bytes]:
        """An operator's command, begun."""
        command = [sys.executable, "-m", "sandbox", *words, "--state", str(self.path)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def order(self, *words: str) -> None:
        """An operator's command, carried out."""
        assert self.ordering(*words).wait(_PATIENCE) == 0

    def descriptors(self) -> int:
        """How many the sandbox holds."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def configure(self, **settings: str | int) -> None:
        write_settings(self.path, {**SETTINGS, **self._settings, **settings})

    def beside(self) -> Deployment:
        """Another sandbox of the same state, at a socket of its own."""
        return Deployment(self.path, self._starter, "t", **self._settings)

    def read(self, look: Callable[[Connection], T]) -> T:
        engine = open_database(self.state.settings.database)
        try:
            with engine.connect() as connection:
                return look(connection)
        finally:
            engine.dispose()

    def charge(self, idempotency: str, person: str = "li") -> Charge | None:
        """What the ledger says of a request."""
        return self.read(lambda connection: find_by_idempotency_key(connection, person, idempotency))

    def accounts(self) -> dict[str, Account]:
        return {account.id: account for account in self.read(read_accounts)}

    def spent(self, licence: str = "L1") -> int:
        """Queries that a licence has paid."""
        rho = self.accounts()[f"licence:{licence}"].spent.rho or 0
        assert rho % (1 << 37) == 0
        return rho >> 37

    def acts(self) -> list[Act]:
        """The log's acts, in order."""
        return self.read(
            lambda connection: [decode(data).act for data in log.entries(connection, 0, log.size(connection))]
        )

    def audit(self) -> Report:
        """The offline report on the log as it stands: nothing is found, and no account paid less than was released."""
        directory = self.path.parent / f"export-{next(self._exports)}"
        commands.export_log(self.state, directory)
        report = verify(directory, self.state.log_public_key, self.state.bundle.department)
        assert report.findings == ()
        assert commands.check_database(self.state) == []
        accounts, said = self.accounts(), self.acts()
        released = {act.charge for act in said if isinstance(act, QueryReleased)}
        lost = dict.fromkeys(accounts, 0)
        for act in said:
            if isinstance(act, QueryAuthorized) and act.charge in released:
                for line in act.accounts:
                    lost[line.account] += line.loss.rho or 0
        for name, account in accounts.items():
            assert lost[name] <= (account.spent.rho or 0), name
        return report

    def until(self, come: Callable[[], bool]) -> None:
        """Waits for something that must come."""
        end = time.monotonic() + _PATIENCE
        while not come():
            assert time.monotonic() < end, self.said
            time.sleep(0.02)


@contextmanager
def deployed(template: Path, parent: Starter, **settings: str) -> Iterator[Deployment]:
    """A copy of a state folder, under a path short enough for a socket."""
    with TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "state"
        shutil.copytree(template, path)
        found = Deployment(path, parent, **settings)
        found.configure()
        try:
            yield found
        finally:
            for pid in parent.left():
                os.kill(pid, signal.SIGKILL)
            found.until(lambda: not parent.left())


@contextmanager
def made_state(**settings: str | int) -> Iterator[Path]:
    """A template for `deployed`."""
    with TemporaryDirectory(prefix="vt-") as folder:
        path = Path(folder) / "state"
        make_state(path, **settings)
        yield path
