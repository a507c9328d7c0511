"""All that anybody outside of the sandbox sees of a world, as bytes that two worlds can be compared by.

Two things may tell neighbouring databases apart: noise, and digests under the vault's keys. Here both are functions of
what is public, as if the noise of one world made up for the records of the other. Clock and random numbers stand still.
Whatever differs then is a leak.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import opendp.mod
import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from starlette.testclient import TestClient

from query_gateway.app import GatewaySettings, create_app
from sandbox import broker, clock
from sandbox.audit import checkpoint, log
from sandbox.audit.cosignature import cosign
from sandbox.audit.export import export
from sandbox.audit.notes import Signature
from sandbox.audit.tree_head import Checkpoint
from sandbox.datasets.snapshot import Snapshot, Snapshots, _to_json
from sandbox.engines.duckdb import Session
from sandbox.errors import VitrineError
from sandbox.ledger import writer
from sandbox.ledger.reconciliation import differences
from sandbox.privacy import mechanisms
from sandbox.privacy.keys import Key, Totals
from sandbox.queries import execution
from sandbox.serving import door, operator_log
from sandbox.serving.door import refused
from sandbox.serving.server import Server
from sandbox.workers.job import Job, Limits, Parts, Rows, Side
from tests.support import broker_world as worlds
from tests.support.answers import InProcess
from tests.support.broker_world import LOG, BrokerWorld, broker_world
from tests.support.records import Records

View: TypeAlias = dict[str, object]
"""By the name of what is seen."""
Headers: TypeAlias = Mapping[str, str]
EMPTY: Headers = {}
NOW = datetime(2026, 11, 25, tzinfo=UTC)


class _Now(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


@contextmanager
def standing_still(released: frozenset[Key]) -> Iterator[pytest.MonkeyPatch]:
    """Within, noise leaves what is a function of the measurement alone; of private keys these are released."""
    with pytest.MonkeyPatch.context() as patch:
        numbers = count(1)
        patch.setattr(clock, "time", SimpleNamespace(time_ns=lambda: round(NOW.timestamp()) * 10**9))
        patch.setattr(writer, "_SOON", 1e6)  # no checkpoint comes by the time that passes
        for module in (door, worlds):
            patch.setattr(module, "datetime", _Now)
        for module, name, source in ((door, "token_hex", "trace"), (broker, "token_hex", "charge")):
            patch.setattr(module, name, _tokens(source))
        patch.setattr(log, "token_bytes", lambda size: sha256(f"salt {next(numbers)}".encode()).digest()[:size])
        patch.setattr(checkpoint, "cosign", _cosigned)
        patch.setattr(Snapshots, "_digest", lambda *_: "0" * 64)
        patch.setattr(Snapshots, "_identity", lambda _, found: plain_name(replace(found, private="0", public="0")))
        for name in ("_built", "_built_selection"):
            patch.setattr(mechanisms, name, _public(getattr(mechanisms, name)))
        patch.setattr(execution, "measure", _measured(mechanisms.measure, released, patch))
        yield patch


_cosign = cache(cosign)


def _cosigned(head: Checkpoint, name: str, key: MLDSA44PrivateKey, *, at: int) -> Signature:
    """The same for the same tree head, though signing draws random numbers of its own."""
    return _cosign(head, name, key, at=at)


def plain_name(found: Snapshot) -> str:
    """A name that anybody could make who knows what is in the manifest."""
    return sha256(_to_json(replace(found, id=""))).hexdigest()


def _tokens(source: str) -> Callable[[int], str]:
    numbers = count(1)
    return lambda size: sha256(f"{source} {next(numbers)}".encode()).hexdigest()[: 2 * size]


class _Public:
    """A mechanism that states its loss as it does, and gives what its scale and the place of a total decide."""

    def __init__(self, built: opendp.mod.Measurement, scale: float, *, chooses: bool) -> None:
        self.map = built.map
        self._scale = scale
        self._chooses = chooses

    def __call__(self, values: Sequence[int]) -> list[int] | int:
        if self._chooses:
            return _number(self._scale, 0) % len(values)
        return [_number(self._scale, place) for place in range(len(values))]


def _public(build: Callable[..., opendp.mod.Measurement]) -> Callable[..., _Public]:
    chooses = build is mechanisms._built_selection
    return lambda noise, scale: _Public(build(noise, scale), scale, chooses=chooses)


def _number(scale: float, place: int) -> int:
    return 1000 + int.from_bytes(sha256(f"{scale} {place}".encode()).digest()[:2])


def _measured(
    measure: Callable[..., Totals], released: frozenset[Key], patch: pytest.MonkeyPatch
) -> Callable[..., Totals]:
    """`measure` with a threshold that only the keys given pass."""

    def found(steps: Sequence[mechanisms.Measurement], exact: Totals, ran: list[mechanisms.Invocation]) -> Totals:
        places = sorted(place for place, key in enumerate(exact.keys) if key in released)

        def surviving(step: mechanisms.Measurement, _: object, counts: Mapping[int, int]) -> dict[int, int]:
            return {place: _number(step.scale, n) for n, place in enumerate(places) if place in counts}

        patch.setattr(mechanisms, "_surviving", surviving)
        return measure(steps, exact, ran)

    return found


@dataclass
class Watched:
    """A world behind its gateway, and what has been seen of it."""

    world: BrokerWorld
    http: TestClient
    folder: Path
    seen: View = field(default_factory=dict)
    jobs: list[object] = field(default_factory=list)
    failing: VitrineError | None = None
    """Raised in place of the rows of every job with private ones."""
    open: threading.Event = field(default_factory=threading.Event)
    """No private job runs while it is not set."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _sessions: dict[Parts, Session] = field(default_factory=dict)

    def run(self, parts: Parts, side: Side, job: Job) -> Rows:
        """What the broker asks its workers is seen by nobody outside; it is compared because it decides how long they
        take."""
        self.jobs.append((side, job))
        if side is Side.PRIVATE:
            self.open.wait()
            if self.failing is not None:
                raise self.failing
        self.world.engine.runs[side] += 1
        if parts not in self._sessions:
            paths = [(None if part.private is None else _path(part.private), _path(part.public)) for part in parts]
            self._sessions[parts] = Session(paths, Limits(threads=1, megabytes=512))
        return self._sessions[parts].run(job)

    def ask(self, body: bytes | None, path: str = "/v1/queries", *, headers: Headers = EMPTY, **words: Any) -> Any:
        """The answer as JSON, where it is; what came over HTTP is seen."""
        signed = self.world.signed(body, path, at=NOW, **words)
        target = f"{signed.path}?{signed.query}" if signed.query else signed.path
        answer = self.http.request(
            signed.method, target, content=signed.body, headers={**dict(signed.headers), **headers}
        )
        name = f"{next(self._numbers):03} {signed.method} {target} {signed.body.decode()[:400]}"
        self.seen[name] = (answer.status_code, sorted(answer.headers.items()), answer.content)
        return json.loads(answer.content) if "json" in answer.headers["content-type"] else answer.text

    def end(self) -> View:
        """And what is left when all was asked."""
        with self.world.broker.engine.begin() as connection:
            export(connection, LOG.public, self.folder / "exported")
            assert differences(connection, LOG.public, worlds.DEPARTMENT.public_key()) == []
        exported = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted((self.folder / "exported").rglob("*"))
            if path.is_file()
        }
        files = {
            str(path.relative_to(self.folder)): 0 if path.name == "private.sealed" else path.stat().st_size
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.name.startswith("vitrine.db")
        }
        with sqlite3.connect(self.folder / "vitrine.db") as database:
            rows = list(database.iterdump())
        metrics = self.http.get("/metrics").text.splitlines()
        counted = [line for line in metrics if not any(word in line for word in ("_created", "_bucket", "_sum"))]
        self.seen |= {"the exported log": exported, "files": files, "the database": rows, "jobs": self.jobs}
        return self.seen | {"metrics": counted, "runs": self.world.engine.runs}


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


