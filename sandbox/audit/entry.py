"""The entries of the log: who did what, when, under which policies, and what it cost. docs/log.md is their schema.

Never rows, exact values or secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sandbox.audit.forms import (
    Body,
    Code,
    Count,
    Digest,
    Index,
    Milliseconds,
    Name,
)
from sandbox.audit.records import (
    AccountCharge,
    AccountKind,
    Actor,
    Amounts,
    DatasetUse,
    MechanismUse,
    OpenedAccount,
    ReleaseUse,
    SignedRequest,
)
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


@dataclass(frozen=True, slots=True)
class QueryAuthorized:
    """A query was accepted and charged, before any data were touched."""

    charge: Name
    licence: Name
    licence_file: Digest
    """Of the signed licence."""
    scenario: Name
    datasets: tuple[DatasetUse, ...]
    sql: Body
    """As the person wrote it; the queries of a batch with `;` and a line end between them."""
    plan: Digest
    """Of the canonical plan; of a batch, of those of its queries, a line each."""
    queries: Count
    """More than 1 in a batch: each has a release of its own."""
    rules: tuple[Name, ...]
    """That decided."""
    accounts: tuple[AccountCharge, ...]
    """The licence's, and those of every data set and its unit domain unless another licence paid them before."""
    mechanisms: tuple[MechanismUse, ...]
    """Empty when the answer is a release that another licence paid for before."""
    opendp: Name
    """Version of the noise library."""
    features: tuple[Name, ...]
    """Of the noise library, that were enabled."""


@dataclass(frozen=True, slots=True)
class QueryReleased:
    """A query of a charge was answered; the charge ends with the last one."""

    charge: Name
    authorization: Index
    """Leaf of the charge's `query.authorized`."""
    number: Count
    """Of the query, from 0."""
    request: Digest
    """Of the signed request that was charged: whoever sent it knows that the answer is to it."""
    release: Digest
    """Of the release's canonical bytes."""
    measured: tuple[Digest, ...]
    """Of the relations that its measures gave, noise included: later queries of the licence may be computed from
    them."""


class FailureCause(StrEnum):
    """Why a charge ended without an answer."""

    INCIDENT = "incident"
    """Deadline, memory, engine or shape: one and the same for the caller."""
    ATTEMPTS = "attempts"
    """Stopped from outside too often."""
    WITHHELD = "withheld"
    """Licence, person, key, data set or policy no longer stood."""
    PUBLIC = "public"
    """Public tables alone were too much for a worker: no record took part, nothing was lost, no incident."""


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """A charge ended without an answer; it is not refunded."""

    charge: Name
    authorization: Index
    cause: FailureCause


@dataclass(frozen=True, slots=True)
class QueryReused:
    """A query was answered from earlier releases of the same licence; no data were touched, nothing was charged."""

    charge: Name
    licence: Name
    licence_file: Digest
    """Of the signed licence."""
    scenario: Name
    datasets: tuple[DatasetUse, ...]
    sql: Body
    """As the person wrote it."""
    plan: Digest
    """Of the canonical plan."""
    rules: tuple[Name, ...]
    """That decided."""
    accounts: tuple[AccountCharge, ...]
    """The licence's own, with a loss of 0."""
    sources: tuple[ReleaseUse, ...]
    release: Digest
    """Of the canonical bytes that left; of a batch, of the digests of its releases, a line each."""


@dataclass(frozen=True, slots=True)
class QueryRepeated:
    """A query is answered with the release that the same licence has already paid for; nothing is charged."""

    licence: Name
    scenario: Name
    authorization: Index
    release: Digest | None
    """Of a batch, of the digests of its releases, a line each. Null while that release is still on its way."""
    sql: Body


