"""Charges and stored releases as committed: what answers a retry, a look-up, a history and the recovery at start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select

from sandbox.audit.records import Actor, Amounts
from sandbox.ledger.accounts import Line
from sandbox.ledger.schema import accounts, charge_lines, charge_snapshots, charges, measured_relations, releases

MOST_REUSABLE = 8
"""Earlier relations that are looked at for one measure."""


class State(StrEnum):
    """Where a charge is in its life."""

    AUTHORIZED = "authorized"
    RELEASED = "released"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """What left under a charge."""

    charge: str
    """The charge that paid for it."""
    number: int
    """Of the query that it answers, from 0."""
    body: bytes
    """Canonical."""
    digest: str
    """SHA-256, hex."""
    leaf: int
    """That proves it."""


@dataclass(frozen=True, slots=True)
class StoredRelation:
    """What a measure of a charge gave."""

    number: int
    """The first query that reads it."""
    measure: str
    """Its name in the plan."""
    relation: str
    """Digest of what was measured, on which snapshots."""
    body: bytes
    digest: str
    """SHA-256 of the body, hex."""


@dataclass(frozen=True, slots=True)
class ReusableRelation:
    """A relation that a licence was released before."""

    charge: str
    release: str
    """Digest of the release."""
    authorization: int
    """Leaf of the charge that paid for it."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Charge:
    """One accepted request."""

    id: str
    actor: Actor
    licence: str
    idempotency_key: str
    request_digest: str
    request: bytes
    """The signed request as the broker wrote it down, to run it again."""
    identity: str
    state: State
    attempts: int
    """Runs begun again after the first."""
    follows: str | None
    """The charge of the same licence that paid, when this request is a repeat."""
    copies: str | None
    """The charge of another licence whose release answers this request."""
    authorized_at: int
    finished_at: int | None
    authorized_leaf: int
    final_leaf: int | None
    """The leaf that proves the release or the failure."""
    sandbox: int | None
    """Who runs it: the leaf of that sandbox's start. None: nobody, since an older version charged it."""

    @property
    def payer(self) -> str:
        """The charge under which the answer leaves."""
        return self.follows or self.id


# Statements of every request, made once: making one anew costs more than running it.
_BY_ID = select(charges).where(charges.c.id == bindparam("charge"))
_BY_KEY = select(charges).where(charges.c.person == bindparam("person"), charges.c.idempotency_key == bindparam("key"))
_PAYER = (
    select(charges)
    .where(
        charges.c.identity == bindparam("identity"),
        charges.c.licence == bindparam("licence"),
        charges.c.follows.is_(None),
        charges.c.state != State.FAILED,
    )
    .order_by(charges.c.authorized_leaf)
    .limit(1)
)
_RELEASES = select(releases).where(releases.c.charge == bindparam("charge")).order_by(releases.c.number)
_RELEASED_OF_ANY = (
    select(releases.c.charge)
    .join(charges, charges.c.id == releases.c.charge)
    .where(charges.c.identity == bindparam("identity"))
    .order_by(releases.c.leaf)
    .limit(1)
)
_MEASURED = (
    select(measured_relations)
    .where(measured_relations.c.charge == bindparam("charge"))
    .order_by(measured_relations.c.measure)
)
_REUSABLE = (
    select(measured_relations, releases.c.digest.label("release"), charges.c.authorized_leaf)
    .join(charges, charges.c.id == measured_relations.c.charge)
    .join(releases, and_(releases.c.charge == charges.c.id, releases.c.number == measured_relations.c.number))
    .where(measured_relations.c.relation == bindparam("relation"), charges.c.licence == bindparam("licence"))
    .order_by(charges.c.authorized_leaf.desc(), measured_relations.c.measure)
    .limit(MOST_REUSABLE)
)
_LINES = (
    select(charge_lines, accounts.c.notion)
    .join(accounts, accounts.c.id == charge_lines.c.account)
    .where(charge_lines.c.charge == bindparam("charge"))
    .order_by(charge_lines.c.account)
)
_SNAPSHOTS = (
    select(charge_snapshots)
    .where(charge_snapshots.c.charge == bindparam("charge"))
    .order_by(charge_snapshots.c.dataset)
)


