"""Cosignatures: whoever signs one says that the tree continues every tree of that log that they cosigned before.

Source: C2SP tlog-cosignature.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from sandbox.audit.merkle import Unverified
from sandbox.audit.notes import KeyKind, NoteKey, Signature
from sandbox.audit.tree_head import Checkpoint

_TIME = 8
"""Bytes of the time before a signature."""
_LATEST = 2**63 - 1


def public_key(name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> NoteKey:
    """The key that verifies what `cosign` signs."""
    kind = KeyKind.COSIGNATURE if isinstance(private, Ed25519PrivateKey) else KeyKind.SUBTREE
    return NoteKey(name, kind, private.public_key().public_bytes_raw())


def cosign(checkpoint: Checkpoint, name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey, at: int) -> Signature:
    """The statement that this was, at a time, the largest tree of the log that the signer knew; time 0 says nothing of
    that.

    Unit: seconds since 1970.
    """
    key = public_key(name, private)
    signed = private.sign(_message(checkpoint, key, at))
    return Signature(name, key.id, at.to_bytes(_TIME) + signed)


def verify_cosignature(checkpoint: Checkpoint, key: NoteKey, value: bytes) -> int:
    """The time of a cosignature by this key, or Unverified."""
    at, signed = int.from_bytes(value[:_TIME]), value[_TIME:]
    if len(value) <= _TIME or at > _LATEST:
        raise Unverified(f"the cosignature of {key.name} is malformed")
    message = _message(checkpoint, key, at)
    try:
        match key.kind:
            case KeyKind.COSIGNATURE:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signed, message)
            case KeyKind.SUBTREE:
                MLDSA44PublicKey.from_public_bytes(key.public).verify(signed, message)
            case KeyKind.ED25519:
                raise Unverified(f"the key of {key.name} signs no cosignatures")
    except InvalidSignature:
        raise Unverified(f"the cosignature of {key.name} is wrong") from None
    return at


def _message(checkpoint: Checkpoint, key: NoteKey, at: int) -> bytes:
    if key.kind is not KeyKind.SUBTREE:
        return f"cosignature/v1\ntime {at}\n{checkpoint.text()}".encode()
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short(key.name),
            at.to_bytes(8),
            _short(checkpoint.origin),
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _short(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) < 1 << 8:
        raise Unverified("a name is too long to be cosigned")
    return len(data).to_bytes(1) + data
