"""The table of scalar functions: a function exists only as a row of it.

Every function is total: it raises on no value, and where it has none its result is NULL. No result is NaN or infinite,
no text longer than `TEXT_LENGTH`, no date outside the years 1 to 9999. A NULL argument gives NULL unless SQL says
otherwise (three-valued logic, CASE, COALESCE, LEAST and GREATEST, IS NULL, IS DISTINCT FROM).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from sandbox.errors import Refusal
from sandbox.plan import arithmetic, date_ranges, moments, ranges, sets, texts
from sandbox.plan.arithmetic import Reference
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.ranges import Rule
from sandbox.plan.sets import SetRule
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
from sandbox.plan.values import SET_LIMIT, Values, converted, enumerated, of_members, size, stored

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
    reference: Reference
    """The function on single values, without NULL unless `lifted`; equal to the engine's."""
    range: Rule
    literals: Positions = nowhere
    lifted: bool = False
    """Whether it says itself what NULL arguments give; else they give NULL."""
    members: SetRule | None = None
    """Where its value set is known without trying every combination."""

    def of(self, *arguments: Scalar) -> Scalar:
        """The function's value; raises UnknownValueError where it is not claimed to be known."""
        if not self.lifted:
            for argument in arguments:
                if argument is None:
                    return None
        return self.reference(*arguments)


TEXT, INTEGER, DOUBLE, BOOLEAN = Type.TEXT, Type.INTEGER, Type.DOUBLE, Type.BOOLEAN
DATE, TIMESTAMP = Type.DATE, Type.TIMESTAMP
NUMBER = either(fixed((INTEGER,), INTEGER), fixed((DOUBLE,), DOUBLE))
REAL = fixed((DOUBLE,), DOUBLE)
COMPARISON = same(VALUES, 2, 2, BOOLEAN)
PART = taking(TIMES, (), INTEGER)
TEXTS = fixed((TEXT, TEXT), BOOLEAN)
CASED = fixed((TEXT,), TEXT)

