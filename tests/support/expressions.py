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


def values_of(type_: Type) -> st.SearchStrategy[Scalar]:
    """Values of a type, edges among them; never NULL."""
    match type_:
        case Type.BOOLEAN:
            return st.booleans()
        case Type.INTEGER:
            return st.sampled_from(INTEGERS) | st.integers(-50, 50)
        case Type.DOUBLE:
            return st.sampled_from(REALS) | st.fractions(-1000, 1000, max_denominator=8)
        case Type.TEXT:
            return st.sampled_from(WORDS) | st.text(st.sampled_from("abB 中%_'\\1"), max_size=6)
        case Type.DATE:
            return st.sampled_from(DAYS) | st.dates(date(2023, 12, 1), date(2025, 1, 31))
        case _:
            start = datetime.fromisoformat("2024-01-01T00:00:00")
            return st.integers(-(10**9), 40 * 10**6).map(lambda seconds: start + timedelta(seconds=seconds))


def literals(type_: Type, *, null: bool = True) -> st.SearchStrategy[Literal]:
    """Literals of a type, NULL among them where asked."""
    values = values_of(type_)
    return st.builds(Literal, st.just(type_), st.none() | values if null else values)


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


@st.composite
def expressions(draw: st.DrawFn, columns: Mapping[str, Type], type_: Type, depth: int = 3) -> Expression:
    """An expression of a type over columns."""
    named = [name for name, found in columns.items() if found is type_]
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        leaves: st.SearchStrategy[Expression] = literals(type_)
        if named:
            leaves = st.sampled_from(named).map(Ref) | st.sampled_from(named).map(Ref) | leaves
        return draw(leaves)
    name, types, _ = draw(st.sampled_from(signatures(type_)))
    if name in ("is_null", "is_not_null"):
        hidden = [one for one, found in columns.items() if found in (Type.UNIT, Type.PRESENCE)]
        if draw(st.booleans()) and hidden:
            return Call(name, (Ref(draw(st.sampled_from(hidden))),))
    places = FUNCTIONS[name].literals(len(types))
    fixed = draw(fixed_arguments(name, types)) if places else {}
    arguments = tuple(
        fixed[place] if place in fixed else draw(expressions(columns, one, depth - 1))
        for place, one in enumerate(types)
    )
    return Call(name, arguments)


@st.composite
def fixed_arguments(draw: st.DrawFn, name: str, types: tuple[Type, ...]) -> dict[int, Literal]:
    """Literals for the places that demand them, which mean something there."""
    places = sorted(FUNCTIONS[name].literals(len(types)))
    match name:
        case "round" | "trunc" | "round_even":
            return {1: Literal(Type.INTEGER, draw(st.integers(-4, 4)))}
        case "width_bucket":
            low, high = sorted(draw(st.lists(st.sampled_from(REALS), min_size=2, max_size=2, unique=True)))
            buckets = Literal(Type.INTEGER, draw(st.integers(1, 20)))
            return {1: Literal(Type.DOUBLE, low), 2: Literal(Type.DOUBLE, high), 3: buckets}
        case "clamp" if types[1] is types[2]:
            lo, hi = sorted(draw(st.lists(values_of(types[1]), min_size=2, max_size=2)))  # type: ignore[type-var]
            return {1: Literal(types[1], lo), 2: Literal(types[2], hi)}
        case "clamp":
            return {1: _small(types[1], 0), 2: _small(types[2], 9)}
        case "in" | "like" | "replace":
            return {place: draw(literals(types[place], null=name == "in")) for place in places}
        case _:
            chosen = draw(st.sampled_from(literal_choices(name, types)))
            return {place: Literal(types[place], value) for place, value in zip(places, chosen, strict=True)}


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
