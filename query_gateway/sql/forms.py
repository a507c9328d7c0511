"""Functions that are written in terms of others: the parser's node to a simpler one, without knowing any type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from sqlglot import exp

Form: TypeAlias = Callable[[list[exp.Expr]], exp.Expr]


def _quotient(arguments: list[exp.Expr]) -> exp.Expr:
    """fdiv: the whole number below the quotient."""
    left, right = arguments
    return exp.Floor(this=exp.Div(this=_term(left), expression=_term(right)))


def _remainder(arguments: list[exp.Expr]) -> exp.Expr:
    """fmod: what the whole quotient leaves."""
    left, right = arguments
    whole = exp.Mul(this=_term(right), expression=_quotient(arguments))
    return exp.Sub(this=_term(left), expression=exp.Paren(this=whole))


def _finite(arguments: list[exp.Expr]) -> exp.Expr:
    """No value is NaN or infinite."""
    (value,) = arguments
    return exp.EQ(this=_term(value), expression=_term(value))


def _infinite(arguments: list[exp.Expr]) -> exp.Expr:
    (value,) = arguments
    return exp.NEQ(this=_term(value), expression=_term(value))


def _pi(arguments: list[exp.Expr]) -> exp.Expr:
    _none(arguments)
    return exp.Literal.number(repr(math.pi))


def _bits(arguments: list[exp.Expr]) -> exp.Expr:
    """bit_length: eight to a byte."""
    (value,) = arguments
    bytes_ = exp.Anonymous(this="strlen", expressions=[value.copy()])
    return exp.Mul(this=bytes_, expression=exp.Literal.number(8))


def _days_in_month(arguments: list[exp.Expr]) -> exp.Expr:
    (value,) = arguments
    return exp.Day(this=exp.LastDay(this=value.copy()))


def _none(arguments: list[exp.Expr]) -> None:
    () = arguments


def _term(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy())


FORMS: Mapping[str, Form] = {
    "bit_length": _bits,
    "days_in_month": _days_in_month,
    "fdiv": _quotient,
    "fmod": _remainder,
    "isfinite": _finite,
    "isinf": _infinite,
    "isnan": _infinite,
    "pi": _pi,
}
"""By the function's name in SQL."""

NODES: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.BitLength: ("bit_length", ("this",)),
    exp.IsInf: ("isinf", ("this",)),
    exp.IsNan: ("isnan", ("this",)),
    exp.Pi: ("pi", ()),
}
"""Those for which the parser has a node: the name, and the node's arguments in order."""


def simpler(node: exp.Expr) -> exp.Expr | None:
    """The same in simpler terms; None where there are none. Raises ValueError at a wrong number of arguments."""
    if isinstance(node, exp.Anonymous):
        form = FORMS.get(node.name.lower())
        return None if form is None else form(node.expressions)
    found = NODES.get(type(node))
    if found is None:
        return None
    name, arguments = found
    return FORMS[name]([node.args[one] for one in arguments if node.args.get(one) is not None])
