"""The forms that a log entry's fields can take, and the one canonical JSON text of a record of them.

A record is a frozen dataclass whose fields are forms, other records, tuples or optionals of these; every field is
written, an absent one as null. Reading is as strict as writing: text that is not the canonical text is malformed.
Source: RFC 8785 on the subset without floating-point numbers, with ASCII names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from sandbox.errors import VitrineError

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Codec: TypeAlias = tuple[Callable[[Any], "Json"], Callable[[Any], Any]]
"""Writer and reader of one type."""

_MAX_NUMBER = 2**53 - 1
"""The greatest JSON number that every reader keeps exact."""


class Malformed(VitrineError):
    """Bytes or a record that no log entry has."""


@dataclass(frozen=True, slots=True)
class TextForm:
    """A string that the pattern matches as a whole."""

    name: str
    pattern: re.Pattern[str]
    body: bool = False
    """The string is the SHA-256 of a text that stands beside the log."""

    def write(self, value: Any) -> Json:
        if type(value) is not str or not self.pattern.fullmatch(value):
            raise Malformed(f"not of the form {self.name}")
        return value

    def read(self, value: Any) -> Any:
        return self.write(value)


@dataclass(frozen=True, slots=True)
class NumberForm:
    """An integer no less than 0, as a JSON number."""

    name: str

    def write(self, value: Any) -> Json:
        if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
            raise Malformed(f"not of the form {self.name}")
        return value

    def read(self, value: Any) -> Any:
        return self.write(value)


@dataclass(frozen=True, slots=True)
class AmountForm:
    """An integer no less than 0 of any size, as a JSON string of decimal digits."""

    name: str

    def write(self, value: Any) -> Json:
        if type(value) is not int or value < 0:
            raise Malformed(f"not of the form {self.name}")
        return str(value)

    def read(self, value: Any) -> Any:
        if type(value) is not str or not _DIGITS.fullmatch(value):
            raise Malformed(f"not of the form {self.name}")
        return int(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_DIGITS = re.compile(r"0|[1-9][0-9]{0,39}")
_EXACT = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400}|/[1-9][0-9]{0,399})?|0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Digest: TypeAlias = Annotated[str, TextForm("digest", _SHA256)]
"""SHA-256 or HMAC-SHA-256, hexadecimal."""
Body: TypeAlias = Annotated[str, TextForm("body", _SHA256, body=True)]
"""SHA-256 of a text that stands beside the log and is exported with it."""
Signature: TypeAlias = Annotated[str, TextForm("signature", re.compile(r"[0-9a-f]{128}"))]
"""An Ed25519 signature, hexadecimal."""
PublicKey: TypeAlias = Annotated[str, TextForm("public key", _SHA256)]
"""A raw Ed25519 public key, hexadecimal."""
Name: TypeAlias = Annotated[str, TextForm("name", re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}"))]
"""A word from card, policy, registry or code; never from data."""
Code: TypeAlias = Annotated[str, TextForm("code", re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"))]
"""A refusal's code."""
Exact: TypeAlias = Annotated[
    str,
    TextForm("exact", _EXACT),
]
"""An exact number: a decimal, a fraction, or a double in hexadecimal."""
Count: TypeAlias = Annotated[int, NumberForm("count")]
Index: TypeAlias = Annotated[int, NumberForm("index")]
"""The index of an earlier leaf."""
Milliseconds: TypeAlias = Annotated[int, NumberForm("milliseconds")]
"""Since 1970-01-01 UTC."""
Amount: TypeAlias = Annotated[int, AmountForm("amount")]
"""Units of privacy loss: 2⁻⁴⁰ of ρ or ε, 2⁻⁶⁰ of δ."""


def joint_digest(digests: Sequence[str]) -> str:
    """One digest of several: its own of one, else SHA-256 of them, a line each."""
    return digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode()).hexdigest()


