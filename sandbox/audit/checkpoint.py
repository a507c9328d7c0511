"""Signed tree heads: a checkpoint says how many entries the log has and what their root is, signed with Ed25519.

Source: C2SP signed-note, C2SP tlog-checkpoint. Needs nothing but the log's public key.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox.audit.merkle import HASH_SIZE, Unverified

_ED25519 = b"\x01"
_DASH = "\u2014"
_MAX_NOTE = 100_000
"""Characters; room for sixteen post-quantum signatures."""
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class LogPublicKey:
    """What an auditor must hold to believe a checkpoint: the log's name and its Ed25519 public key."""

    name: str
    """Also the origin line of its checkpoints."""
    public: bytes
    """32 bytes, RFC 8032."""

    def __post_init__(self) -> None:
        if not _KEY_NAME.fullmatch(self.name) or len(self.public) != 32:
            raise Unverified("the log's public key is malformed")

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """The verifier key string `name+id+base64`."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> LogPublicKey:
        match text.strip().split("+", 2):
            case [name, _, encoded]:
                material = _bytes(encoded)
            case _:
                raise Unverified("the log's public key is malformed")
        key = cls(name, material[1:])
        if material[:1] != _ED25519 or str(key) != text.strip():
            raise Unverified("the log's public key is malformed")
        return key


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key that signs checkpoints; it is held by the broker alone."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> LogKey:
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, name: str, seed: bytes) -> LogKey:
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> LogPublicKey:
        return LogPublicKey(self.name, self.private.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log's tree at a size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def sign(checkpoint: Checkpoint, key: LogKey) -> str:
    """The signed note. The same checkpoint and key give the same note."""
    text = checkpoint.text()
    signature = _base64(key.public.id + key.private.sign(text.encode()))
    return f"{text}\n{_DASH} {key.name} {signature}\n"


@lru_cache(maxsize=64)
def open_note(note: str, key: LogPublicKey) -> Checkpoint:
    """The checkpoint that the log's key signed, or Unverified. Lines of other signers are passed over.

    A sandbox reads its newest notes again for every receipt: those that were verified lately are known.
    """
    if len(note) > _MAX_NOTE or any(char < " " and char != "\n" for char in note):
        raise Unverified("the checkpoint is no signed note")
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Unverified("the checkpoint is no signed note")
    text += "\n"
    signatures = [_signature(line) for line in lines.removesuffix("\n").split("\n")]
    ours = [value for name, value in signatures if name == key.name and value[:4] == key.id]
    if len(ours) != 1:
        raise Unverified("the checkpoint is not signed once by the log's key")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(ours[0][4:], text.encode())
    except InvalidSignature:
        raise Unverified("the checkpoint's signature is wrong") from None
    return _checkpoint(text, key.name)


def _signature(line: str) -> tuple[str, bytes]:
    match line.split(" "):
        case [dash, name, encoded] if dash == _DASH and _KEY_NAME.fullmatch(name):
            value = _bytes(encoded)
        case _:
            raise Unverified("the checkpoint has a malformed signature line")
    if len(value) <= 4:
        raise Unverified("the checkpoint has a malformed signature line")
    return name, value


def _checkpoint(text: str, origin: str) -> Checkpoint:
    """A log of ours writes no extension lines; one that has them is not believed."""
    match text.removesuffix("\n").split("\n"):
        case [name, size, encoded] if name == origin and _SIZE.fullmatch(size):
            root = _bytes(encoded)
        case _:
            raise Unverified("the checkpoint's text is malformed")
    if len(root) != HASH_SIZE:
        raise Unverified("the checkpoint's text is malformed")
    return Checkpoint(origin, int(size), root)


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _bytes(encoded: str) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        value = b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        raise Unverified("base64 is malformed") from None
    if _base64(value) != encoded:
        raise Unverified("base64 is malformed")
    return value
