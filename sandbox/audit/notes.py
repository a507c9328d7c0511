"""Signed notes: a text, an empty line, and a line for each signature. A reader believes only keys it was given.

Source: C2SP signed-note; the kinds of keys by C2SP tlog-cosignature.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from sandbox.audit.merkle import Unverified

_DASH = "\u2014"
MAX_NOTE = 100_000
"""Characters; room for sixteen post-quantum signatures."""
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]{1,255}")
_TEXT = re.compile(r"[^\x00-\x09\x0b-\x1f\ud800-\udfff]*")
"""No control characters but line ends, and no half characters, which bytes cannot be made of."""
_ID = 4
"""Bytes of a key's id."""


class KeyKind(IntEnum):
    """What a key signs, and how."""

    ED25519 = 1
    """The text, by Ed25519 (RFC 8032)."""
    COSIGNATURE = 4
    """A checkpoint and the time, by Ed25519."""
    SUBTREE = 6
    """A checkpoint and the time, by ML-DSA-44 (FIPS 204)."""

    @property
    def bytes(self) -> int:
        """Of a public key."""
        return 1312 if self is KeyKind.SUBTREE else 32


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under the name of its holder, written `name+id+base64`."""

    name: str
    kind: KeyKind
    public: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.public) != self.kind.bytes:
            raise Unverified("the public key is malformed")

    @property
    def id(self) -> bytes:
        """Short, not collision-free: it tells which key to try."""
        return sha256(self.name.encode() + b"\n" + self.kind.to_bytes() + self.public).digest()[:_ID]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64(self.kind.to_bytes() + self.public)}"

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """The key as it is written, or Unverified."""
        match text.strip().split("+", 2):
            case [name, _, encoded]:
                material = from_base64(encoded)
            case _:
                raise Unverified("the public key is malformed")
        if not material or material[0] not in {*KeyKind}:
            raise Unverified("the public key is of an unknown kind")
        key = cls(name, KeyKind(material[0]), material[1:])
        if str(key) != text.strip():
            raise Unverified("the public key is malformed")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key: bytes
    """Id of the key."""
    value: bytes

    def __str__(self) -> str:
        """The line, without its end."""
        return f"{_DASH} {self.name} {base64(self.key + self.value)}"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature of a line, or Unverified."""
        match line.split(" "):
            case [dash, name, encoded] if dash == _DASH and _NAME.fullmatch(name):
                value = from_base64(encoded)
            case _:
                raise Unverified("a signature line is malformed")
        if len(value) <= _ID:
            raise Unverified("a signature line is malformed")
        return cls(name, value[:_ID], value[_ID:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text, its last line ended, and what was signed under it. Nothing of it is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{lines(self.signatures)}"

    @classmethod
    def parse(cls, note: str) -> Note:
        """The note as it is written, or Unverified."""
        if len(note) > MAX_NOTE or not _TEXT.fullmatch(note):
            raise Unverified("this is no signed note")
        text, blank, signed = note.rpartition("\n\n")
        if not blank:
            raise Unverified("this is no signed note")
        return cls(f"{text}\n", parse_lines(signed))

    def of(self, key: NoteKey) -> bytes:
        """The one signature of a key, not yet verified; Unverified where there is none or more than one."""
        found = [each.value for each in self.signatures if (each.name, each.key) == (key.name, key.id)]
        if len(found) != 1:
            raise Unverified(f"the note is not signed once by {key.name}")
        return found[0]


def lines(signatures: Iterable[Signature]) -> str:
    """Signature lines, each ended."""
    return "".join(f"{each}\n" for each in signatures)


def parse_lines(text: str) -> tuple[Signature, ...]:
    """One or more signature lines, each ended, or Unverified."""
    if not text.endswith("\n"):
        raise Unverified("a signature line is not ended")
    return tuple(Signature.parse(line) for line in text.removesuffix("\n").split("\n"))


def base64(value: bytes) -> str:
    """RFC 4648 §4."""
    return b64encode(value).decode()


def from_base64(encoded: str) -> bytes:
    """The bytes of a base64 text in its one canonical spelling, or Unverified."""
    try:
        value = b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        raise Unverified("base64 is malformed") from None
    if base64(value) != encoded:
        raise Unverified("base64 is malformed")
    return value
