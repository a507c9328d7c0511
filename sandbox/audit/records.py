"""The records that entries of the log are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.audit.forms import Amount, Count, Digest, Exact, Index, Name, Signature


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
class ReleaseUse:
    """An earlier release that an answer is computed from."""

    authorization: Index
    """Leaf of the charge that paid for it."""
    release: Digest