@dataclass(frozen=True, slots=True)
class QueryDryRun:
    """A query was run on dummy records made from cards alone; no record was read, nothing was charged."""

    run: Name
    licence: Name
    scenario: Name
    datasets: tuple[DatasetUse, ...]
    """Whose cards and public tables were used."""
    sql: Body
    plan: Digest
    rules: tuple[Name, ...]
    """That decided."""
    price: Amounts
    """What the query would have cost."""
    release: Digest
    """Of the canonical bytes that left, which are marked as dummy; of a batch, of their digests, a line each."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """The price of a query was asked."""

    licence: Name
    scenario: Name
    datasets: tuple[Name, ...]
    sql: Body
    plan: Digest
    loss: Amounts


@dataclass(frozen=True, slots=True)
class Refused:
    """An authenticated request was refused; nothing was charged."""

    action: Name
    code: Code
    rules: tuple[Name, ...]
    licence: Name | None
    sql: Body | None


@dataclass(frozen=True, slots=True)
class Limited:
    """A person's requests were turned away by a limit on rate or number, this one and others: the log says so at most
    once a minute and person."""

    code: Code
    untold: Count
    """Of the person's requests that were turned away before this one and since the last such entry, their nonces
    unused."""


@dataclass(frozen=True, slots=True)
class Read:
    """Something other than data was read: catalogue, history, licence, audit."""

    resource: Name
    subject: Name | None


@dataclass(frozen=True, slots=True)
class DatasetLoaded:
    """A snapshot was made; nothing exact about it is said (privacy rule 4)."""

    dataset: Name
    domain: Name
    snapshot: Digest
    """Keyed."""
    card: Body
    card_version: Count
    opened: tuple[OpenedAccount, ...]
    """Empty when the accounts of the data set and its people were open before."""


@dataclass(frozen=True, slots=True)
class DatasetWithdrawn:
    dataset: Name
    snapshot: Digest
    """Keyed."""


@dataclass(frozen=True, slots=True)
class DatasetDestroyed:
    """The keys of its snapshots were overwritten: no copy on this host opens any more."""

    dataset: Name
    snapshots: tuple[Digest, ...]
    """Keyed."""


@dataclass(frozen=True, slots=True)
class VaultRotated:
    """Every data key is wrapped by a new vault key."""

    files: Count
    """Sealed files."""


@dataclass(frozen=True, slots=True)
class StateRestored:
    """A backup was put in the place of the state folder."""

    entries: Count
    """Of the backup's log."""
    told: Count | None
    """Of the newest checkpoint that it was compared with; null where the operator's word stood for it."""


@dataclass(frozen=True, slots=True)
class LogRestarted:
    """Entries were lost for good: what was charged by them is not known, so every account is closed at what is known to
    be spent, no account is opened or raised any more, and the log goes on under another name and key."""

    former: Name
    """Its name until now."""
    told: Count | None
    """Entries of the newest checkpoint known of the former log; null where none is known."""


@dataclass(frozen=True, slots=True)
class AccountOpened:
    """An account was opened by an act of its own."""

    opened: OpenedAccount


@dataclass(frozen=True, slots=True)
class AccountLimited:
    """An account's limit was changed; what is spent stays spent."""

    account: Name
    kind: AccountKind
    limit: Amounts


@dataclass(frozen=True, slots=True)
class ServiceStarted:
    version: Name
    configuration: Digest


@dataclass(frozen=True, slots=True)
class ServiceStopped:
    version: Name


Act: TypeAlias = (
    QueryAuthorized
    | QueryReleased
    | QueryFailed
    | QueryReused
    | QueryRepeated
    | QueryDryRun
    | Estimated
    | Refused
    | Limited
    | Read
    | InstitutionAdded
    | PersonAdded
    | InstitutionRevoked
    | PersonRevoked
    | KeyRegistered
    | KeyRevoked
    | LicenceIssued
    | LicenceSuspended
    | LicenceResumed
    | LicenceRevoked
    | DatasetLoaded
    | DatasetWithdrawn
    | DatasetDestroyed
    | VaultRotated
    | StateRestored
    | LogRestarted
    | AccountOpened
    | AccountLimited
    | ServiceStarted
    | ServiceStopped
)


@dataclass(frozen=True, slots=True)
class Header:
    """What every entry says."""

    time: Milliseconds
    bundle: Digest
    """Of the policy bundle in force."""
    actor: Actor | None
    """Who acted or for whom; null for the operator at the host's own terminal, and for the service."""
    request: SignedRequest | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One act."""

    header: Header
    act: Act
