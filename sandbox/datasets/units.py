"""Unit keys: how they are written, digested and hashed, in Python and as SQL that gives the same.

HMAC-SHA-256 is composed from the engine's SHA-256, so that a load digests millions of keys inside the engine.
Source: RFC 2104; test vectors of RFC 4231.
"""

from __future__ import annotations

import re
import unicodedata

from policies.domains import Canonical

_INTEGER = re.compile(r"([+-]?)0*([0-9]+)(?:\.0*)?")
_BLOCK = 64


def canonical_key(text: str, form: Canonical) -> str | None:
    """The one way to write this unit key; empty when it is blank, which names no unit; None when it is malformed."""
    trimmed = unicodedata.normalize("NFKC", text).strip()
    match form:
        case Canonical.INTEGER:
            found = _INTEGER.fullmatch(trimmed)
            if found is None:
                return "" if not trimmed else None
            sign, digits = found.groups()
            return f"-{digits}" if sign == "-" and digits != "0" else digits
        case Canonical.TRIMMED:
            return trimmed
        case Canonical.UPPER:
            return unicodedata.normalize("NFKC", trimmed.upper()).strip()


def ascii_canonical_sql(text: str, form: Canonical) -> str:
    """SQL for `canonical_key` of an expression whose value is ASCII."""
    trimmed = f"trim({text}, {_ascii_space()})"
    match form:
        case Canonical.INTEGER:
            digits = f"regexp_extract({trimmed}, '^([+-]?)0*([0-9]+)(\\.0*)?$', 2)"
            negative = f"(starts_with({trimmed}, '-') AND {digits} <> '0')"
            written = f"CASE WHEN {negative} THEN '-' || {digits} ELSE {digits} END"
            return f"CASE WHEN {trimmed} = '' THEN '' WHEN {digits} = '' THEN NULL ELSE {written} END"
        case Canonical.TRIMMED:
            return trimmed
        case Canonical.UPPER:
            return f"upper({trimmed})"


def _ascii_space() -> str:
    """A text literal of the ASCII characters that Python's `strip` takes for white space."""
    return "(" + " || ".join(f"chr({code})" for code in (9, 10, 11, 12, 13, 28, 29, 30, 31, 32)) + ")"


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The outer and inner padded key of HMAC-SHA-256. Precondition: the key has at most 64 bytes."""
    block = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x5C for byte in block), bytes(byte ^ 0x36 for byte in block)


def hmac_values(prefix: str, key: bytes) -> dict[str, bytes]:
    """The bound values `{prefix}outer` and `{prefix}inner` that `hmac_sql` wants for this key."""
    outer, inner = pads(key)
    return {f"{prefix}outer": outer, f"{prefix}inner": inner}


def hmac_sql(outer: str, inner: str, message: str) -> str:
    """SQL for HMAC-SHA-256 in lower-case hexadecimal; all three are expressions of type BLOB, the first two `pads`."""
    return f"sha256({outer} || unhex(sha256({inner} || {message})))"


def bits_sql(digest: str, place: int) -> str:
    """SQL for 64 bits of a hexadecimal digest as UBIGINT: the first for place 0, the next for place 1."""
    return f"CAST('0x' || substr({digest}, {16 * place + 1}, 16) AS UBIGINT)"


def content_sql(columns: list[str]) -> str:
    """SQL for an injective text of a row: a netstring of each column's text, `-` for NULL.

    Injective because the columns and their types are fixed and the engine writes a value in one way.
    """
    if not columns:
        return "''"
    texts = [f"CAST({column} AS VARCHAR)" for column in columns]
    return " || ".join(f"coalesce(strlen({text}) || ':' || {text} || ',', '-')" for text in texts)
