"""The table of scalar functions: a function exists only as a row of it.

Every function is total: it raises on no value, and where it has none its result is NULL. No result is NaN or infinite,
no text longer than `TEXT_LENGTH`, no date outside the years 1 to 9999. A NULL argument gives NULL unless SQL says
otherwise (three-valued logic, CASE, COALESCE, LEAST and GREATEST, IS NULL, IS DISTINCT FROM).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.errors import Refusal
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import (
    NUMBERS,
    TIMES,
    VALUES,
    Signature,
    TypeRule,
    anything,
    branches,
    difference,
    either,
    fixed,
    keeping,
    same,
    taking,
    truncation,
)

Positions: TypeAlias = Callable[[int], frozenset[int]]
"""From the number of arguments to the positions that must be literals."""


def nowhere(count: int) -> frozenset[int]:  # noqa: ARG001
    """No position."""
    return frozenset()


def at(*positions: int) -> Positions:
    """These positions, as far as there are so many arguments."""
    return lambda count: frozenset(position for position in positions if position < count)


def after(first: int) -> Positions:
    """Every position from `first` on."""
    return lambda count: frozenset(range(first, count))


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table."""

    name: str
    types: TypeRule
    literals: Positions = nowhere


TEXT, INTEGER, DOUBLE, BOOLEAN = Type.TEXT, Type.INTEGER, Type.DOUBLE, Type.BOOLEAN
DATE, TIMESTAMP = Type.DATE, Type.TIMESTAMP
NUMBER = either(fixed((INTEGER,), INTEGER), fixed((DOUBLE,), DOUBLE))
REAL = fixed((DOUBLE,), DOUBLE)
COMPARISON = same(VALUES, 2, 2, BOOLEAN)
PART = taking(TIMES, (), INTEGER)
TEXTS = fixed((TEXT, TEXT), BOOLEAN)
CASED = fixed((TEXT,), TEXT)

ROWS: tuple[Function, ...] = (
    Function("add", same(NUMBERS, 2, 2)),
    Function("subtract", same(NUMBERS, 2, 2)),
    Function("multiply", same(NUMBERS, 2, 2)),
    Function("divide", fixed((DOUBLE, DOUBLE), DOUBLE)),
    Function("integer_divide", fixed((INTEGER, INTEGER), INTEGER)),
    Function("modulo", same(NUMBERS, 2, 2)),
    Function("negate", NUMBER),
    Function("equal", COMPARISON),
    Function("not_equal", COMPARISON),
    Function("less", COMPARISON),
    Function("less_equal", COMPARISON),
    Function("greater", COMPARISON),
    Function("greater_equal", COMPARISON),
    Function("is_null", anything(BOOLEAN)),
    Function("is_not_null", anything(BOOLEAN)),
    Function("is_distinct_from", COMPARISON),
    Function("and", same((BOOLEAN,), 2, None)),
    Function("or", same((BOOLEAN,), 2, None)),
    Function("not", fixed((BOOLEAN,), BOOLEAN)),
    Function("case", branches),
    Function("coalesce", same(VALUES, 1, None)),
    Function("nullif", same(VALUES, 2, 2)),
    Function("in", same(VALUES, 2, None, BOOLEAN), after(1)),
    Function("like", TEXTS, at(1)),
    Function("least", same(VALUES, 1, None)),
    Function("greatest", same(VALUES, 1, None)),
    Function("clamp", same((*NUMBERS, *TIMES), 3, 3), at(1, 2)),
    Function("abs", NUMBER),
    Function("round", either(NUMBER, keeping(NUMBERS, (INTEGER,))), at(1)),
    Function("floor", NUMBER),
    Function("ceil", NUMBER),
    Function("sign", taking(NUMBERS, (), INTEGER)),
    Function("sqrt", REAL),
    Function("ln", REAL),
    Function("exp", REAL),
    Function("power", fixed((DOUBLE, DOUBLE), DOUBLE)),
    Function("cast_integer", taking((BOOLEAN, *NUMBERS, TEXT), (), INTEGER)),
    Function("cast_double", taking((BOOLEAN, *NUMBERS, TEXT), (), DOUBLE)),
    Function("cast_text", taking(VALUES, (), TEXT)),
    Function("cast_date", taking((TEXT, *TIMES), (), DATE)),
    Function("cast_timestamp", taking((TEXT, *TIMES), (), TIMESTAMP)),
    Function("cast_boolean", taking((BOOLEAN, *NUMBERS, TEXT), (), BOOLEAN)),
    Function("year", PART),
    Function("quarter", PART),
    Function("month", PART),
    Function("day", PART),
    Function("day_of_week", PART),
    Function("day_of_year", PART),
    Function("hour", PART),
    Function("date_trunc", truncation, at(0)),
    Function("date_add_days", keeping(TIMES, (INTEGER,))),
    Function("date_add_months", keeping(TIMES, (INTEGER,))),
    Function("date_difference", difference, at(0)),
    Function("lower", CASED),
    Function("upper", CASED),
    Function("trim", CASED),
    Function("ltrim", CASED),
    Function("rtrim", CASED),
    Function("substring", either(fixed((TEXT, INTEGER), TEXT), fixed((TEXT, INTEGER, INTEGER), TEXT))),
    Function("length", fixed((TEXT,), INTEGER)),
    Function("concat", same((TEXT,), 1, None)),
    Function("starts_with", TEXTS),
    Function("ends_with", TEXTS),
    Function("contains", TEXTS),
    Function("replace", fixed((TEXT, TEXT, TEXT), TEXT), at(1, 2)),
    Function("left", fixed((TEXT, INTEGER), TEXT)),
    Function("right", fixed((TEXT, INTEGER), TEXT)),
    Function("width_bucket", fixed((DOUBLE, DOUBLE, DOUBLE, INTEGER), INTEGER), at(1, 2, 3)),
)

FUNCTIONS: Mapping[str, Function] = {row.name: row for row in ROWS}


def resolve(name: str, types: tuple[Type, ...]) -> Signature:
    """The signature of a function at these argument types.

    Refuses: `plan.unknown_function`, `plan.type`, `plan.unit_value` (rule 9).
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise Refusal("plan.unknown_function", {"function": name})
    signature = function.types(types)
    if signature is None:
        if Type.UNIT in types or Type.PRESENCE in types:
            raise Refusal("plan.unit_value", {"function": name})
        raise Refusal("plan.type", {"function": name, "types": ", ".join(types) or "none"})
    return signature