def find_charge(connection: Connection, charge: str) -> Charge | None:
    """One charge."""
    return _one(connection.execute(_BY_ID, {"charge": charge}).one_or_none())


def find_by_idempotency_key(connection: Connection, person: str, key: str) -> Charge | None:
    """The request this person has sent under this idempotency key."""
    return _one(connection.execute(_BY_KEY, {"person": person, "key": key}).one_or_none())


def find_payer(connection: Connection, identity: str, licence: str) -> Charge | None:
    """The licence's own charge for the same query that was released, or is on its way (rule 8)."""
    return _one(connection.execute(_PAYER, {"identity": identity, "licence": licence}).one_or_none())


def find_releases(connection: Connection, charge: str) -> tuple[StoredRelease, ...]:
    """What left under this paying charge, in the order of its queries; nothing while it is on its way."""
    rows = connection.execute(_RELEASES, {"charge": charge})
    return tuple(StoredRelease(row.charge, row.number, row.body, row.digest, row.leaf) for row in rows)


def find_releases_of_any(connection: Connection, identity: str) -> tuple[StoredRelease, ...]:
    """The first releases of the same request under any licence."""
    charge = connection.scalar(_RELEASED_OF_ANY, {"identity": identity})
    return () if charge is None else find_releases(connection, charge)


def find_measured(connection: Connection, charge: str) -> tuple[StoredRelation, ...]:
    """What the measures of a release gave."""
    rows = connection.execute(_MEASURED, {"charge": charge})
    return tuple(StoredRelation(row.number, row.measure, row.relation, row.body, row.digest) for row in rows)


def find_reusable(connection: Connection, relation: str, licence: str) -> tuple[ReusableRelation, ...]:
    """The newest relations of these rows that the licence itself was released (rule 8)."""
    rows = connection.execute(_REUSABLE, {"relation": relation, "licence": licence})
    return tuple(ReusableRelation(row.charge, row.release, row.authorized_leaf, row.body) for row in rows)


def pending(connection: Connection) -> tuple[Charge, ...]:
    """Paying charges without an end, oldest first: run again at start."""
    query = (
        select(charges)
        .where(charges.c.state == State.AUTHORIZED, charges.c.follows.is_(None))
        .order_by(charges.c.authorized_leaf)
    )
    return tuple(_charge(row) for row in connection.execute(query))


def history(connection: Connection, person: str, limit: int) -> tuple[Charge, ...]:
    """The person's latest accepted requests, newest first."""
    query = select(charges).where(charges.c.person == person).order_by(charges.c.authorized_leaf.desc()).limit(limit)
    return tuple(_charge(row) for row in connection.execute(query))


def lines(connection: Connection, charge: str) -> tuple[Line, ...]:
    """What a charge took, in account id order; nothing for a repeat."""
    return tuple(
        Line(
            row.account,
            Amounts(None, 0, row.epsilon) if row.notion == "pure" else Amounts(row.rho, row.delta, None),
        )
        for row in connection.execute(_LINES, {"charge": charge})
    )


def snapshots_of(connection: Connection, charge: str) -> tuple[tuple[str, str], ...]:
    """(data set, snapshot id) that a charge was made for."""
    return tuple((row.dataset, row.snapshot) for row in connection.execute(_SNAPSHOTS, {"charge": charge}))


def _one(row: Row[Any] | None) -> Charge | None:
    return None if row is None else _charge(row)


def _charge(row: Row[Any]) -> Charge:
    return Charge(
        id=row.id,
        actor=Actor(row.institution, row.person, row.key_id),
        licence=row.licence,
        idempotency_key=row.idempotency_key,
        request_digest=row.request_digest,
        request=row.request,
        identity=row.identity,
        state=State(row.state),
        attempts=row.attempts,
        follows=row.follows,
        copies=row.copies,
        authorized_at=row.authorized_at,
        finished_at=row.finished_at,
        authorized_leaf=row.authorized_leaf,
        final_leaf=row.final_leaf,
        sandbox=row.sandbox,
    )
