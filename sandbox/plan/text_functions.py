"""The functions of texts."""

from __future__ import annotations

from sandbox.plan import ranges, texts
from sandbox.plan.function import Function, at
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import either, fixed, same

TEXT, INTEGER, BOOLEAN = Type.TEXT, Type.INTEGER, Type.BOOLEAN
TEXTS = fixed((TEXT, TEXT), BOOLEAN)
CASED = fixed((TEXT,), TEXT)

TEXT_FUNCTIONS: tuple[Function, ...] = (
    Function("like", TEXTS, texts.like, ranges.truth, literals=at(1)),
    Function("lower", CASED, texts.lower, ranges.opaque),
    Function("upper", CASED, texts.upper, ranges.opaque),
    Function("trim", CASED, texts.trim, ranges.opaque),
    Function("ltrim", CASED, texts.ltrim, ranges.opaque),
    Function("rtrim", CASED, texts.rtrim, ranges.opaque),
    Function(
        "substring",
        either(fixed((TEXT, INTEGER), TEXT), fixed((TEXT, INTEGER, INTEGER), TEXT)),
        texts.substring,
        ranges.opaque,
    ),
    Function("length", fixed((TEXT,), INTEGER), texts.length, ranges.length),
    Function("concat", same((TEXT,), 1, None), texts.concat, ranges.opaque),
    Function("starts_with", TEXTS, texts.starts_with, ranges.truth),
    Function("ends_with", TEXTS, texts.ends_with, ranges.truth),
    Function("contains", TEXTS, texts.contains, ranges.truth),
    Function("replace", fixed((TEXT, TEXT, TEXT), TEXT), texts.replace, ranges.opaque, literals=at(1, 2)),
    Function("left", fixed((TEXT, INTEGER), TEXT), texts.left, ranges.opaque),
    Function("right", fixed((TEXT, INTEGER), TEXT), texts.right, ranges.opaque),
)
"""Rows of the function table."""
