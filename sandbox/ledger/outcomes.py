"""What the ledger's transactions are asked, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sandbox.audit.entry import Act, Header
from sandbox.audit.records import AccountCharge
from sandbox.errors import Refusal
from sandbox.ledger.charges import Charge, StoredRelease
from sandbox.ledger.nonces import Nonce
from sandbox.privacy.loss import Loss
from sandbox.registry.standing import Standing


@dataclass(frozen=True, slots=True)
class Leaf:
    """What an act says in the log, and the texts that stand beside it."""

    act: Act
    bodies: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """An answer that was computed from the licence's own earlier releases: it loses nothing."""

    identity: str
    """Digest of the query and of what it is computed from."""
    bodies: tuple[bytes, ...]
    """The releases' canonical bytes, one for each query."""


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A decided, priced request that asks to be charged."""

    id: str
    """Unique; made by the broker."""
    header: Header
    """Of its leaf; its time is the time of the act."""
    nonce: Nonce
    standing: Standing
    idempotency_key: str
    request_digest: str
    """SHA-256 of what was signed, hex: the same key with another one is a conflict."""
    request: bytes
    """The signed request, enough to run it again."""
    identity: str
    """Digest of what makes two queries the same (rule 8)."""
    loss: Loss
    domains: tuple[str, ...]
    """Unit domains whose people the plan reads."""
    sandbox: int
    """Who will run it: the leaf of that sandbox's start."""
    computed: Computed | None = None
    """What it is answered with at no charge, unless the same query was asked before."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """The request is charged: run it, or release what `copies` holds."""

    charge: str
    accounts: tuple[AccountCharge, ...]
    """With the balances after it, in account id order."""
    copies: tuple[StoredRelease, ...]
    """The same request as another licence was answered: released under this charge, as late as a run would be."""


@dataclass(frozen=True, slots=True)
class Reused:
    """The request is answered by what was computed from earlier releases: stored, and released."""

    charge: str
    accounts: tuple[AccountCharge, ...]
    """The licence's own, which lost nothing, with its balance."""
    digests: tuple[str, ...]
    """Of the releases."""


@dataclass(frozen=True, slots=True)
class Existing:
    """The request was accepted before, or its answer is already paid for: nothing is charged."""

    charge: Charge
    """The request sent before under the same idempotency key, or the charge that paid for the same query."""
    releases: tuple[StoredRelease, ...]
    """None when the charge failed or is still on its way."""
    repeat: bool
    """The same query under another idempotency key: a repeat (rule 8), stored under this request's id. Its own leaf
    proves the release, or, while that is on its way, the charge's final leaf will."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request is refused inside the transaction; its nonce is used up and its leaf is written."""

    refusal: Refusal


Outcome: TypeAlias = Authorized | Reused | Existing | Refused


@dataclass(frozen=True, slots=True)
class Logged:
    """An outcome and its leaf."""

    outcome: Outcome
    leaf: int


@dataclass(frozen=True, slots=True)
class Released:
    """The charge has ended with these releases."""

    releases: tuple[StoredRelease, ...]

    @property
    def leaf(self) -> int:
        """The last."""
        return self.releases[-1].leaf


@dataclass(frozen=True, slots=True)
class Failed:
    """The charge has ended without an answer. It stands."""

    leaf: int
    refusal: Refusal | None
    """Why it was withheld; None after an incident or too many attempts, whose cause no caller learns."""