ROWS: tuple[Function, ...] = (
    Function("add", same(NUMBERS, 2, 2), arithmetic.add, ranges.additive(operator.add)),
    Function("subtract", same(NUMBERS, 2, 2), arithmetic.subtract, ranges.additive(operator.sub)),
    Function("multiply", same(NUMBERS, 2, 2), arithmetic.multiply, ranges.multiply),
    Function("divide", fixed((DOUBLE, DOUBLE), DOUBLE), arithmetic.divide, ranges.divide),
    Function("integer_divide", fixed((INTEGER, INTEGER), INTEGER), arithmetic.integer_divide, ranges.integer_divide),
    Function("modulo", same(NUMBERS, 2, 2), arithmetic.modulo, ranges.modulo),
    Function("negate", NUMBER, arithmetic.negate, ranges.negate),
    Function("equal", COMPARISON, operator.eq, ranges.truth),
    Function("not_equal", COMPARISON, operator.ne, ranges.truth),
    Function("less", COMPARISON, operator.lt, ranges.truth),
    Function("less_equal", COMPARISON, operator.le, ranges.truth),
    Function("greater", COMPARISON, operator.gt, ranges.truth),
    Function("greater_equal", COMPARISON, operator.ge, ranges.truth),
    Function("is_null", anything(BOOLEAN), arithmetic.is_null, ranges.decided, lifted=True),
    Function("is_not_null", anything(BOOLEAN), arithmetic.is_not_null, ranges.decided, lifted=True),
    Function("is_distinct_from", COMPARISON, arithmetic.is_distinct_from, ranges.decided, lifted=True),
    Function("and", same((BOOLEAN,), 2, None), arithmetic.conjunction, ranges.truth, lifted=True),
    Function("or", same((BOOLEAN,), 2, None), arithmetic.disjunction, ranges.truth, lifted=True),
    Function("not", fixed((BOOLEAN,), BOOLEAN), operator.not_, ranges.truth),
    Function("case", branches, arithmetic.case, ranges.case, lifted=True, members=sets.case),
    Function(
        "coalesce",
        same(VALUES, 1, None),
        arithmetic.coalesce,
        ranges.coalesce,
        lifted=True,
        members=sets.coalesce,
    ),
    Function("nullif", same(VALUES, 2, 2), arithmetic.nullif, ranges.nullif, lifted=True),
    Function("in", same(VALUES, 2, None, BOOLEAN), arithmetic.contained, ranges.truth, literals=after(1), lifted=True),
    Function("like", TEXTS, texts.like, ranges.truth, literals=at(1)),
    Function("least", same(VALUES, 1, None), arithmetic.least, ranges.extreme, lifted=True),
    Function("greatest", same(VALUES, 1, None), arithmetic.greatest, ranges.extreme, lifted=True),
    Function("clamp", same((*NUMBERS, *TIMES), 3, 3), arithmetic.clamp, ranges.clamp, literals=at(1, 2)),
    Function("abs", NUMBER, arithmetic.absolute, ranges.absolute),
    Function("round", either(NUMBER, keeping(NUMBERS, (INTEGER,))), arithmetic.rounded, ranges.rounded, literals=at(1)),
    Function("floor", NUMBER, arithmetic.floor, ranges.monotone(arithmetic.floor, ranges.ONE)),
    Function("ceil", NUMBER, arithmetic.ceil, ranges.monotone(arithmetic.ceil, ranges.ONE)),
    Function("sign", taking(NUMBERS, (), INTEGER), arithmetic.sign, ranges.sign),
    Function("sqrt", REAL, arithmetic.sqrt, ranges.sqrt),
    Function("ln", REAL, arithmetic.unknown, ranges.transcendental(math.log, lambda one: one[0] > 0)),
    Function("exp", REAL, arithmetic.unknown, ranges.transcendental(math.exp, lambda _: True)),
    Function("power", fixed((DOUBLE, DOUBLE), DOUBLE), arithmetic.unknown, ranges.power),
    Function("cast_integer", taking((BOOLEAN, *NUMBERS, TEXT), (), INTEGER), texts.cast_integer, ranges.cast),
    Function("cast_double", taking((BOOLEAN, *NUMBERS, TEXT), (), DOUBLE), texts.cast_double, ranges.cast),
    Function("cast_text", taking(VALUES, (), TEXT), texts.cast_text, ranges.opaque),
    Function("cast_date", taking((TEXT, *TIMES), (), DATE), texts.cast_date, date_ranges.cast),
    Function("cast_timestamp", taking((TEXT, *TIMES), (), TIMESTAMP), texts.cast_timestamp, date_ranges.cast),
    Function("cast_boolean", taking((BOOLEAN, *NUMBERS, TEXT), (), BOOLEAN), texts.cast_boolean, ranges.partial),
    Function("year", PART, moments.year, date_ranges.year),
    Function("quarter", PART, moments.quarter, ranges.constant(1, 4)),
    Function("month", PART, moments.month, ranges.constant(1, 12)),
    Function("day", PART, moments.day, ranges.constant(1, 31)),
    Function("day_of_week", PART, moments.day_of_week, ranges.constant(0, 6)),
    Function("day_of_year", PART, moments.day_of_year, ranges.constant(1, 366)),
    Function("hour", PART, moments.hour, ranges.constant(0, 23)),
    Function("date_trunc", truncation, moments.truncate, date_ranges.truncate, literals=at(0), members=sets.starts),
    Function("date_add_days", keeping(TIMES, (INTEGER,)), moments.add_days, date_ranges.shifted(moments.add_days)),
    Function(
        "date_add_months", keeping(TIMES, (INTEGER,)), moments.add_months, date_ranges.shifted(moments.add_months)
    ),
    Function("date_difference", difference, moments.difference, date_ranges.difference, literals=at(0)),
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
    Function(
        "width_bucket",
        fixed((DOUBLE, DOUBLE, DOUBLE, INTEGER), INTEGER),
        arithmetic.width_bucket,
        ranges.width_bucket,
        literals=at(1, 2, 3),
    ),
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


def evaluate(name: str, signature: Signature, arguments: tuple[Values, ...], budget: int) -> tuple[Values, int]:
    """The values of a call, and what it took to know its value set, which is nothing where `budget` does not allow it.

    Where all arguments have small value sets the function is applied to every combination.
    Unit: single values built or given to the function.
    """
    function = FUNCTIONS[name]
    given = tuple(map(converted, arguments, signature.parameters))
    found = replace(function.range(signature, given), per_unit=all(one.per_unit for one in arguments))
    if found.members is not None:
        return found, 0
    members = None if function.members is None else function.members(arguments, found, budget)
    if members is not None:
        return _exactly(members, found, nullable=found.nullable), len(members)
    sizes = [None if (count := size(one)) is None else count + one.nullable for one in arguments]
    count = math.prod(one for one in sizes if one is not None)
    spent = count * len(arguments)
    if found.type is Type.BOOLEAN or None in sizes or count > SET_LIMIT or spent > budget:
        return found, 0
    try:
        results = [function.of(*each) for each in product(*map(_possible, arguments, signature.parameters))]
    except arithmetic.UnknownValueError:
        return found, spent
    return _exactly(results, found, nullable=False), spent


def _possible(values: Values, wanted: Type) -> list[Scalar]:
    """The finite value set as the function sees it, with NULL where it is possible."""
    members = enumerated(values) or ()
    seen = members if values.type is wanted else [stored(wanted, one) for one in members]
    return [*seen, *([None] if values.nullable else [])]


def _exactly(members: Iterable[Scalar], found: Values, *, nullable: bool) -> Values:
    """What is known already, and these values."""
    exact = of_members(found.type, members, nullable=nullable, granularity=found.granularity)
    return replace(exact, per_unit=found.per_unit)
