"""The grid of an expression holds all its values, where people wrote its numbers; sums on it are exact."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sandbox.plan.nodes import Type
from sandbox.plan.ranges import SHORT, finer, grid
from sandbox.plan.values import Values

CENT = Fraction(1, 100)


@pytest.mark.parametrize(
    ("grids", "expected"),
    [
        ((CENT, Fraction(1)), CENT),
        ((CENT, Fraction(1, 8)), Fraction(1, 200)),
        ((CENT, Fraction(1, 7)), Fraction(1, 700)),
        ((Fraction(4), Fraction(6)), Fraction(2)),
        ((Fraction(3, 2), Fraction(5, 4)), Fraction(1, 4)),
        ((CENT, Fraction(1, 2**30)), Fraction(1, 2**30)),
        ((CENT, None), None),
        ((), None),
    ],
)
def test_the_coarsest_grid_that_all_lie_on(grids: tuple[Fraction | None, ...], expected: Fraction | None) -> None:
    found = finer([Values(Type.DOUBLE, granularity=each) for each in grids])
    assert found == expected
    assert all((each / found).denominator == 1 for each in grids if found and each and found.denominator <= SHORT)


@pytest.mark.parametrize("number", [Fraction(1, 8), Fraction(2, 7), Fraction(-7, 4), Fraction(5), Fraction(0)])
def test_one_value_lies_on_its_grid(number: Fraction) -> None:
    assert (number / grid(number, number)).denominator == 1


def test_a_range_is_a_share_of_a_step() -> None:
    assert grid(0, 1) == Fraction(1, 2**30)
    assert grid(-3, 3) == Fraction(1, 2**28)
