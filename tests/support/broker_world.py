"""A broker and its door in this process, over a real ledger, registry and vault: the engine is one that is counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from policies.bundle import Bundle
from policies.cards import Budget
from policies.licence_files import sign_licence
from policies.rules import Role, packaged_rules
from query_gateway.client.signing import sign
from sandbox.audit import log
from sandbox.audit.encoding import decode
from sandbox.audit.entry import Entry, Header
from sandbox.audit.mark import Mark
from sandbox.broker import Broker
from sandbox.clock import milliseconds
from sandbox.datasets.dummies import Dummies
from sandbox.datasets.snapshot import Snapshots
from sandbox.datasets.vault import Vault
from sandbox.engines.duckdb import Session
from sandbox.frontend import Frontend
from sandbox.keys import key_id
from sandbox.ledger.accounts import read_accounts
from sandbox.ledger.database import migrate, open_database
from sandbox.ledger.writer import Writer
from sandbox.plan.limits import standard
from sandbox.queries.decisions import Decisions
from sandbox.queries.runs import Runs
from sandbox.queries.underway import UnderWay
from sandbox.registry import acts
from sandbox.registry.directory import Registry
from sandbox.serving.admission import Admission
from sandbox.serving.door import Door
from sandbox.serving.frames import HttpAnswer, HttpRequest
from sandbox.settings import Settings
from sandbox.workers.job import Job, Limits, Parts, Rows, Side
from sandbox.workers.pool import FailureKind, WorkerFailure
from tests.support.engine import load_as, loaded
from tests.support.log_keys import log_key
from tests.support.records import PEOPLE, SMALL, Records

T = TypeVar("T")

AUTHORITY = "sandbox.example"
LOG = log_key("vitrine.test/log", bytes(range(32)))
DEPARTMENT = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
BUDGET = Budget(Fraction(10**6), Fraction(1, 1000))
CARD, DOMAIN = replace(SMALL, budget=BUDGET), replace(PEOPLE, budget=BUDGET)
BUNDLE = Bundle({CARD.name: CARD}, {DOMAIN.name: DOMAIN}, packaged_rules(), DEPARTMENT.public_key(), "b" * 64)
DAY = 86_400_000
EVERYTHING = {
    "persons": ("pid", "性别", "birth_year", "income", "city"),
    "visits": ("visit_no", "pid", "科室", "日期", "费用", "emergency"),
    "drugs": ("visit_no", "药品", "packs"),
    "cities": ("code", "name_zh", "name_en", "population"),
}
ZCDP = 'notion = "zcdp"\n\n[budget]\nrho = "1000000"\ndelta = "1/1000000"'
PURE = 'notion = "pure"\n\n[budget]\nepsilon = "1000000"\ndelta = "0"'


def licence_text(
    name: str,
    terms: str = ZCDP,
    grants: Mapping[str, tuple[str, ...]] = EVERYTHING,
    term: tuple[str, str] = ("2020-01-01", "2120-01-01"),
) -> str:
    """A licence of the institution `clinic` for planning; what may be read, per table."""
    granted = "".join(
        f'[[grants]]\ndataset = "clinic"\ntable = "{table}"\ncolumns = {json.dumps(columns, ensure_ascii=False)}\n\n'
        for table, columns in grants.items()
    )
    return (
        f'id = "{name}"\ninstitution = "clinic"\nmode = "overall"\nagreement = "{"0" * 64}"\noutputs = ["query"]\n'
        f"not_before = {term[0]}T00:00:00Z\nnot_after = {term[1]}T00:00:00Z\n{terms}\n\n"
        '[[scenarios]]\nid = "planning"\ntitle = { en = "Planning", zh = "规划" }\n\n' + granted.rstrip() + "\n"
    )


def private_key(name: str) -> Ed25519PrivateKey:
    """The signing key of a person."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


@dataclass(slots=True)
class CountedEngine:
    """Runs jobs in this process and counts them per side."""

    runs: Counter[Side] = field(default_factory=Counter)

    def __call__(self, parts: Parts, side: Side, job: Job) -> Rows:
        self.runs[side] += 1
        paths = [(None if part.private is None else _path(part.private), _path(part.public)) for part in parts]
        return Session(paths, Limits(threads=1, megabytes=512)).run(job)


def failing(monkeypatch: pytest.MonkeyPatch, left: list[FailureKind]) -> None:
    """The next jobs fail in these ways, the last one first; what is left to fail stands in the list."""
    real = CountedEngine.__call__

    def run(engine: CountedEngine, parts: Parts, side: Side, job: Job) -> Rows:
        if left:
            raise WorkerFailure(left.pop())
        return real(engine, parts, side, job)

    monkeypatch.setattr(CountedEngine, "__call__", run)


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


