"""The entries of the log: who did what, when, under which policies, and what it cost. docs/log.md is their schema.

Never rows, exact values or secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sandbox.audit.forms import (
    Amount,
    Body,
    Code,
    Count,
    Digest,
    Exact,
    Index,
    Milliseconds,
    Name,
    PublicKey,
    Signature,
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted, as the registry knows them."""

    institution: Name
    person: Name
    key: Name
    """Id of the signing key."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the actor's key signed."""

    message: Digest
    """Of the signed request's bytes as they arrived."""
    base: Digest
    """Of the RFC 9421 signature base: the covered components and parameters."""
    signature: Signature
    nonce: Digest
    idempotency: Digest | None
    """Of the idempotency key; null for a request without a body."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Privacy loss in units. An account keeps ρ and δ, or, for a pure licence, ε alone: then ρ is null and δ is 0."""

    rho: Amount | None
    delta: Amount
    epsilon: Amount | None


class AccountKind(StrEnum):
    """Whose loss an account limits."""

    LICENCE = "licence"
    DATASET = "dataset"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """A new account with nothing spent."""

    account: Name
    """`kind:name`, with the id of the licence or the name of the data set or unit domain."""
    kind: AccountKind
    limit: Amounts


@dataclass(frozen=True, slots=True)
class AccountCharge:
    """One account's part of a charge, and its balance after it."""

    account: Name
    """`kind:name`, with the id of the licence or the name of the data set or unit domain."""
    kind: AccountKind
    loss: Amounts
    spent: Amounts
    """After the charge."""
    limit: Amounts


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """The exact data a request is answered from."""

    dataset: Name
    snapshot: Digest
    """Keyed."""
    card: Digest
    card_version: Count


@dataclass(frozen=True, slots=True)
class MechanismUse:
    """One noise mechanism of a request."""

    measure: Name
    statistic: Name
    mechanism: Name
    scale: Exact
    metric: Name
    """In which the sensitivity is stated: `l0`, `l1`, `l2`, `l2_squared`, `linf`."""
    sensitivity: Exact
    threshold: Exact | None
    loss: Amounts


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
    """As the person wrote it."""
    plan: Digest
    """Of the canonical plan."""
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
    """A charge ended with an answer."""

    charge: Name
    authorization: Index
    """Leaf of the charge's `query.authorized`."""
    request: Digest
    """Of the signed request that was charged: whoever sent it knows that the answer is to it."""
    release: Digest
    """Of the release's canonical bytes."""


class FailureCause(StrEnum):
    """Why a charge ended without an answer."""

    INCIDENT = "incident"
    """Deadline, memory, engine or shape: one and the same for the caller."""
    ATTEMPTS = "attempts"
    """Stopped from outside too often."""
    WITHHELD = "withheld"
    """Licence, person, key, data set or policy no longer stood."""


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """A charge ended without an answer; it is not refunded."""

    charge: Name
    authorization: Index
    cause: FailureCause


@dataclass(frozen=True, slots=True)
class QueryRepeated:
    """A query is answered with the release that the same licence has already paid for; nothing is charged."""

    licence: Name
    scenario: Name
    authorization: Index
    release: Digest | None
    """Null while that release is still on its way."""
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
    """Of the canonical bytes that left, which are marked as dummy."""


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
class Read:
    """Something other than data was read: catalogue, history, licence, audit."""

    resource: Name
    subject: Name | None


@dataclass(frozen=True, slots=True)
class InstitutionAdded:
    institution: Name
    title: Name


@dataclass(frozen=True, slots=True)
class PersonAdded:
    person: Name
    institution: Name
    roles: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class InstitutionRevoked:
    """An institution, with its people and their signing keys, acts no more."""

    institution: Name


@dataclass(frozen=True, slots=True)
class PersonRevoked:
    """A person, with their signing keys, acts no more."""

    person: Name
    institution: Name


@dataclass(frozen=True, slots=True)
class KeyRegistered:
    key: Name
    person: Name
    public_key: PublicKey
    expires: Milliseconds


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    key: Name
    person: Name


@dataclass(frozen=True, slots=True)
class LicenceIssued:
    licence: Name
    institution: Name
    file: Body
    """The signed licence."""
    opened: tuple[OpenedAccount, ...]


@dataclass(frozen=True, slots=True)
class LicenceSuspended:
    licence: Name


@dataclass(frozen=True, slots=True)
class LicenceResumed:
    licence: Name


@dataclass(frozen=True, slots=True)
class LicenceRevoked:
    licence: Name


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
    | QueryRepeated
    | QueryDryRun
    | Estimated
    | Refused
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
