"""Generated expressions and what relations are built of: well typed, edges among the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import count, product

from hypothesis import strategies as st

from sandbox.errors import Refusal
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.nodes import (
    Call,
    Expression,
    Literal,
    Ref,
    Relation,
    Scalar,
    Type,
)
from sandbox.plan.signatures import Signature
from tests.support.draws import Draws, drawn
from tests.support.function_literals import literal_choices

WORDS = ("", "a", "B", "ab", " a ", "内科", "女", "x%y", "12", "2020-02-29", "O'Brien")
INTEGERS = (0, 1, -1, 2, 3, 7, 10, 100, 2024, -(2**63), 2**63 - 1)
REALS = tuple(map(Fraction, ("0", "1", "-1", "1/2", "1/3", "5/2", "100", "1999/10", "-7/4")))
DAYS = (date(2024, 1, 1), date(2024, 2, 29), date(2024, 12, 31), date(1969, 12, 31), date.min, date.max)
UNARY_KINDS = (Type.BOOLEAN, Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE, Type.TIMESTAMP)


@dataclass(slots=True)
class Names:
    """Generated names, never the same twice."""

    numbers: dict[str, count[int]] = field(default_factory=dict)

    def next(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers.setdefault(prefix, count(1)))}"


def value(some: Draws, type_: Type) -> Scalar:
    """A value of a type, an edge now and then; never NULL."""
    edge = some.number(0, 1) == 0
    match type_:
        case Type.BOOLEAN:
            return edge
        case Type.INTEGER:
            return some.one(INTEGERS) if edge else some.number(-50, 50)
        case Type.DOUBLE:
            return some.one(REALS) if edge else Fraction(some.number(-8000, 8000), 8)
        case Type.TEXT:
            return some.one(WORDS) if edge else "".join(some.some("abB 中%_'\\1", 6))
        case Type.DATE:
            return some.one(DAYS) if edge else date(2023, 12, 1) + timedelta(days=some.number(0, 427))
        case _:
            start = datetime.fromisoformat("2024-01-01T00:00:00")
            return start + timedelta(seconds=some.number(-(10**9), 40 * 10**6))


def values_of(type_: Type) -> st.SearchStrategy[Scalar]:
    """Values of a type, edges among them; never NULL."""
    return drawn(value, type_)


def literal(some: Draws, type_: Type, *, null: bool = True) -> Literal:
    """A literal of a type, sometimes NULL where asked."""
    return Literal(type_, None if null and some.chance(6) else value(some, type_))


@cache
def signatures(result: Type) -> tuple[tuple[str, tuple[Type, ...], Signature], ...]:
    """Every function that can return a type, at argument types of its own (no conversions beside those it makes)."""
    found = list[tuple[str, tuple[Type, ...], Signature]]()
    for name in FUNCTIONS:
        for size in (1, 2, 3):
            for types in product(UNARY_KINDS, repeat=size):
                try:
                    signature = resolve(name, types)
                except Refusal:
                    continue
                if signature.result is result:
                    found.append((name, types, signature))
    if result is Type.INTEGER:
        types = (Type.DOUBLE, Type.DOUBLE, Type.DOUBLE, Type.INTEGER)
        found.append(("width_bucket", types, resolve("width_bucket", types)))
    if result is Type.TIMESTAMP:
        parts = (*(Type.INTEGER,) * 5, Type.DOUBLE)
        found.append(("make_timestamp", parts, resolve("make_timestamp", parts)))
    return tuple(found)


def expression(some: Draws, columns: Mapping[str, Type], type_: Type, depth: int = 3) -> Expression:
    """An expression of a type over columns."""
    named = [name for name, found in columns.items() if found is type_]
    if depth == 0 or some.number(0, 3) == 0:
        if named and some.number(0, 3):
            return Ref(some.one(named))
        return literal(some, type_)
    name, types, _ = some.one(signatures(type_))
    if name in ("is_null", "is_not_null"):
        hidden = [one for one, found in columns.items() if found in (Type.UNIT, Type.PRESENCE)]
        if hidden and some.number(0, 1):
            return Call(name, (Ref(some.one(hidden)),))
    fixed = fixed_arguments(some, name, types) if FUNCTIONS[name].literals(len(types)) else {}
    arguments = tuple(
        fixed[place] if place in fixed else expression(some, columns, one, depth - 1) for place, one in enumerate(types)
    )
    return Call(name, arguments)


def expressions(columns: Mapping[str, Type], type_: Type) -> st.SearchStrategy[Expression]:
    """Expressions of a type over columns."""
    return drawn(expression, columns, type_)


def fixed_arguments(some: Draws, name: str, types: tuple[Type, ...]) -> dict[int, Literal]:
    """Literals for the places that demand them, which mean something there."""
    places = sorted(FUNCTIONS[name].literals(len(types)))
    match name:
        case "round" | "trunc" | "round_even":
            return {1: Literal(Type.INTEGER, some.number(-4, 4))}
        case "width_bucket":
            low, high = sorted(some.different(REALS, 2, 2))
            buckets = Literal(Type.INTEGER, some.number(1, 20))
            return {1: Literal(Type.DOUBLE, low), 2: Literal(Type.DOUBLE, high), 3: buckets}
        case "clamp" if types[1] is types[2]:
            lo, hi = sorted((value(some, types[1]), value(some, types[1])))  # type: ignore[type-var]
            return {1: Literal(types[1], lo), 2: Literal(types[2], hi)}
        case "clamp":
            return {1: _small(types[1], 0), 2: _small(types[2], 9)}
        case "in" | "like" | "replace":
            return {place: literal(some, types[place], null=name == "in") for place in places}
        case _:
            chosen = some.one(literal_choices(name, types))
            return {place: Literal(types[place], one) for place, one in zip(places, chosen, strict=True)}


def _small(type_: Type, value: int) -> Literal:
    """A literal whose order does not depend on its type."""
    match type_:
        case Type.INTEGER:
            return Literal(type_, value)
        case Type.DOUBLE:
            return Literal(type_, Fraction(value))
        case Type.DATE:
            return Literal(type_, date(2024, 1, 1 + value))
        case _:
            return Literal(type_, datetime.fromisoformat(f"2024-01-{1 + value:02}T00:00:00"))


@dataclass(frozen=True, slots=True)
class Built:
    """A relation and the types of its columns."""

    relation: Relation
    columns: Mapping[str, Type]
