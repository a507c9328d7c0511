"""Signed checkpoints of our log: each is signed with Ed25519 and with ML-DSA-44, so that the log's history stands when
one of the two has fallen.

Source: C2SP tlog-checkpoint, C2SP tlog-cosignature. Needs nothing but the log's public keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sandbox.audit.cosignature import cosign, public_key, verify_cosignature
from sandbox.audit.merkle import Unverified
from sandbox.audit.notes import KeyKind, Note, NoteKey, Signature
from sandbox.audit.tree_head import Checkpoint


@dataclass(frozen=True, slots=True)
class LogPublicKey:
    """What an auditor must hold to believe a checkpoint: the log's public keys, one a line.

    Who holds the Ed25519 key alone believes that one; who holds both demands both signatures.
    """

    ed25519: NoteKey
    ml_dsa: NoteKey | None

    def __post_init__(self) -> None:
        if self.ed25519.kind is not KeyKind.ED25519:
            raise Unverified("the log's first key is an Ed25519 key")
        if self.ml_dsa is not None and (self.ml_dsa.kind, self.ml_dsa.name) != (KeyKind.SUBTREE, self.name):
            raise Unverified("the log's second key is an ML-DSA-44 key of the same name")

    @property
    def name(self) -> str:
        """Also the origin line of its checkpoints."""
        return self.ed25519.name

    def __str__(self) -> str:
        return str(self.ed25519) if self.ml_dsa is None else f"{self.ed25519}\n{self.ml_dsa}"

    @classmethod
    def parse(cls, text: str) -> LogPublicKey:
        """The keys as they are written, or Unverified."""
        match [NoteKey.parse(line) for line in text.split()]:
            case [first]:
                return cls(first, None)
            case [first, second]:
                return cls(first, second)
        raise Unverified("the log has one public key or two")


@dataclass(frozen=True, slots=True)
class LogKey:
    """The keys that sign checkpoints; they are held by the broker alone."""

    name: str
    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA44PrivateKey

    @classmethod
    def generate(cls, name: str) -> LogKey:
        return cls(name, Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())

    @property
    def public(self) -> LogPublicKey:
        raw = self.ed25519.public_key().public_bytes_raw()
        return LogPublicKey(NoteKey(self.name, KeyKind.ED25519, raw), public_key(self.name, self.ml_dsa))


def sign(checkpoint: Checkpoint, key: LogKey) -> str:
    """The signed note."""
    text = checkpoint.text()
    first = Signature(key.name, key.public.ed25519.id, key.ed25519.sign(text.encode()))
    return str(Note(text, (first, cosign(checkpoint, key.name, key.ml_dsa, at=0))))


@lru_cache(maxsize=64)
def open_note(note: str, key: LogPublicKey) -> Checkpoint:
    """The checkpoint that the log's keys signed, or Unverified. Lines of other signers are passed over.

    A sandbox reads its newest notes again for every receipt: those that were verified lately are known.
    """
    found = Note.parse(note)
    try:
        public = Ed25519PublicKey.from_public_bytes(key.ed25519.public)
        public.verify(found.of(key.ed25519), found.text.encode())
    except InvalidSignature:
        raise Unverified("the checkpoint's signature is wrong") from None
    checkpoint = Checkpoint.parse(found.text)
    if checkpoint.origin != key.name:
        raise Unverified("the checkpoint is of another log")
    if key.ml_dsa is not None:
        verify_cosignature(checkpoint, key.ml_dsa, found.of(key.ml_dsa))
    return checkpoint
