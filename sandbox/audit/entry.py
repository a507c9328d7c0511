"""The entries of the log: who did what, when, under which policies, and what it cost. docs/log.md is their schema.

An entry's bytes are a 16-byte random salt and the canonical JSON of its record, less than 64 KiB together. The salt
keeps the content of a leaf from being guessed from its hash. Never rows, exact values or secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    Malformed,
    Milliseconds,
    Name,
    PublicKey,
    Signature,
    bodies,
    canonical,
    parse,
    read,
    write,
)

VERSION = 1
SALT_SIZE = 16
MAX_ENTRY = 65_535
"""Bytes, salt included: an entry bundle gives each entry a 16-bit length."""


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
    kind: AccountKind
    limit: Amounts


@dataclass(frozen=True, slots=True)
class AccountCharge:
    """One account's part of a charge, and its balance after it."""

    account: Name
    kind: AccountKind
    loss: Amounts
    spent: Amounts
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
    scenario: Name
    datasets: tuple[DatasetUse, ...]
    sql: Body
    plan: Digest
    """Of the canonical plan."""
    rules: tuple[Name, ...]
    """That decided."""
    accounts: tuple[AccountCharge, ...]
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
    """A query was answered with the release that the same licence had already paid for."""

    licence: Name
    scenario: Name
    authorization: Index
    release: Digest
    sql: Body


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
    | Estimated
    | Refused
    | Read
    | InstitutionAdded
    | PersonAdded
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


class Signing(StrEnum):
    """Whether an act's entry carries the actor's signed request."""

    ALWAYS = "always"
    """An authenticated act of a person."""
    EITHER = "either"
    """Asked for by a signed request, or by the operator at the host's own terminal."""
    NEVER = "never"
    """The service's own."""


ACTS: Mapping[str, tuple[type[Act], Signing]] = {
    "query.authorized": (QueryAuthorized, Signing.ALWAYS),
    "query.released": (QueryReleased, Signing.NEVER),
    "query.failed": (QueryFailed, Signing.NEVER),
    "query.repeated": (QueryRepeated, Signing.ALWAYS),
    "estimate": (Estimated, Signing.ALWAYS),
    "refusal": (Refused, Signing.ALWAYS),
    "read": (Read, Signing.ALWAYS),
    "institution.added": (InstitutionAdded, Signing.EITHER),
    "person.added": (PersonAdded, Signing.EITHER),
    "key.registered": (KeyRegistered, Signing.EITHER),
    "key.revoked": (KeyRevoked, Signing.EITHER),
    "licence.issued": (LicenceIssued, Signing.EITHER),
    "licence.suspended": (LicenceSuspended, Signing.EITHER),
    "licence.resumed": (LicenceResumed, Signing.EITHER),
    "licence.revoked": (LicenceRevoked, Signing.EITHER),
    "dataset.loaded": (DatasetLoaded, Signing.EITHER),
    "dataset.withdrawn": (DatasetWithdrawn, Signing.EITHER),
    "account.opened": (AccountOpened, Signing.EITHER),
    "account.limited": (AccountLimited, Signing.EITHER),
    "service.started": (ServiceStarted, Signing.NEVER),
    "service.stopped": (ServiceStopped, Signing.NEVER),
}
"""The closed list of kinds."""

_KINDS = {kind: (name, signing) for name, (kind, signing) in ACTS.items()}
_BODIES = {kind: bodies(kind) for kind, _ in ACTS.values()}


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

    @property
    def kind(self) -> str:
        return _KINDS[type(self.act)][0]

    def bodies(self) -> list[str]:
        """Digests of the texts that stand beside the log for this entry."""
        return _BODIES[type(self.act)](self.act)


def encode(entry: Entry, salt: bytes) -> bytes:
    """The entry's bytes; Malformed when it is not of the schema or too large."""
    if len(salt) != SALT_SIZE:
        raise Malformed("the salt has 16 bytes")
    _check_signing(entry)
    head = write(entry.header)
    text = canonical({"version": VERSION, "act": entry.kind, "body": write(entry.act), "header": head})
    if SALT_SIZE + len(text) > MAX_ENTRY:
        raise Malformed("the entry is too large")
    return salt + text


def decode(data: bytes) -> Entry:
    """The entry that has exactly these bytes, or Malformed."""
    if not SALT_SIZE < len(data) <= MAX_ENTRY:
        raise Malformed("not the size of an entry")
    match parse(data[SALT_SIZE:]):
        case {"version": version, "act": str(kind), "header": header, "body": body, **rest}:
            if type(version) is not int or version != VERSION or rest or kind not in ACTS:
                raise Malformed("an entry of an unknown version or kind")
            entry = Entry(read(Header, header), read(ACTS[kind][0], body))
        case _:
            raise Malformed("not an entry")
    _check_signing(entry)
    return entry


def _check_signing(entry: Entry) -> None:
    """An act of a person carries who and the signed request, both or, where it may be, neither."""
    actor, request = entry.header.actor is not None, entry.header.request is not None
    match _KINDS[type(entry.act)][1]:
        case Signing.ALWAYS if not (actor and request):
            raise Malformed("an act of a person without the person's signed request")
        case Signing.EITHER if actor is not request:
            raise Malformed("an actor without a signed request, or a signed request without an actor")
        case Signing.NEVER if request:
            raise Malformed("a signed request in an entry of the service's own")
        case _:
            return
