"""Which argument types a function takes, and what it then returns.

A typing rule maps the types of the arguments to a `Signature`, or to None where the function does not take them. The
only implicit conversions are INTEGER → DOUBLE and DATE → TIMESTAMP; the signature says where they happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.plan.nodes import Type


@dataclass(frozen=True, slots=True)
class Signature:
    """A function at given argument types."""

    parameters: tuple[Type, ...]
    """What each argument is converted to before the function sees it."""
    result: Type


TypeRule: TypeAlias = Callable[[tuple[Type, ...]], Signature | None]

NUMBERS = (Type.INTEGER, Type.DOUBLE)
TIMES = (Type.DATE, Type.TIMESTAMP)
VALUES = (Type.BOOLEAN, Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE, Type.TIMESTAMP)
"""The types that have values; UNIT and PRESENCE have none (rule 9)."""


def common(types: tuple[Type, ...]) -> Type | None:
    """The one type that all of `types` convert to."""
    distinct = set(types)
    if not distinct or not distinct <= set(VALUES):
        return None
    if len(distinct) == 1:
        return types[0]
    if distinct == set(NUMBERS):
        return Type.DOUBLE
    if distinct == set(TIMES):
        return Type.TIMESTAMP
    return None


def converts(given: Type, wanted: Type) -> bool:
    """Whether `given` is `wanted` or converts to it implicitly."""
    return given is wanted or (given, wanted) in ((Type.INTEGER, Type.DOUBLE), (Type.DATE, Type.TIMESTAMP))


def fixed(parameters: tuple[Type, ...], result: Type) -> TypeRule:
    """Exactly these parameters."""

    def rule(types: tuple[Type, ...]) -> Signature | None:
        if len(types) != len(parameters) or not all(map(converts, types, parameters)):
            return None
        return Signature(parameters, result)

    return rule


def either(*rules: TypeRule) -> TypeRule:
    """The first rule that takes the arguments."""

    def rule(types: tuple[Type, ...]) -> Signature | None:
        return next((found for one in rules if (found := one(types)) is not None), None)

    return rule


def same(allowed: tuple[Type, ...], least: int, most: int | None, result: Type | None = None) -> TypeRule:
    """Between `least` and `most` arguments of one common type, which is the result too unless `result` is given."""

    def rule(types: tuple[Type, ...]) -> Signature | None:
        shared = common(types)
        if len(types) < least or (most is not None and len(types) > most):
            return None
        if shared is None or shared not in allowed:
            return None
        return Signature((shared,) * len(types), shared if result is None else result)

    return rule


def anything(result: Type) -> TypeRule:
    """One argument of any type, a unit key or its presence included."""

    def rule(types: tuple[Type, ...]) -> Signature | None:
        return Signature(types, result) if len(types) == 1 else None

    return rule


def branches(types: tuple[Type, ...]) -> Signature | None:
    """`case`: condition, value, …, default."""
    if len(types) < 3 or len(types) % 2 == 0:
        return None
    conditions, values = types[:-1:2], (*types[1:-1:2], types[-1])
    shared = common(values)
    if shared is None or any(condition is not Type.BOOLEAN for condition in conditions):
        return None
    return Signature((*(Type.BOOLEAN, shared) * len(conditions), shared), shared)


def keeping(first: tuple[Type, ...], rest: tuple[Type, ...]) -> TypeRule:
    """A first argument of one of the types `first`, which is the result's, then the parameters `rest`."""

    def rule(types: tuple[Type, ...]) -> Signature | None:
        if len(types) != 1 + len(rest) or types[0] not in first or not all(map(converts, types[1:], rest)):
            return None
        return Signature((types[0], *rest), types[0])

    return rule


def taking(first: tuple[Type, ...], rest: tuple[Type, ...], result: Type) -> TypeRule:
    """A first argument of one of the types `first`, unconverted, then the parameters `rest`."""

    def rule(types: tuple[Type, ...]) -> Signature | None:
        found = keeping(first, rest)(types)
        return None if found is None else Signature(found.parameters, result)

    return rule


def truncation(types: tuple[Type, ...]) -> Signature | None:
    """`date_trunc`: a unit, then a date or timestamp, which is the result's type."""
    if len(types) != 2 or types[0] is not Type.TEXT or types[1] not in TIMES:
        return None
    return Signature(types, types[1])


def difference(types: tuple[Type, ...]) -> Signature | None:
    """`date_difference`: a unit, then two dates or timestamps."""
    if len(types) != 3 or types[0] is not Type.TEXT:
        return None
    shared = common(types[1:])
    return Signature((Type.TEXT, shared, shared), Type.INTEGER) if shared in TIMES else None


def bucket(types: tuple[Type, ...]) -> Signature | None:
    """`time_bucket`: a number, a unit, then a date or timestamp, which is the result's type."""
    if len(types) != 3 or types[:2] != (Type.INTEGER, Type.TEXT) or types[2] not in TIMES:
        return None
    return Signature(types, types[2])
