"""The keyed choice of group keys within a unit (rule 14): MD5 over the unit's seed and a canonical encoding of the key.

The encoding is the seed in decimal, then per part `;n` for NULL, else `;`, the number of characters, `:`, the text:

    BOOLEAN  true, false           TEXT       as it is
    INTEGER  decimal               DATE       YYYY-MM-DD
    DOUBLE   C's %.17e, zero +     TIMESTAMP  microseconds since 1970, decimal

It is injective: each part says how long it is. Order is that of the digest's first 64 bits, then of the key.

    seed 0, ()                       0                                                 cfcd208495d565ef
    seed 7, (NULL, -5, 'a;n')        7;n;2:-5;3:a;n                                    38e347d767e9925e
    seed 2⁶⁴−1, (0.1)                18446744073709551615;23:1.00000000000000006e-01  e09892be926b618b
    seed 1, (true, 2024-02-29)       1;4:true;10:2024-02-29                            1a82f4a8ef283634
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import md5

from sqlglot import exp

from sandbox.engines.operands import binary, call, cast, choose, is_null, number
from sandbox.plan.moments import EPOCH
from sandbox.plan.nodes import Scalar, Type

DIGITS = 16
"""Hexadecimal digits of 64 bits."""


def encode(seed: int, key: Sequence[tuple[Type, Scalar]]) -> str:
    """The canonical text of a unit's seed and a group key."""
    return str(seed) + "".join(map(_part, key))


def choice(seed: int, key: Sequence[tuple[Type, Scalar]]) -> int:
    """The 64-bit number by which a unit's group keys are ordered."""
    digest = md5(encode(seed, key).encode(), usedforsecurity=False).hexdigest()
    return int(digest[:DIGITS], 16)


def _part(part: tuple[Type, Scalar]) -> str:
    type_, value = part
    if value is None:
        return ";n"
    text = _text(type_, value)
    return f";{len(text)}:{text}"


def _text(type_: Type, value: Scalar) -> str:
    match type_, value:
        case Type.BOOLEAN, _:
            return "true" if value else "false"
        case Type.DOUBLE, _:
            return f"{float(value) + 0.0:.17e}"  # type: ignore[arg-type]
        case Type.TIMESTAMP, datetime():
            return str((value - EPOCH) // timedelta(microseconds=1))
        case _:
            return str(value)


def choice_sql(seed: exp.Expr, key: Sequence[tuple[Type, exp.Expr]]) -> exp.Expr:
    """`choice` as 16 hexadecimal digits, which sort as the number does. `seed` and the parts are columns."""
    text = cast(seed, "VARCHAR")
    for type_, part in key:
        text = binary(exp.DPipe, text, _part_sql(type_, part))
    return call("LEFT", call("MD5", text), number(DIGITS))


def _part_sql(type_: Type, part: exp.Expr) -> exp.Expr:
    text = _text_sql(type_, part)
    length = binary(exp.DPipe, exp.Literal.string(";"), cast(call("LENGTH", text), "VARCHAR"))
    present = binary(exp.DPipe, length, binary(exp.DPipe, exp.Literal.string(":"), text))
    return choose((is_null(part), exp.Literal.string(";n")), default=present)


def _text_sql(type_: Type, part: exp.Expr) -> exp.Expr:
    match type_:
        case Type.DOUBLE:
            return call("FORMAT", exp.Literal.string("{:.17e}"), binary(exp.Add, part, exp.Literal.number("0.0")))
        case Type.TIMESTAMP:
            return cast(call("EPOCH_US", part), "VARCHAR")
        case _:
            return cast(part, "VARCHAR")
