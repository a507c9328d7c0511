"""The ledger's transactions: each is one function of the writer's connection, whole or not at all.

Money first: `authorize` charges before data are touched, nothing is refunded, and every act writes exactly one leaf in
the transaction that consumes its nonce.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from sqlalchemy import Connection, bindparam, func, select, update

from sandbox.audit.entry import Entry, FailureCause, Header, QueryFailed, QueryReleased
from sandbox.audit.log import append
from sandbox.audit.records import AccountCharge, AccountKind, Actor
from sandbox.audit.registry_acts import LicenceSuspended
from sandbox.errors import Fault, Refusal
from sandbox.ledger.accounts import Line, charge, lines_of, require_room, unchanged
from sandbox.ledger.charges import (
    Charge,
    State,
    StoredRelation,
    StoredRelease,
    find_by_idempotency_key,
    find_charge,
    find_measured,
    find_payer,
    find_releases,
    find_releases_of_any,
    snapshots_of,
)
from sandbox.ledger.nonces import Nonce, consume
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
from sandbox.ledger.schema import charge_lines, charge_snapshots, charges, measured_relations, releases
from sandbox.registry.schema import bundles, licences
from sandbox.registry.standing import (
    require_licence,
    require_releasable,
    require_signer,
    require_versions,
)

MAX_ATTEMPTS = 3
"""How often a charge is run again after the first run was stopped from outside."""

# Statements of every request, made once: making one anew costs more than running it.
_INSERT_CHARGE, _INSERT_LINES, _INSERT_SNAPSHOTS = charges.insert(), charge_lines.insert(), charge_snapshots.insert()
_INSERT_RELEASE, _INSERT_MEASURED = releases.insert(), measured_relations.insert()
_END = (
    update(charges)
    .where(charges.c.id == bindparam("charge"))
    .values({name: bindparam(name) for name in ("state", "finished_at", "final_leaf", "incident")})
)
_END_FOLLOWERS = (
    update(charges)
    .where(charges.c.follows == bindparam("charge"), charges.c.state == State.AUTHORIZED)
    .values({name: bindparam(name) for name in ("state", "finished_at", "final_leaf")})
)
_BUNDLE = select(bundles.c.digest).where(bundles.c.state == "current")


def authorize(connection: Connection, request: ChargeRequest, leaf: Callable[[Outcome], Leaf]) -> Logged:
    """The nonce is used, state read again, and the request charged, answered with what was computed, found again, or
    refused; one leaf says which.

    Refuses: identity.replayed (no act, no leaf). All other refusals are an outcome: identity.*, licence.*, dataset.*,
    state.changed, request.idempotency_conflict, budget.exhausted.
    """
    consume(connection, request.nonce)
    outcome = _outcome(connection, request)
    said = leaf(outcome)
    index = append(connection, Entry(request.header, said.act), said.bodies)
    match outcome:
        case Authorized(accounts=accounts, copies=copies):
            _insert(connection, request, index, State.AUTHORIZED, copies=copies[0].charge if copies else None)
            _insert_lines(connection, request, accounts)
        case Reused(accounts=accounts) if request.computed is not None:
            _insert(connection, request, index, State.RELEASED)
            _insert_lines(connection, request, accounts)
            for number, body in enumerate(request.computed.bodies):
                connection.execute(_INSERT_RELEASE, _row(_stored(request.id, number, body, index)))
        case Existing(repeat=True, charge=paid, releases=released):
            state = State.RELEASED if released else State.AUTHORIZED
            _insert(connection, request, index, state, follows=paid.id)
    return Logged(outcome, index)


def note(connection: Connection, nonce: Nonce, header: Header, leaf: Leaf) -> int:
    """The act that charges nothing (a refusal, an estimate, something read) stands in the log; the index of its leaf.

    Refuses: identity.replayed.
    """
    consume(connection, nonce)
    return append(connection, Entry(header, leaf.act), leaf.bodies)


def begin_attempt(connection: Connection, charge_id: str, at: int) -> Failed | None:
    """The charge may be run again under its own price; at the fourth time it fails."""
    found = _open_charge(connection, charge_id)
    if found.attempts >= MAX_ATTEMPTS:
        return _end_without_answer(connection, found, at, FailureCause.ATTEMPTS, None)
    connection.execute(update(charges).where(charges.c.id == found.id).values(attempts=found.attempts + 1))
    return None


def release(
    connection: Connection, charge_id: str, bodies: tuple[bytes, ...], at: int, measured: tuple[StoredRelation, ...]
) -> Released | Failed:
    """The releases' canonical bytes are stored, each with its leaf, and may leave after the commit: all or none.
    With them the relations that were `measured`, or those of the charge that is copied.

    Withheld, and the charge failed, when licence or key was suspended or revoked or the data withdrawn since the
    charge. A charge that another run has released before keeps its releases.
    """
    found = _charge(connection, charge_id)
    if found.state is State.RELEASED and found.follows is None:
        return Released(find_releases(connection, found.id))
    _require_open(found)
    digests = tuple(sha256(body).hexdigest() for body in bodies)
    kept = measured
    if found.copies is not None:
        if tuple(each.digest for each in find_releases(connection, found.copies)) != digests:
            raise Fault("the release is not the one that is copied")
        kept = find_measured(connection, found.copies)
    who = found.actor
    try:
        require_releasable(
            connection, who.institution, who.person, who.key, found.licence, snapshots_of(connection, found.id)
        )
    except Refusal as refusal:
        return _end_without_answer(connection, found, at, FailureCause.WITHHELD, refusal)
    stored = []
    for number, (body, digest) in enumerate(zip(bodies, digests, strict=True)):
        relations = tuple(each.digest for each in kept if each.number == number)
        act = QueryReleased(found.id, found.authorized_leaf, number, found.request_digest, digest, relations)
        index = append(connection, Entry(_header(connection, at, who), act))
        stored.append(StoredRelease(found.id, number, body, digest, index))
        connection.execute(_INSERT_RELEASE, _row(stored[-1]))
    if kept:
        connection.execute(_INSERT_MEASURED, [_measured_row(found.id, each) for each in kept])
    _end(connection, found.id, State.RELEASED, at, stored[-1].leaf, incident=False)
    return Released(tuple(stored))


def give_up(connection: Connection, charge_id: str, at: int) -> Failed:
    """The charge of a query that reads public tables alone, and lost nothing, ends without an answer."""
    return _end_without_answer(connection, _open_charge(connection, charge_id), at, FailureCause.PUBLIC, None)


def fail(connection: Connection, charge_id: str, at: int, max_failures: int) -> Failed:
    """The charge ends as an incident and stands; the licence is suspended for review when incidents of it on one of
    the data sets reach `max_failures` (rule 2)."""
    found = _open_charge(connection, charge_id)
    failed = _end_without_answer(connection, found, at, FailureCause.INCIDENT, None)
    if _incidents(connection, found) >= max_failures:
        changed = connection.execute(
            update(licences)
            .where(licences.c.id == found.licence, licences.c.state == "active")
            .values(state="suspended")
        )
        if changed.rowcount == 1:
            append(connection, Entry(_header(connection, at, None), LicenceSuspended(found.licence)))
    return failed


def withhold(connection: Connection, charge_id: str, at: int) -> Failed:
    """The charge ends without an answer and stands."""
    return _end_without_answer(connection, _open_charge(connection, charge_id), at, FailureCause.WITHHELD, None)


def _outcome(connection: Connection, request: ChargeRequest) -> Outcome:
    try:
        with connection.begin_nested():
            return _decide(connection, request)
    except Refusal as refusal:
        return Refused(refusal)


def _decide(connection: Connection, request: ChargeRequest) -> Authorized | Reused | Existing:
    standing, at = request.standing, request.header.time
    require_signer(connection, standing.institution, standing.person, standing.key_id, at)
    require_licence(connection, standing.licence, standing.licence_digest, standing.institution, at)
    sent = find_by_idempotency_key(connection, standing.person, request.idempotency_key)
    if sent is not None:
        if sent.request_digest != request.request_digest:
            raise Refusal("request.idempotency_conflict")
        return Existing(sent, find_releases(connection, sent.payer), repeat=False)
    require_versions(connection, standing)
    found = [request.identity, *([] if request.computed is None else [request.computed.identity])]
    for identity in found:
        paid = find_payer(connection, identity, standing.licence)
        if paid is not None:
            return Existing(paid, find_releases(connection, paid.id), repeat=True)
    if request.computed is not None:
        digests = tuple(sha256(body).hexdigest() for body in request.computed.bodies)
        return Reused(request.id, (unchanged(connection, standing.licence),), digests)
    copies = find_releases_of_any(connection, request.identity)
    datasets = tuple(dataset for dataset, _ in standing.snapshots)
    lines = lines_of(request.loss, standing.licence, datasets, request.domains)
    taken = []
    for line in lines:  # in one order, and refused where a fresh query would be, so that nothing is learned (rule 8)
        if not copies or _own(line):
            taken.append(charge(connection, line))
        else:
            require_room(connection, line)
    return Authorized(request.id, tuple(taken), copies)


def _own(line: Line) -> bool:
    return line.kind is AccountKind.LICENCE


def _insert(
    connection: Connection,
    request: ChargeRequest,
    leaf: int,
    state: State,
    *,
    follows: str | None = None,
    copies: str | None = None,
) -> None:
    standing = request.standing
    ended = state is not State.AUTHORIZED
    connection.execute(
        _INSERT_CHARGE,
        {
            "id": request.id,
            "institution": standing.institution,
            "person": standing.person,
            "key_id": standing.key_id,
            "licence": standing.licence,
            "idempotency_key": request.idempotency_key,
            "request_digest": request.request_digest,
            "request": request.request,
            "identity": request.identity if request.computed is None else request.computed.identity,
            "state": state.value,
            "follows": follows,
            "copies": copies,
            "authorized_at": request.header.time,
            "finished_at": request.header.time if ended else None,
            "authorized_leaf": leaf,
            "final_leaf": leaf if ended else None,
            "sandbox": request.sandbox,
        },
    )
    connection.execute(
        _INSERT_SNAPSHOTS,
        [{"charge": request.id, "dataset": dataset, "snapshot": snapshot} for dataset, snapshot in standing.snapshots],
    )


def _insert_lines(connection: Connection, request: ChargeRequest, accounts: tuple[AccountCharge, ...]) -> None:
    connection.execute(
        _INSERT_LINES,
        [
            {
                "charge": request.id,
                "account": line.account,
                "rho": line.loss.rho or 0,
                "delta": line.loss.delta,
                "epsilon": line.loss.epsilon or 0,
            }
            for line in accounts
        ],
    )


def _stored(charge: str, number: int, body: bytes, leaf: int) -> StoredRelease:
    return StoredRelease(charge, number, body, sha256(body).hexdigest(), leaf)


def _row(release: StoredRelease) -> dict[str, object]:
    return {
        "charge": release.charge,
        "number": release.number,
        "body": release.body,
        "digest": release.digest,
        "leaf": release.leaf,
    }


def _measured_row(charge: str, found: StoredRelation) -> dict[str, object]:
    return {
        "charge": charge,
        "measure": found.measure,
        "number": found.number,
        "relation": found.relation,
        "body": found.body,
        "digest": found.digest,
    }


def _end_without_answer(
    connection: Connection, found: Charge, at: int, cause: FailureCause, refusal: Refusal | None
) -> Failed:
    act = QueryFailed(charge=found.id, authorization=found.authorized_leaf, cause=cause)
    index = append(connection, Entry(_header(connection, at, found.actor), act))
    _end(connection, found.id, State.FAILED, at, index, incident=cause is FailureCause.INCIDENT)
    return Failed(index, refusal)


def _end(connection: Connection, charge_id: str, state: State, at: int, leaf: int, *, incident: bool) -> None:
    """The charge and the repeats that wait for it."""
    ended = {"charge": charge_id, "state": state.value, "finished_at": at, "final_leaf": leaf}
    connection.execute(_END, {**ended, "incident": incident})
    connection.execute(_END_FOLLOWERS, ended)


def _incidents(connection: Connection, found: Charge) -> int:
    """The most incidents of the licence on one of the charge's data sets."""
    names = [dataset for dataset, _ in snapshots_of(connection, found.id)]
    counts = connection.execute(
        select(func.count())
        .select_from(charges)
        .join(charge_snapshots, charge_snapshots.c.charge == charges.c.id)
        .where(charges.c.licence == found.licence, charges.c.incident, charge_snapshots.c.dataset.in_(names))
        .group_by(charge_snapshots.c.dataset)
    ).scalars()
    return max(counts, default=0)


def _charge(connection: Connection, charge_id: str) -> Charge:
    found = find_charge(connection, charge_id)
    if found is None:
        raise Fault("no such charge")
    return found


def _open_charge(connection: Connection, charge_id: str) -> Charge:
    found = _charge(connection, charge_id)
    _require_open(found)
    return found


def _require_open(found: Charge) -> None:
    if found.state is not State.AUTHORIZED or found.follows is not None:
        raise Fault("the charge has ended")


def _header(connection: Connection, at: int, actor: Actor | None) -> Header:
    bundle = connection.scalar(_BUNDLE)
    if bundle is None:
        raise Fault("no policy bundle is in force")
    return Header(time=at, bundle=bundle, actor=actor, request=None)
