"""The functions that rearrange, pad, split and search texts, on single values, as the engine computes them."""

from __future__ import annotations

from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.texts import cut
from sandbox.plan.values import TEXT_LENGTH

SURROGATES = range(0xD800, 0xE000)
CODE_POINTS = 0x110000
MOST_JOINED = 16
"""Texts that one `concat_ws` joins."""


def reverse(text: str) -> str:
    """By characters as they are seen: known only where each is one code point."""
    if not text.isascii() or "\r" in text:
        raise UnknownValueError
    return text[::-1]


def repeat(text: str, count: int) -> str:
    return cut(text * max(0, min(count, TEXT_LENGTH)))


def lpad(text: str, count: int, fill: str) -> str:
    length = max(0, min(count, TEXT_LENGTH))
    missing = max(0, length - len(text))
    return (fill * missing)[:missing] + text[:length]


def rpad(text: str, count: int, fill: str) -> str:
    length = max(0, min(count, TEXT_LENGTH))
    return (text + fill * length)[:length]


def position(text: str, part: str) -> int:
    """Counted from 1; 0 where it does not occur."""
    return text.find(part) + 1


def split_part(text: str, separator: str, index: int) -> str:
    """Counted from 1, from the end when negative; empty where there is none."""
    if not separator:
        raise UnknownValueError
    parts = text.split(separator)
    place = index - 1 if index > 0 else len(parts) + index
    return parts[place] if index and 0 <= place < len(parts) else ""


def code_point(text: str) -> int:
    """Of the first character; 0 of an empty text."""
    return ord(text[0]) if text else 0


def code_point_or_minus_one(text: str) -> int:
    return ord(text[0]) if text else -1


def character(code: int) -> str | None:
    """NULL where there is none, and of 0."""
    return chr(code) if 0 < code < CODE_POINTS and code not in SURROGATES else None


def translate(text: str, old: str, new: str) -> str:
    """Each character of `old` becomes the one at the same place of `new`; those without one are left out."""
    table: dict[int, str] = {}
    for place, one in enumerate(old):
        table.setdefault(ord(one), new[place] if place < len(new) else "")
    return text.translate(table)


def concat_ws(separator: str | None, *texts: str | None) -> str | None:
    """Those that are not NULL, with the separator between them."""
    return None if separator is None else cut(separator.join(one for one in texts if one is not None))


def octet_length(text: str) -> int:
    """In UTF-8."""
    return len(text.encode())


def unaccented(text: str) -> str:
    """Known only of plain texts; so is the composed form."""
    if not text.isascii():
        raise UnknownValueError
    return text
