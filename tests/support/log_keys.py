"""Log keys that are the same in each run."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sandbox.audit.checkpoint import LogKey


def log_key(name: str, seed: bytes) -> LogKey:
    """Both keys of a log out of one seed of 32 bytes."""
    return LogKey(name, Ed25519PrivateKey.from_private_bytes(seed), MLDSA44PrivateKey.from_seed_bytes(seed))
