"""The receipt of an answer: the proof that its release stands in the log, checked with the log's public keys alone.

Light: the client imports it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

from sandbox.audit import merkle
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.encoding import decode
from sandbox.audit.entry import Entry, QueryReleased, QueryRepeated, QueryReused
from sandbox.audit.forms import Malformed
from sandbox.audit.merkle import Unverified
from sandbox.audit.tree_head import Checkpoint


@dataclass(frozen=True, slots=True)
class Receipt:
    """A leaf, its inclusion proof, and the signed checkpoint that the proof leads to."""

    index: int
    entry: bytes
    """The leaf's bytes, salt included."""
    proof: tuple[bytes, ...]
    checkpoint: str
    """The signed note."""

    def to_json(self) -> dict[str, object]:
        return {
            "index": self.index,
            "entry": b64encode(self.entry).decode(),
            "proof": [b64encode(step).decode() for step in self.proof],
            "checkpoint": self.checkpoint,
        }

    @classmethod
    def from_json(cls, value: object) -> Receipt:
        match value:
            case {"index": int(index), "entry": str(entry), "proof": list(proof), "checkpoint": str(note), **rest}:
                if rest or index < 0:
                    raise Unverified("the receipt is malformed")
                return cls(index, _bytes(entry), tuple(_bytes(step) for step in proof), note)
            case _:
                raise Unverified("the receipt is malformed")

    @classmethod
    def parse(cls, text: str | bytes) -> Receipt:
        """The receipt of a saved JSON text."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise Unverified("the receipt is malformed") from None
        return cls.from_json(value)


@dataclass(frozen=True, slots=True)
class Proven:
    """What a verified receipt proves: this entry stands at this index of this checkpoint's log."""

    index: int
    entry: Entry
    checkpoint: Checkpoint


def verify_leaf(receipt: Receipt, key: LogPublicKey) -> Proven:
    """The entry that the log's key vouches for, or Unverified."""
    head = open_note(receipt.checkpoint, key)
    leaf = merkle.leaf_hash(receipt.entry)
    merkle.verify_inclusion(leaf, receipt.index, head.size, receipt.proof, head.root)
    try:
        return Proven(receipt.index, decode(receipt.entry), head)
    except Malformed:
        raise Unverified("the receipt's entry is malformed") from None


def verify(receipt: Receipt, key: LogPublicKey, release: bytes) -> Proven:
    """The logged act that released exactly these canonical bytes, or Unverified."""
    proven = verify_leaf(receipt, key)
    match proven.entry.act:
        case QueryReleased(release=digest) | QueryRepeated(release=digest) | QueryReused(release=digest):
            if digest == sha256(release).hexdigest():
                return proven
            raise Unverified("the receipt is for another release")
        case _:
            raise Unverified("the receipt is for another release")


def _bytes(encoded: object) -> bytes:
    if not isinstance(encoded, str):
        raise Unverified("the receipt is malformed")
    try:
        return b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        raise Unverified("the receipt is malformed") from None
