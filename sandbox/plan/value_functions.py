"""The functions of values of any type: comparisons, logic, choices, casts.

Rule: total and row-local: what cannot be cast is NULL (rules 2, 15); value sets follow, and become public group keys
    (rule 23)
"""

from __future__ import annotations

import operator

from sandbox.plan import arithmetic, date_ranges, meanings, ranges, sets, texts
from sandbox.plan.function import Function, after, at
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import NUMBERS, TIMES, VALUES, anything, branches, fixed, same, taking

TEXT, INTEGER, DOUBLE, BOOLEAN = Type.TEXT, Type.INTEGER, Type.DOUBLE, Type.BOOLEAN
DATE, TIMESTAMP = Type.DATE, Type.TIMESTAMP
COMPARISON = same(VALUES, 2, 2, BOOLEAN)

VALUE_FUNCTIONS: tuple[Function, ...] = (
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
    Function(
        "in",
        same(VALUES, 2, None, BOOLEAN),
        arithmetic.contained,
        ranges.truth,
        literals=after(1),
        meant=meanings.anything,
        lifted=True,
    ),
    Function("least", same(VALUES, 1, None), arithmetic.least, ranges.extreme, lifted=True),
    Function("greatest", same(VALUES, 1, None), arithmetic.greatest, ranges.extreme, lifted=True),
    Function(
        "clamp",
        same((*NUMBERS, *TIMES), 3, 3),
        arithmetic.clamp,
        ranges.clamp,
        literals=at(1, 2),
        meant=meanings.limits,
    ),
    Function("cast_integer", taking((BOOLEAN, *NUMBERS, TEXT), (), INTEGER), texts.cast_integer, ranges.cast),
    Function("cast_double", taking((BOOLEAN, *NUMBERS, TEXT), (), DOUBLE), texts.cast_double, ranges.cast),
    Function("cast_text", taking(VALUES, (), TEXT), texts.cast_text, ranges.opaque),
    Function("cast_date", taking((TEXT, *TIMES), (), DATE), texts.cast_date, date_ranges.cast),
    Function("cast_timestamp", taking((TEXT, *TIMES), (), TIMESTAMP), texts.cast_timestamp, date_ranges.cast),
    Function("cast_boolean", taking((BOOLEAN, *NUMBERS, TEXT), (), BOOLEAN), texts.cast_boolean, ranges.partial),
)
"""Rows of the function table."""
