"""How DuckDB computes the functions of values of any type."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sandbox.engines.operands import (
    Operands,
    binary,
    cast,
    choose,
    every,
    finite,
    is_null,
    negated,
    some,
    try_cast,
    within_calendar,
    wrap,
)
from sandbox.engines.renderings import Rendering, function, operator
from sandbox.plan.nodes import Type


def _case(of: Operands) -> exp.Expr:
    *pairs, default = of.arguments
    return choose(*zip(pairs[::2], pairs[1::2], strict=True), default=default)


def _coalesce(of: Operands) -> exp.Expr:
    return exp.Coalesce(this=of.arguments[0], expressions=list(of.arguments[1:]))


def _nullif(of: Operands) -> exp.Expr:
    return of.bind(0, lambda value: choose((binary(exp.EQ, value, of.arguments[1]), exp.Null()), default=value))


def _in(of: Operands) -> exp.Expr:
    return exp.In(this=wrap(of.arguments[0]), expressions=list(of.arguments[1:]))


def _clamp(of: Operands) -> exp.Expr:
    _, lo, hi = of.arguments
    return of.bind(
        0,
        lambda value: choose((binary(exp.LT, value, lo), lo), (binary(exp.GT, value, hi), hi), default=value),
    )


def _cast(of: Operands) -> exp.Expr:
    """Casts that values can fail are tried; those of text to numbers and dates are checked afterwards."""
    (value,) = of.arguments
    source, target = of.given[0].type, of.signature.result
    if source is target:
        return value
    match target:
        case Type.DOUBLE if source is Type.TEXT:
            return finite(try_cast(value, "DOUBLE"), of.parameters)
        case Type.DATE | Type.TIMESTAMP if source is Type.TEXT:
            return within_calendar(try_cast(value, target.name), target, of.parameters)
        case Type.INTEGER | Type.BOOLEAN:
            return try_cast(value, "BIGINT" if target is Type.INTEGER else "BOOLEAN")
        case Type.TEXT:
            return cast(value, "VARCHAR") if source is not Type.TEXT else value
        case _:
            return cast(value, target.name)


VALUE_RENDERINGS: Mapping[str, Rendering] = {
    "equal": operator(exp.EQ),
    "not_equal": operator(exp.NEQ),
    "less": operator(exp.LT),
    "less_equal": operator(exp.LTE),
    "greater": operator(exp.GT),
    "greater_equal": operator(exp.GTE),
    "is_null": lambda of: is_null(of.arguments[0]),
    "is_not_null": lambda of: negated(is_null(of.arguments[0])),
    "is_distinct_from": operator(exp.NullSafeNEQ),
    "and": lambda of: every(of.arguments),
    "or": lambda of: some(of.arguments),
    "not": lambda of: negated(of.arguments[0]),
    "case": _case,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "in": _in,
    "least": function("LEAST"),
    "greatest": function("GREATEST"),
    "clamp": _clamp,
    "cast_integer": _cast,
    "cast_double": _cast,
    "cast_text": _cast,
    "cast_date": _cast,
    "cast_timestamp": _cast,
    "cast_boolean": _cast,
}
"""One row for each of the function table."""
