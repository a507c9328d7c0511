"""What changes the registry: each act is one transaction of the writer with one leaf in the log.

An act asked for by a signed request carries its nonce; one at the host's own terminal has none. Whether the actor may
do it was decided before, by the rules.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Column, ColumnElement, Connection, Row, Table, func, select, update

from policies.canonical import card_to_json
from policies.cards import DatasetCard
from policies.domains import UnitDomain
from policies.licence_files import licence_digest, read_licence
from policies.rules import Role, State
from sandbox.audit.entry import (
    AccountLimited,
    Act,
    DatasetDestroyed,
    DatasetLoaded,
    DatasetWithdrawn,
    Entry,
    Header,
    ServiceStarted,
    ServiceStopped,
    StateRestored,
    VaultRotated,
)
from sandbox.audit.log import append
from sandbox.audit.records import AccountKind, Amounts
from sandbox.audit.registry_acts import (
    InstitutionAdded,
    InstitutionRevoked,
    KeyRegistered,
    KeyRevoked,
    LicenceIssued,
    LicenceResumed,
    LicenceRevoked,
    LicenceSuspended,
    PersonAdded,
    PersonRevoked,
)
from sandbox.errors import Refusal
from sandbox.keys import key_id
from sandbox.ledger.accounts import account_id, budget_limit, change_limit, licence_limit, open_account
from sandbox.ledger.nonces import Nonce, consume, purge
from sandbox.registry.schema import bundles, datasets, institutions, keys, licences, people, snapshots


def start_service(connection: Connection, header: Header, version: str, configuration: str) -> int:
    """The service has started and the policy bundle of the header is the one in force."""
    connection.execute(update(bundles).where(bundles.c.digest != header.bundle).values(state="superseded"))
    if _exists(connection, bundles.c.digest, header.bundle):
        connection.execute(update(bundles).where(bundles.c.digest == header.bundle).values(state="current"))
    else:
        connection.execute(bundles.insert().values(digest=header.bundle, state="current", adopted_at=header.time))
    return _log(connection, header, None, ServiceStarted(version, configuration))


def stop_service(connection: Connection, header: Header, version: str) -> int:
    """The service is stopping."""
    return _log(connection, header, None, ServiceStopped(version))


def add_institution(connection: Connection, header: Header, nonce: Nonce | None, institution: str, name: str) -> int:
    """The institution is registered.

    Refuses: registry.exists.
    """
    _require_new(connection, institutions.c.id, institution)
    connection.execute(institutions.insert().values(id=institution, name=name, added_at=header.time))
    return _log(connection, header, nonce, InstitutionAdded(institution, name))


def add_person(
    connection: Connection,
    header: Header,
    nonce: Nonce | None,
    person: str,
    institution: str,
    roles: frozenset[Role],
) -> int:
    """The person is registered with these roles.

    Refuses: registry.exists, registry.unknown, registry.state.
    """
    _require_new(connection, people.c.id, person)
    _require_in_force(connection, institutions, institution)
    names = tuple(sorted(role.value for role in roles))
    connection.execute(
        people.insert().values(id=person, institution=institution, roles=" ".join(names), added_at=header.time)
    )
    return _log(connection, header, nonce, PersonAdded(person, institution, names))


def revoke_institution(connection: Connection, header: Header, nonce: Nonce | None, institution: str) -> int:
    """The institution, its people and their signing keys act no more, from before the next release leaves.

    Refuses: registry.unknown, registry.state.
    """
    _require_in_force(connection, institutions, institution)
    _revoke(connection, header, institutions.c.id == institution, people.c.institution == institution)
    return _log(connection, header, nonce, InstitutionRevoked(institution))


def revoke_person(connection: Connection, header: Header, nonce: Nonce | None, person: str) -> int:
    """The person and their signing keys act no more, from before the next release leaves.

    Refuses: registry.unknown, registry.state.
    """
    row = _require_in_force(connection, people, person)
    _revoke(connection, header, None, people.c.id == person)
    return _log(connection, header, nonce, PersonRevoked(person, row.institution))


def register_key(
    connection: Connection,
    header: Header,
    nonce: Nonce | None,
    person: str,
    public: Ed25519PublicKey,
    expires_at: int,
) -> int:
    """The person signs with this key until it expires. A key is registered once, for one person, for ever.

    Refuses: registry.exists, registry.unknown, registry.state.
    """
    identifier = key_id(public)
    _require_in_force(connection, people, person)
    _require_new(connection, keys.c.id, identifier)
    if expires_at <= header.time:
        raise Refusal("registry.state", {"what": identifier, "state": "expired"})
    raw = public.public_bytes_raw()
    connection.execute(
        keys.insert().values(id=identifier, person=person, public=raw, registered_at=header.time, expires_at=expires_at)
    )
    purge(connection, header.time)
    return _log(connection, header, nonce, KeyRegistered(identifier, person, raw.hex(), expires_at))


def revoke_key(connection: Connection, header: Header, nonce: Nonce | None, identifier: str) -> int:
    """The key signs nothing from now on.

    Refuses: registry.unknown, registry.state.
    """
    row = connection.execute(select(keys.c.person, keys.c.revoked_at).where(keys.c.id == identifier)).one_or_none()
    if row is None:
        raise Refusal("registry.unknown", {"what": identifier})
    if row.revoked_at is not None:
        raise Refusal("registry.state", {"what": identifier, "state": State.REVOKED})
    connection.execute(update(keys).where(keys.c.id == identifier).values(revoked_at=header.time))
    return _log(connection, header, nonce, KeyRevoked(identifier, row.person))


def issue_licence(
    connection: Connection, header: Header, nonce: Nonce | None, file: bytes, department: Ed25519PublicKey
) -> int:
    """The licence the department signed is in force, with an account of its own.

    Refuses: PolicyError, registry.exists, registry.unknown, budget.too_large.
    """
    licence = read_licence(file, department)
    _require_new(connection, licences.c.id, licence.id)
    _require_in_force(connection, institutions, licence.institution)
    digest = licence_digest(file)
    connection.execute(
        licences.insert().values(
            id=licence.id,
            institution=licence.institution,
            file=file,
            digest=digest,
            state=State.ACTIVE.value,
            not_before=round(licence.not_before.timestamp() * 1000),
            not_after=round(licence.not_after.timestamp() * 1000),
            issued_at=header.time,
        )
    )
    limit = licence_limit(licence.notion, licence.budget)
    opened = open_account(connection, AccountKind.LICENCE, licence.id, limit)
    return _log(connection, header, nonce, LicenceIssued(licence.id, licence.institution, digest, opened), file)


def suspend_licence(connection: Connection, header: Header, nonce: Nonce | None, licence: str) -> int:
    """Nothing is charged to or released under the licence until it is resumed.

    Refuses: registry.unknown, registry.state.
    """
    _change_licence(connection, licence, (State.ACTIVE,), State.SUSPENDED)
    return _log(connection, header, nonce, LicenceSuspended(licence))


def resume_licence(connection: Connection, header: Header, nonce: Nonce | None, licence: str) -> int:
    """The suspended licence is in force again, with what is left of its budget.

    Refuses: registry.unknown, registry.state.
    """
    _change_licence(connection, licence, (State.SUSPENDED,), State.ACTIVE)
    return _log(connection, header, nonce, LicenceResumed(licence))


def revoke_licence(connection: Connection, header: Header, nonce: Nonce | None, licence: str) -> int:
    """Nothing is charged to or released under the licence ever again.

    Refuses: registry.unknown, registry.state.
    """
    _change_licence(connection, licence, (State.ACTIVE, State.SUSPENDED), State.REVOKED)
    return _log(connection, header, nonce, LicenceRevoked(licence))


def load_dataset(
    connection: Connection,
    header: Header,
    nonce: Nonce | None,
    card: DatasetCard,
    domain: UnitDomain,
    snapshot: str,
) -> int:
    """The sealed snapshot answers queries from now on. Accounts that are open keep their limits and what is spent.

    Refuses: registry.exists, registry.card, budget.too_large.
    """
    _require_new(connection, snapshots.c.id, snapshot)
    text = card_to_json(card)
    digest = sha256(text).hexdigest()
    _require_card(connection, card, domain, digest)
    if not _exists(connection, datasets.c.name, card.name):
        connection.execute(datasets.insert().values(name=card.name, unit_domain=domain.name))
    connection.execute(
        update(snapshots)
        .where(snapshots.c.dataset == card.name, snapshots.c.state == "current")
        .values(state="superseded")
    )
    connection.execute(
        snapshots.insert().values(
            id=snapshot,
            dataset=card.name,
            card_version=card.version,
            card_digest=digest,
            state="current",
            sealed_at=header.time,
        )
    )
    opened = (
        *open_account(connection, AccountKind.DATASET, card.name, budget_limit(card.budget)),
        *open_account(connection, AccountKind.DOMAIN, domain.name, budget_limit(domain.budget)),
    )
    act = DatasetLoaded(card.name, domain.name, snapshot, digest, card.version, opened)
    return _log(connection, header, nonce, act, text)


def withdraw_dataset(connection: Connection, header: Header, nonce: Nonce | None, dataset: str) -> int:
    """No snapshot of the data set answers a query or has an answer released, until a new one is loaded.

    Refuses: registry.unknown.
    """
    current = connection.scalar(
        select(snapshots.c.id).where(snapshots.c.dataset == dataset, snapshots.c.state == "current")
    )
    if current is None:
        raise Refusal("registry.unknown", {"what": dataset})
    connection.execute(update(snapshots).where(snapshots.c.dataset == dataset).values(state=State.WITHDRAWN.value))
    return _log(connection, header, nonce, DatasetWithdrawn(dataset, current))


def destroy_dataset(connection: Connection, header: Header, nonce: Nonce | None, dataset: str) -> int:
    """No snapshot of the data set, withdrawn before, can be opened. Refuses: registry.unknown, registry.state."""
    return _log(connection, header, nonce, DatasetDestroyed(dataset, withdrawn_snapshots(connection, dataset)))


def withdrawn_snapshots(connection: Connection, dataset: str) -> tuple[str, ...]:
    """Every snapshot of a data set that was withdrawn. Refuses: registry.unknown, registry.state."""
    query = select(snapshots.c.id, snapshots.c.state).where(snapshots.c.dataset == dataset).order_by(snapshots.c.id)
    found = connection.execute(query).all()
    if not found:
        raise Refusal("registry.unknown", {"what": dataset})
    for row in found:
        if row.state != State.WITHDRAWN:
            raise Refusal("registry.state", {"what": dataset, "state": row.state})
    return tuple(row.id for row in found)


def all_snapshots(connection: Connection) -> frozenset[str]:
    """Every snapshot that was ever published."""
    return frozenset(connection.scalars(select(snapshots.c.id)))


def rotate_vault(connection: Connection, header: Header, nonce: Nonce | None, files: int) -> int:
    """The vault has a new key."""
    return _log(connection, header, nonce, VaultRotated(files))


def restore_state(connection: Connection, header: Header, nonce: Nonce | None, entries: int, told: int | None) -> int:
    """The state folder is that of a backup."""
    return _log(connection, header, nonce, StateRestored(entries, told))


def limit_account(
    connection: Connection, header: Header, nonce: Nonce | None, kind: AccountKind, name: str, limit: Amounts
) -> int:
    """The account's limit is another; what is spent stays spent.

    Refuses: budget.unknown, budget.below_spent, budget.too_large.
    """
    change_limit(connection, kind, name, limit)
    return _log(connection, header, nonce, AccountLimited(account_id(kind, name), kind, limit))


def _log(connection: Connection, header: Header, nonce: Nonce | None, act: Act, *bodies: bytes) -> int:
    if nonce is not None:
        consume(connection, nonce)
    return append(connection, Entry(header, act), bodies)


def _change_licence(connection: Connection, licence: str, before: tuple[State, ...], after: State) -> None:
    state = connection.scalar(select(licences.c.state).where(licences.c.id == licence))
    if state is None:
        raise Refusal("registry.unknown", {"what": licence})
    if state not in before:
        raise Refusal("registry.state", {"what": licence, "state": state})
    connection.execute(update(licences).where(licences.c.id == licence).values(state=after.value))


def _require_card(connection: Connection, card: DatasetCard, domain: UnitDomain, digest: str) -> None:
    """A changed card is a new version (rule 5), versions do not go back, and a data set keeps its people."""
    people_of = connection.scalar(select(datasets.c.unit_domain).where(datasets.c.name == card.name))
    if card.unit_domain != domain.name or people_of not in (None, domain.name):
        raise Refusal("registry.card", {"dataset": card.name, "what": "unit domain"})
    newest = connection.scalar(select(func.max(snapshots.c.card_version)).where(snapshots.c.dataset == card.name))
    same = connection.scalars(
        select(snapshots.c.card_digest).where(
            snapshots.c.dataset == card.name, snapshots.c.card_version == card.version
        )
    )
    if (newest is not None and card.version < newest) or not set(same) <= {digest}:
        raise Refusal("registry.card", {"dataset": card.name, "what": "version"})


def _exists(connection: Connection, column: Column[Any], value: str) -> bool:
    return connection.scalar(select(func.count()).where(column == value)) != 0


def _require_new(connection: Connection, column: Column[Any], value: str) -> None:
    if _exists(connection, column, value):
        raise Refusal("registry.exists", {"what": value})


def _require_in_force(connection: Connection, table: Table, identifier: str) -> Row[Any]:
    """The row of an institution or a person who was not revoked."""
    row = connection.execute(select(table).where(table.c.id == identifier)).one_or_none()
    if row is None:
        raise Refusal("registry.unknown", {"what": identifier})
    if row.revoked_at is not None:
        raise Refusal("registry.state", {"what": identifier, "state": State.REVOKED})
    return row


def _revoke(
    connection: Connection, header: Header, which: ColumnElement[bool] | None, who: ColumnElement[bool]
) -> None:
    """Revokes an institution, when given, these people, and every signing key of theirs that still stands."""
    if which is not None:
        connection.execute(update(institutions).where(which).values(revoked_at=header.time))
    held = keys.c.person.in_(select(people.c.id).where(who))
    connection.execute(update(keys).where(held, keys.c.revoked_at.is_(None)).values(revoked_at=header.time))
    connection.execute(update(people).where(who, people.c.revoked_at.is_(None)).values(revoked_at=header.time))