def canonical(value: Json) -> bytes:
    """The one text of this JSON value."""
    try:
        return _ENCODER.encode(value).encode()
    except (TypeError, ValueError) as error:
        raise Malformed("not JSON") from error


def parse(text: bytes) -> Json:
    """The JSON value of a canonical text; Malformed for every other text."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if canonical(value) != text:
        raise Malformed("not canonical JSON")
    return value


def write(record: Any) -> Json:
    """The JSON value of a record, each field of its form."""
    kind: Any = type(record)
    return codec(kind)[0](record)


def read(kind: Any, value: Json) -> Any:
    """The record of this type that the JSON value writes."""
    return codec(kind)[1](value)


def form_name(kind: Any) -> str:
    """How the schema in docs/log.md names a field's type."""
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1].name)
    if get_origin(kind) is tuple:
        return f"list of {form_name(get_args(kind)[0])}"
    if get_origin(kind) in (Union, UnionType):
        return f"{form_name(_present(kind))} or null"
    if issubclass(kind, StrEnum):
        return " \\| ".join(f"`{member}`" for member in kind)
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def bodies(kind: Any) -> Callable[[Any], list[str]]:
    """Which bodies a record of this type names."""
    names = [name for name, hint in hints(kind).items() if form_name(hint).removesuffix(" or null") == "body"]
    return lambda record: [value for name in names if (value := getattr(record, name)) is not None]


def hints(kind: Any) -> Mapping[str, Any]:
    """The fields of a record type and their forms, in order."""
    return get_type_hints(kind, include_extras=True)


@cache
def codec(kind: Any) -> Codec:
    """The writer and the reader of this type."""
    if get_origin(kind) is Annotated:
        form = get_args(kind)[1]
        return form.write, form.read
    if get_origin(kind) is tuple:
        return _list(codec(get_args(kind)[0]))
    if get_origin(kind) in (Union, UnionType):
        return _optional(codec(_present(kind)))
    if is_dataclass(kind):
        return _record(kind)
    return _choice(kind)


def _present(kind: Any) -> Any:
    """X of `X | None`."""
    (present,) = (part for part in get_args(kind) if part is not NoneType)
    return present


def _list(item: Codec) -> Codec:
    def write_list(values: Any) -> Json:
        if type(values) is not tuple:
            raise Malformed("not a tuple")
        return [item[0](value) for value in values]

    def read_list(values: Any) -> Any:
        if type(values) is not list:
            raise Malformed("not a list")
        return tuple(item[1](value) for value in values)

    return write_list, read_list


def _optional(present: Codec) -> Codec:
    return (
        lambda value: None if value is None else present[0](value),
        lambda value: None if value is None else present[1](value),
    )


def _choice(kind: type[StrEnum]) -> Codec:
    def write_choice(value: Any) -> Json:
        if type(value) is not kind:
            raise Malformed(f"not a {kind.__name__}")
        return value.value

    def read_choice(value: Any) -> Any:
        if type(value) is not str or value not in members:
            raise Malformed(f"not a {kind.__name__}")
        return members[value]

    members = {member.value: member for member in kind}
    return write_choice, read_choice


def _record(kind: Any) -> Codec:
    codecs = {field.name: codec(hints(kind)[field.name]) for field in fields(kind)}
    writers = [(name, pair[0]) for name, pair in codecs.items()]
    readers = [(name, pair[1]) for name, pair in codecs.items()]

    def write_record(record: Any) -> Json:
        if type(record) is not kind:
            raise Malformed(f"not a {kind.__name__}")
        return {name: writer(getattr(record, name)) for name, writer in writers}

    def read_record(value: Any) -> Any:
        if type(value) is not dict or len(value) != len(readers):
            raise Malformed(f"not the fields of {kind.__name__}")
        try:
            return kind(*[reader(value[name]) for name, reader in readers])
        except KeyError:
            raise Malformed(f"not the fields of {kind.__name__}") from None

    return write_record, read_record
