"""Value sets that follow from a range: group keys that need no threshold (rule 23)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sandbox.plan.expressions import Judge
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Type
from sandbox.plan.relations import Known, filtered
from sandbox.plan.values import Members, Values

INCOME = Values(Type.DOUBLE, nullable=True, lo=Fraction(-5, 2), hi=Fraction(205, 10), granularity=Fraction(1, 100))
X = Ref("x")


def members(expression: Expression, values: Values = INCOME) -> Members | None:
    return Judge(standard(1000)).judge(expression, {"x": values}).values.members


def digits(function: str, kept: int) -> Call:
    return Call(function, (X, Literal(Type.INTEGER, kept)))


@pytest.mark.parametrize(
    ("expression", "first", "last", "step"),
    [
        (Call("floor", (X,)), -3, 20, 1),
        (Call("ceil", (X,)), -2, 21, 1),
        (Call("round", (X,)), -3, 21, 1),
        (Call("trunc", (X,)), -2, 20, 1),
        (digits("round", -1), 0, 20, 10),
        (digits("round_even", 0), -2, 20, 1),
        (digits("trunc", -1), 0, 20, 10),
    ],
)
def test_a_rounding_to_whole_numbers_has_as_many_values_as_there_are(
    expression: Call, first: int, last: int, step: int
) -> None:
    assert members(expression) == tuple(map(Fraction, range(first, last + 1, step)))


def test_buckets_are_multiples_of_their_width() -> None:
    width = Literal(Type.DOUBLE, Fraction(5))
    buckets = Call("multiply", (Call("floor", (Call("divide", (X, width)),)), width))
    assert members(buckets) == tuple(map(Fraction, range(-5, 21, 5)))


def test_digits_after_the_point_and_ranges_too_wide_have_none() -> None:
    assert members(digits("round", 1)) is None
    assert members(Call("floor", (X,)), Values(Type.DOUBLE, lo=Fraction(0), hi=Fraction(10**6))) is None
    assert members(Call("floor", (X,)), Values(Type.DOUBLE, lo=Fraction(10**16), hi=Fraction(10**16 + 4))) is None
    assert members(Call("floor", (X,)), Values(Type.DOUBLE)) is None


def test_a_real_number_that_is_a_key_counts_no_rows() -> None:
    """Rule 10: between 1 and 2 there are more real numbers than two."""
    held = Call("less_equal", (X, Literal(Type.INTEGER, 2)))
    for type_, rows in ((Type.INTEGER, 2), (Type.DOUBLE, 60)):
        known = Known("people", {"x": Values(type_, lo=1, hi=99)}, 60, frozenset({frozenset({"x"})}), {})
        assert filtered(known, held).rows == rows
