"""The registry as it stands now: who holds a signing key, which licences and snapshots are in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, Row, Select, bindparam, select

from policies.licence_files import read_licence
from policies.licences import Licence
from policies.rules import Role, State
from sandbox.registry.schema import bundles, datasets, institutions, keys, licences, people, snapshots


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution."""

    id: str
    name: str
    added_at: int


@dataclass(frozen=True, slots=True)
class Person:
    """A person of an institution."""

    id: str
    institution: str
    roles: frozenset[Role]
    added_at: int


@dataclass(frozen=True, slots=True)
class Signer:
    """A registered signing key and who holds it."""

    key_id: str
    public: bytes
    """Ed25519, 32 bytes."""
    person: str
    institution: str
    roles: frozenset[Role]
    registered_at: int
    expires_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class RegisteredLicence:
    """A licence as granted, and what the registry has narrowed it to."""

    licence: Licence
    digest: str
    """SHA-256 of the signed file, hex."""
    file: bytes
    """As the department signed it."""
    state: State


@dataclass(frozen=True, slots=True)
class CurrentSnapshot:
    """The snapshot that answers queries about a data set."""

    id: str
    """Keyed digest, hex."""
    dataset: str
    unit_domain: str
    card_version: int
    card_digest: str
    sealed_at: int


class Registry:
    """Reads committed state. Each look-up is a transaction of its own; a charge reads what it rests on once more."""

    def __init__(self, engine: Engine, department: Ed25519PublicKey) -> None:
        self._engine = engine
        self._read_licence = lru_cache(maxsize=1024)(lambda file: read_licence(file, department))

    def signer(self, key_id: str) -> Signer | None:
        """Who holds the key, whether or not it is still in force."""
        with self._engine.connect() as connection:
            return read_signer(connection, key_id)

    def signers(self) -> tuple[Signer, ...]:
        """Every registered key."""
        return self._all(_SIGNERS.order_by(keys.c.registered_at, keys.c.id), _signer)

    def institutions(self) -> tuple[Institution, ...]:
        """Every institution."""
        return self._all(select(institutions).order_by(institutions.c.id), _institution)

    def people(self) -> tuple[Person, ...]:
        """Every person."""
        return self._all(select(people).order_by(people.c.id), _person)

    def licence(self, licence: str) -> RegisteredLicence | None:
        """One licence; its file is verified against the department's key."""
        found = self._all(_LICENCE, self._licence, licence)
        return found[0] if found else None

    def licences(self, institution: str | None = None) -> tuple[RegisteredLicence, ...]:
        """Every licence; of one institution, when given."""
        query = select(licences).order_by(licences.c.id)
        if institution is not None:
            query = query.where(licences.c.institution == institution)
        return self._all(query, self._licence)

    def snapshot(self, dataset: str) -> CurrentSnapshot | None:
        """The current snapshot of a data set that is not withdrawn."""
        found = self._all(_SNAPSHOT, _snapshot, dataset)
        return found[0] if found else None

    def dataset_state(self, dataset: str) -> State | None:
        """ACTIVE with a current snapshot, WITHDRAWN without; None when the data set was never loaded."""
        if self.snapshot(dataset) is not None:
            return State.ACTIVE
        with self._engine.connect() as connection:
            known = connection.scalar(select(datasets.c.name).where(datasets.c.name == dataset))
        return None if known is None else State.WITHDRAWN

    def snapshots(self) -> tuple[CurrentSnapshot, ...]:
        """The current snapshot of every data set that is not withdrawn."""
        return self._all(_ALL_SNAPSHOTS, _snapshot)

    def bundle(self) -> str | None:
        """Digest of the policy bundle in force."""
        with self._engine.connect() as connection:
            return connection.scalar(select(bundles.c.digest).where(bundles.c.state == "current"))

    def _all(self, query: Select[Any], read: Callable[[Row[Any]], Any], name: str | None = None) -> tuple[Any, ...]:
        with self._engine.connect() as connection:
            return tuple(read(row) for row in connection.execute(query, {} if name is None else {"name": name}))

    def _licence(self, row: Row[Any]) -> RegisteredLicence:
        return RegisteredLicence(self._read_licence(row.file), row.digest, row.file, State(row.state))


_SIGNERS = select(keys, people.c.institution, people.c.roles).join(people, people.c.id == keys.c.person)
_SNAPSHOTS = (
    select(snapshots, datasets.c.unit_domain)
    .join(datasets, datasets.c.name == snapshots.c.dataset)
    .where(snapshots.c.state == "current")
)
# Of every request, made once: making one anew costs more than running it.
_SIGNER = _SIGNERS.where(keys.c.id == bindparam("name"))
_LICENCE = select(licences).where(licences.c.id == bindparam("name"))
_SNAPSHOT = _SNAPSHOTS.where(datasets.c.name == bindparam("name"))
_ALL_SNAPSHOTS = _SNAPSHOTS.order_by(datasets.c.name)


def read_signer(connection: Connection, key_id: str) -> Signer | None:
    """Who holds the key, whether or not it is still in force."""
    row = connection.execute(_SIGNER, {"name": key_id}).one_or_none()
    return None if row is None else _signer(row)


def _signer(row: Row[Any]) -> Signer:
    return Signer(
        key_id=row.id,
        public=row.public,
        person=row.person,
        institution=row.institution,
        roles=_roles(row.roles),
        registered_at=row.registered_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _institution(row: Row[Any]) -> Institution:
    return Institution(row.id, row.name, row.added_at)


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.institution, _roles(row.roles), row.added_at)


def _snapshot(row: Row[Any]) -> CurrentSnapshot:
    return CurrentSnapshot(row.id, row.dataset, row.unit_domain, row.card_version, row.card_digest, row.sealed_at)


def _roles(text: str) -> frozenset[Role]:
    return frozenset(Role(name) for name in text.split())