@contextmanager
def watched(folder: Path, records: Records) -> Iterator[Watched]:
    """A world with its gateway in front."""
    folder.mkdir()
    with ExitStack() as stack:
        world = stack.enter_context(broker_world(folder, records, lambda _: InProcess()))
        server = Server(folder / "door", world.door.handle, refused, connections=2, max_body=1 << 16)
        thread = threading.Thread(target=server.serve)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.close)
        app = create_app(GatewaySettings(folder / "door", max_body=1 << 16, connections=2, answer_seconds=60))
        http = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        found = Watched(world, http, folder)
        found.open.set()
        stack.callback(found.open.set)
        object.__setattr__(world.broker.runs, "run", found.run)
        found.seen["the operator's log"] = stack.enter_context(_operators_log())
        yield found


@contextmanager
def _operators_log() -> Iterator[list[str]]:
    """Its lines, whoever writes them, without their time."""
    lines = list[str]()
    root = logging.getLogger()

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith(("httpx", "asyncio")):
                lines.append(json.dumps(json.loads(operator_log._Line().format(record)) | {"timestamp": ""}))

    kept, level = Kept(), root.level
    root.addHandler(kept)
    root.setLevel(logging.INFO)
    yield lines
    root.setLevel(level)
    root.removeHandler(kept)


def view(
    folder: Path,
    records: Records,
    released: frozenset[Key],
    act: Callable[[Watched], None],
    plant: Callable[[pytest.MonkeyPatch], None] | None = None,
) -> View:
    """What is seen of a world in which this is done; with a leak planted in it, where one is to be found."""
    with standing_still(released) as patch:
        if plant is not None:
            plant(patch)
        with watched(folder, records) as found:
            act(found)
            return found.end()


def difference(one: View, other: View) -> list[str]:
    """Names of what is not the same, to the last byte."""
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]
