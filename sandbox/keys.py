"""Key files: the log's, the department's and the staff's. PEM; a private key is readable by its owner alone."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sandbox.disk import publish, put
from sandbox.errors import Refusal

Private = TypeVar("Private", Ed25519PrivateKey, MLDSA44PrivateKey)

_LONGEST = 1 << 14
"""Bytes of a private key's file that are read."""

_PRIME = 2**255 - 19
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset(
    number.to_bytes(32, "little") for number in (0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _EIGHTH, _PRIME - _EIGHTH)
)
"""The points of small order, without their sign. Source: RFC 8032 section 5.1; libsodium, ge25519_has_small_order."""


def key_id(public: Ed25519PublicKey) -> str:
    """The key's fingerprint: the first 64 bits of its SHA-256, hex. Short, not collision-free: the registry refuses a
    second key of the same id."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def make_private_key(path: Path) -> Ed25519PrivateKey:
    """A new Ed25519 key in a new file of mode 0600, on disk when this returns.

    Refuses: key.exists.
    """
    return _made(path, Ed25519PrivateKey.generate())


def make_ml_dsa_key(path: Path) -> MLDSA44PrivateKey:
    """The same for an ML-DSA-44 key."""
    return _made(path, MLDSA44PrivateKey.generate())


def replace_private_key(path: Path, private: Private) -> None:
    """The key file holds this key, in place of a former one, durably."""
    put(path, _pem(private))


def _pem(private: Private) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _made(path: Path, private: Private) -> Private:
    try:
        publish(path, (_pem(private),))
    except FileExistsError:
        raise Refusal("key.exists", {"file": path.name}) from None
    return private


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key of a regular file that only its owner, who is us or root, can read.

    Refuses: key.unreadable, key.exposed.
    """
    private = _read_private(path)
    if not isinstance(private, Ed25519PrivateKey):
        raise Refusal("key.unreadable", {"file": path.name})
    return private


def read_ml_dsa_key(path: Path) -> MLDSA44PrivateKey:
    """The same of an ML-DSA-44 key."""
    private = _read_private(path)
    if not isinstance(private, MLDSA44PrivateKey):
        raise Refusal("key.unreadable", {"file": path.name})
    return private


def _read_private(path: Path) -> PrivateKeyTypes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            pem = file.read(_LONGEST)
    except OSError:
        raise Refusal("key.unreadable", {"file": path.name}) from None
    if not stat.S_ISREG(found.st_mode):
        raise Refusal("key.unreadable", {"file": path.name})
    if found.st_mode & 0o077 or found.st_uid not in (0, os.geteuid()):
        raise Refusal("key.exposed", {"file": path.name})
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refusal("key.unreadable", {"file": path.name}) from None


def write_public_key(path: Path, public: Ed25519PublicKey) -> None:
    """Writes the public key as PEM, durably, for all to read."""
    put(path, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file.

    Refuses: key.unreadable.
    """
    try:
        public = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        raise Refusal("key.unreadable", {"file": path.name}) from None
    if not isinstance(public, Ed25519PublicKey) or _is_of_everybody(public):
        raise Refusal("key.unreadable", {"file": path.name})
    return public


def _is_of_everybody(public: Ed25519PublicKey) -> bool:
    """Whether signatures by it can be made without a private key: of any text, by anybody."""
    *low, high = public.public_bytes_raw()
    return bytes((*low, high & 0x7F)) in _SMALL_ORDER


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise Refusal("key.unreadable", {"file": path.name}) from None
