"""A registry and a ledger in a folder: one institution, two analysts, licences of 10 queries, one data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from policies.cards import Bounds
from policies.licence_files import sign_licence
from policies.rules import Role
from sandbox.audit import verify as audit
from sandbox.audit.entry import Header, QueryAuthorized, QueryRepeated, QueryReused, Read
from sandbox.audit.entry import Refused as RefusedAct
from sandbox.audit.export import export
from sandbox.audit.forms import joint_digest
from sandbox.audit.mark import Mark
from sandbox.audit.records import Actor, DatasetUse, MechanismUse, ReleaseUse, SignedRequest
from sandbox.keys import key_id
from sandbox.ledger import transactions
from sandbox.ledger.accounts import Account, read_accounts
from sandbox.ledger.charges import StoredRelation
from sandbox.ledger.database import migrate, open_database
from sandbox.ledger.nonces import Nonce
from sandbox.ledger.outcomes import (
    Authorized,
    ChargeRequest,
    Existing,
    Failed,
    Leaf,
    Logged,
    Outcome,
    Refused,
    Released,
    Reused,
)
from sandbox.ledger.writer import Writer
from sandbox.privacy.loss import Loss
from sandbox.registry import acts
from sandbox.registry.directory import Registry
from sandbox.registry.standing import Standing
from tests.support.cards import card, domain, integer, private, unit
from tests.support.log_keys import log_key

T = TypeVar("T")

LOG = log_key("vitrine.test/log", bytes(range(32)))
DEPARTMENT = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
KEYS = {name: Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()) for name in ("li", "wang")}
BUNDLE = "b" * 64
NOW = 1_790_000_000_000
"""In 2026."""
YEAR = 365 * 86_400_000
RHO, DELTA = 1 << 40, 1 << 20
LOSS = Loss(rho=RHO, delta=DELTA)
"""A tenth of a licence's budget."""
PEOPLE = domain("patients")
SQL = b"SELECT count(*) FROM visits"
_TABLE = private("visits", unit("pid"), integer("visits", 0, 200), path="pid", rows=5, bounds=Bounds(1, 5))
CARD = card("health", _TABLE, domain="patients")
"""Budgets of 1,000 queries' ρ."""

_TEXT = """id = "{id}"
institution = "clinic"
mode = "overall"
agreement = "{agreement}"
outputs = ["query"]
not_before = 2026-01-01T00:00:00Z
not_after = 2027-01-01T00:00:00Z
notion = "{notion}"

[budget]
{budget}

[[scenarios]]
id = "planning"
title = {{ en = "Planning", zh = "规划" }}

[[grants]]
dataset = "health"
table = "visits"
columns = ["visits"]
"""


def licence_file(name: str, notion: str = "zcdp", budget: str = 'rho = "10"\ndelta = "1/1000000"') -> bytes:
    return sign_licence(_TEXT.format(id=name, agreement="0" * 64, notion=notion, budget=budget), DEPARTMENT)


def sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class World:
    """The registry of `open_world` and what a broker would do with it."""

    def __init__(self, folder: Path, url: str | None = None, first: int = 1) -> None:
        """Without a URL the database is SQLite's, in the folder."""
        self.folder = folder
        self.engine = open_database(url or f"sqlite:///{folder / 'vitrine.db'}")
        migrate(self.engine)
        mark = folder / "log.mark"
        self.writer = Writer(self.engine, LOG, Mark(mark, LOG.public) if mark.exists() else Mark.begin(mark, LOG))
        self.registry = Registry(self.engine, DEPARTMENT.public_key())
        self._numbers = count(first)

    def close(self) -> None:
        self.writer.close()
        self.engine.dispose()

    def do(self, transaction: Callable[[Connection], T]) -> T:
        return self.writer.submit(transaction).result().value

    def act(self, act: Callable[..., int], *words: object) -> int:
        """An act of the registry at the host's own terminal; the index of its leaf."""
        return self.do(lambda connection: act(connection, self.header(), None, *words))

    def read(self, look: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return look(connection)

    def header(self, time: int = NOW, person: str | None = None, word: str = "") -> Header:
        if person is None:
            return Header(time, BUNDLE, None, None)
        signed = SignedRequest(sha("m"), sha("b"), sha("s") * 2, sha(word), sha(word))
        return Header(time, BUNDLE, Actor("clinic", person, key_id(KEYS[person].public_key())), signed)

    def nonce(self, person: str = "li", word: str | None = None) -> Nonce:
        return Nonce(key_id(KEYS[person].public_key()), word or f"nonce-{next(self._numbers)}")

    def request(
        self,
        query: str,
        *,
        licence: str = "L1",
        person: str = "li",
        idempotency: str | None = None,
        nonce: Nonce | None = None,
        loss: Loss = LOSS,
        time: int = NOW,
    ) -> ChargeRequest:
        """A decided request; the same query word is the same query."""
        number = next(self._numbers)
        nonce = nonce or self.nonce(person)
        known = self.registry.licence(licence)
        current = self.registry.snapshot("health")
        idempotency = idempotency or f"key-{number}"
        header = self.header(time, person, nonce.value)
        assert header.request is not None
        return ChargeRequest(
            id=f"request-{number}",
            header=replace(header, request=replace(header.request, message=sha(query), idempotency=sha(idempotency))),
            nonce=nonce,
            standing=Standing(
                institution="clinic",
                person=person,
                key_id=nonce.key_id,
                licence=licence,
                licence_digest=known.digest if known else "0" * 64,
                snapshots=(("health", current.id if current else sha("snapshot")),),
                bundle=BUNDLE,
            ),
            idempotency_key=idempotency,
            request_digest=sha(query),
            request=query.encode(),
            identity=sha("identity " + query),
            loss=loss,
            domains=("patients",),
            sandbox=0,
        )

    def authorize(self, request: ChargeRequest) -> Logged:
        return self.do(self.authorization(request))

    def authorization(
        self, request: ChargeRequest, sources: tuple[ReleaseUse, ...] = ()
    ) -> Callable[[Connection], Logged]:
        return lambda connection: transactions.authorize(
            connection, request, lambda outcome: leaf_of(request, outcome, sources)
        )

    def ask(self, query: str, **words: str) -> Logged:
        return self.authorize(self.request(query, **words))  # type: ignore[arg-type]

    def release(self, charge: str, body: bytes = b"{}", measured: tuple[StoredRelation, ...] = ()) -> Released | Failed:
        return self.do(self.releasing(charge, body, measured))

    def releasing(
        self, charge: str, body: bytes = b"{}", measured: tuple[StoredRelation, ...] = ()
    ) -> Callable[[Connection], Released | Failed]:
        return lambda connection: transactions.release(connection, charge, (body,), NOW + 1, measured)

    def fail(self, charge: str, max_failures: int = 100) -> Failed:
        return self.do(lambda connection: transactions.fail(connection, charge, NOW + 1, max_failures))

    def accounts(self) -> dict[str, Account]:
        return {account.id: account for account in self.read(read_accounts)}

    def spent(self) -> dict[str, int]:
        """ρ per account, in queries."""
        return {name: (account.spent.rho or 0) // RHO for name, account in self.accounts().items()}

    def audit(self, told: Sequence[str] = ()) -> audit.Report:
        """The offline verifier's report on the log as it stands, for one who was told these checkpoints."""
        directory = self.folder / f"export-{next(self._numbers)}"
        with self.engine.connect() as connection:
            export(connection, LOG.public, directory)
        return audit.verify(directory, LOG.public, DEPARTMENT.public_key(), told)


@contextmanager
def open_world(folder: Path, url: str | None = None) -> Iterator[World]:
    """A world of its own, in a database of its own."""
    world = World(folder, url)
    try:
        furnish(world)
        yield world
    finally:
        world.close()


def furnish(world: World) -> None:
    header = world.header()

    def registry(connection: Connection) -> None:
        acts.start_service(connection, header, "0", sha("configuration"))
        acts.add_institution(connection, header, None, "clinic", "Clinic")
        for name, key in KEYS.items():
            acts.add_person(connection, header, None, name, "clinic", frozenset({Role.ANALYST}))
            acts.register_key(connection, header, None, name, key.public_key(), NOW + YEAR)
        acts.load_dataset(connection, header, None, CARD, PEOPLE, sha("snapshot"))
        for name in ("L1", "L2"):
            acts.issue_licence(connection, header, None, licence_file(name), DEPARTMENT.public_key())

    world.do(registry)


def issue(world: World, file: bytes) -> None:
    world.act(acts.issue_licence, file, DEPARTMENT.public_key())


def leaf_of(request: ChargeRequest, outcome: Outcome, sources: tuple[ReleaseUse, ...] = ()) -> Leaf:
    """What a broker writes in the log; `sources` are what the answer was computed from."""
    standing = request.standing
    use = DatasetUse("health", standing.snapshots[0][1], sha("card"), 1)
    match outcome:
        case Authorized(charge=charge, accounts=accounts, copies=copies):
            loss = accounts[0].loss
            used = MechanismUse("m1", "s1", "discrete_gaussian", "1", "l2", "1", None, loss)
            act = QueryAuthorized(
                charge=charge,
                licence=standing.licence,
                licence_file=standing.licence_digest,
                scenario="planning",
                datasets=(use,),
                sql=sha256(SQL).hexdigest(),
                plan=sha("plan"),
                queries=1,
                rules=("permit",),
                accounts=accounts,
                mechanisms=() if copies else (used,),
                opendp="0",
                features=("contrib",),
            )
            return Leaf(act, (SQL,))
        case Reused(charge, accounts, computed):
            act_ = QueryReused(
                charge=charge,
                licence=standing.licence,
                licence_file=standing.licence_digest,
                scenario="planning",
                datasets=(use,),
                sql=sha256(SQL).hexdigest(),
                plan=sha("plan"),
                rules=("permit",),
                accounts=accounts,
                sources=sources,
                release=joint_digest(computed),
            )
            return Leaf(act_, (SQL,))
        case Existing(charge=found, releases=releases, repeat=True):
            digest = joint_digest([each.digest for each in releases]) if releases else None
            sql = sha256(SQL).hexdigest()
            return Leaf(QueryRepeated(standing.licence, "planning", found.authorized_leaf, digest, sql), (SQL,))
        case Existing(charge=found):
            return Leaf(Read("query", found.id))
        case Refused(refusal=refusal):
            return Leaf(RefusedAct("query", refusal.code, (), standing.licence, None))


def charge_of(logged: Logged) -> str:
    """The id of the charge that was made."""
    assert isinstance(logged.outcome, Authorized), logged.outcome
    return logged.outcome.charge


def code_of(logged: Logged) -> str:
    """The code of the refusal."""
    assert isinstance(logged.outcome, Refused), logged.outcome
    return logged.outcome.refusal.code