@dataclass(frozen=True, slots=True)
class BrokerWorld:
    """The door, and what stands behind it."""

    door: Door
    engine: CountedEngine
    snapshot: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def broker(self) -> Broker:
        return self.door.broker

    def act(self, act: Callable[..., int], *words: object) -> None:
        """An act of the registry at the host's own terminal."""
        header = Header(milliseconds(), BUNDLE.digest, None, None)
        self.broker.writer.submit(lambda connection: act(connection, header, None, *words)).result()

    def add_person(self, person: str, institution: str, expires: int) -> None:
        """An analyst whose signing key is in force until then."""
        self.act(acts.add_person, person, institution, frozenset({Role.ANALYST}))
        self.act(acts.register_key, person, private_key(person).public_key(), expires)

    def issue(self, text: str) -> None:
        """Puts a licence in force."""
        self.act(acts.issue_licence, sign_licence(text, DEPARTMENT), DEPARTMENT.public_key())

    def read(self, look: Callable[[Connection], T]) -> T:
        with self.broker.engine.connect() as connection:
            return look(connection)

    def spent(self) -> dict[str, tuple[int | None, int, int | None]]:
        """ρ, δ and ε spent per account, in units."""
        found = self.read(read_accounts)
        return {each.id: (each.spent.rho, each.spent.delta, each.spent.epsilon) for each in found}

    def entries(self) -> list[Entry]:
        """The whole log."""
        return self.read(lambda connection: list(map(decode, log.entries(connection, 0, log.size(connection)))))

    def signed(
        self,
        body: bytes | None,
        path: str = "/v1/queries",
        *,
        person: str = "li",
        idempotency: str | None = None,
        nonce: str | None = None,
        at: datetime | None = None,
        parameters: str = "",
    ) -> HttpRequest:
        """A request as a client signs it; without a body, a GET."""
        number = next(self._numbers)
        method = "GET" if body is None else "POST"
        order = None if body is None else idempotency or f"order-{number}"
        key = private_key(person)
        headers = sign(
            method,
            AUTHORITY,
            path,
            parameters,
            body,
            key,
            key_id(key.public_key()),
            order,
            at or datetime.now(UTC),
            nonce or f"nonce-{number}",
        )
        lower = tuple((name.lower(), value) for name, value in headers.items())
        return HttpRequest(method, path, parameters, lower, body or b"")

    def ask(self, body: bytes | None, path: str = "/v1/queries", **words: Any) -> HttpAnswer:
        """What the door answers to a request."""
        return self.door.handle(self.signed(body, path, **words))


def query(sql: str, spend: Mapping[str, object], /, **changes: object) -> bytes:
    """The body of a query."""
    asked = {"licence": "L1", "scenario": "planning", "dataset": "clinic", "sql": sql, "spend": spend} | changes
    return json.dumps(asked, ensure_ascii=False).encode()


@contextmanager
def broker_world(
    folder: Path, records: Records, frontend: Callable[[Settings], Frontend], database: str | None = None
) -> Iterator[BrokerWorld]:
    """A world of its own: one data set, two analysts of one institution and one of another, three licences.

    Its database is SQLite's, but for another empty one that is given.
    """
    settings = Settings(
        authority=AUTHORITY,
        origin=LOG.name,
        socket=folder / "socket",
        database=database or f"sqlite:///{folder / 'vitrine.db'}",
        tick_milliseconds=10,
        row_nanoseconds=1,
        workers=1,
        worker_threads=1,
        worker_megabytes=512,
        worker_jobs=100,
        worker_seconds=30,
        free_seconds=30,
        frontends=1,
        connections=2,
        max_body=1 << 16,
        max_cells=2_000,
        requests_per_second=1_000_000,
        person_requests_per_minute=1_000_000,
        institution_requests_per_minute=1_000_000,
        person_requests_at_once=100,
        institution_requests_at_once=100,
        max_failures=100,
        without_layers="",
    )
    with ExitStack() as stack:
        front = frontend(settings)
        stack.callback(front.close)
        engine = open_database(settings.database)
        stack.callback(engine.dispose)
        migrate(engine)
        writer = Writer(engine, LOG, Mark.begin(folder / "log.mark", LOG))
        stack.callback(writer.close)
        snapshots = Snapshots(folder / "snapshots", Vault.create(folder / "vault"))
        stack.callback(snapshots.close)
        with loaded(CARD, records.files, **load_as(DOMAIN)) as found:
            assert found.findings == ()
            created = datetime.now(UTC)
            snapshot = snapshots.add(CARD, created, found.facts, found.private, found.public)
        dummies = Dummies(snapshots, BUNDLE.domains)
        stack.callback(dummies.close)
        under_way = UnderWay(2)
        stack.callback(under_way.close)
        counted = CountedEngine()
        registry = Registry(engine, DEPARTMENT.public_key())
        decisions = Decisions(settings, standard(settings.max_cells), BUNDLE, registry, snapshots, front)
        runs = Runs(settings, engine, writer, snapshots, counted, under_way, decisions, sandbox=0)
        broker = Broker(decisions, runs, dummies)
        world = BrokerWorld(Door(broker, LOG.public, Admission(settings)), counted, snapshot.id)
        _furnish(world)
        yield world


def _furnish(world: BrokerWorld) -> None:
    header = Header(milliseconds(), BUNDLE.digest, None, None)

    def start(connection: Connection) -> None:
        acts.start_service(connection, header, "0", "c" * 64)

    world.broker.writer.submit(start).result()
    people = {"li": "clinic", "wang": "clinic", "mallory": "elsewhere"}
    for institution in ("clinic", "elsewhere"):
        world.act(acts.add_institution, institution, institution.title())
    for person, institution in people.items():
        world.add_person(person, institution, milliseconds() + 365 * DAY)
    world.act(acts.load_dataset, CARD, DOMAIN, world.snapshot)
    for name, terms in (("L1", ZCDP), ("L2", ZCDP), ("P1", PURE)):
        world.issue(licence_text(name, terms))
