"""Rules broken on purpose, one place each: the test that guards the rule then fails. Where it guards, it passes as the
code stands; so a guard that sees nothing is seen here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any
from unittest import mock

import pytest

from sandbox import execution
from sandbox.datasets import enforcement, parts
from sandbox.engines import measures
from sandbox.plan import relations
from sandbox.privacy import bounding, calibrate, intervals, sensitivity
from sandbox.privacy.conversion import rho_of
from tests.privacy import (
    test_adaptive,
    test_bounded_statistics,
    test_calibrate,
    test_intervals,
    test_load_separability,
    test_separability,
)
from tests.support.measures import SUM_X
from tests.unit import test_bounding, test_load_values

TABLES = {
    "people": [(1, "f"), (2, "m")],
    "visits": [(no, str(1 + no % 2), "A", str(no)) for no in range(12)],
    "notes": [],
    "drugs": [],
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, broken in one place."""

    rule: int
    how: str
    where: Any
    what: str
    put: Any
    guard: Callable[[], object]


def load() -> None:
    inner(test_load_separability.test_removing_a_unit_changes_nobody_else)(TABLES, 1, Random(1))


def cells() -> None:
    every(test_load_values.test_cell)


def epsilon() -> None:
    every(test_calibrate.test_epsilon_is_dp_of_the_whole_request_thresholds_included)


def joins() -> None:
    test_separability.test_every_kind_of_join(1)


def totals() -> None:
    for unit in (1, 2):
        test_bounded_statistics.test_every_kind_of_measure(unit)


def scales() -> None:
    test = inner(test_calibrate.test_each_statistic_has_the_least_noise_its_share_allows)
    test(rho=Fraction(1, 8), aggregates=[SUM_X], rows=4, bounds=None, hi=100)


def capacity() -> None:
    test_bounding.test_no_total_reaches_the_capacity(1000, 10**15, 10**6)


def coverage() -> None:
    test_intervals.test_intervals_cover(*test_intervals.SPENDS["zcdp"], None)


def inner(test: Any) -> Callable[..., object]:
    """A property test, for a case that is given."""
    found: Callable[..., object] = test.hypothesis.inner_test
    return found


def every(test: Any) -> None:
    """A parametrized test with each of its parameters."""
    (mark,) = test.pytestmark
    for given in mark.args[1]:
        test(*given) if isinstance(given, tuple) else test(given)


def scaled(function: Callable[..., Any], factor: Fraction) -> Callable[..., Any]:
    return lambda *given: function(*given) * factor


MUTANTS = (
    Mutant(1, "rows of a unit by their place in the file", parts, "content_sql", lambda _: "CAST(n AS VARCHAR)", load),
    Mutant(5, "values stored as they come", enforcement, "enforce_sql", lambda _, value, *__: value, cells),
    Mutant(6, "ε buys a fifth more ρ", calibrate, "rho_of", scaled(rho_of, Fraction(6, 5)), epsilon),
    Mutant(10, "a join makes no rows more", relations, "_rows", lambda left, *_: left.rows, joins),
    Mutant(17, "partial sums not clipped", measures, "_clip", lambda value, *_: value, totals),
    Mutant(18, "one unit counts 1", calibrate, "sensitivity", lambda *_: sensitivity.Sensitivity(1, 1, 1, 1), scales),
    Mutant(20, "a unit has one group", bounding, "_groups", lambda _: 1, totals),
    Mutant(
        26,
        "released values enter as they are",
        execution,
        "held",
        lambda _, rows: tuple(rows),
        test_adaptive.test_a_released_count_enters_within_its_range,
    ),
    Mutant(27, "totals above 2⁶²", bounding, "CAPACITY", 2**70, capacity),
    Mutant(29, "intervals a fifth short", intervals, "quantile", scaled(intervals.quantile, Fraction(4, 5)), coverage),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"rule {mutant.rule}: {mutant.how}")
def test_its_guard_fails(mutant: Mutant) -> None:
    with mock.patch.object(mutant.where, mutant.what, mutant.put), pytest.raises(AssertionError):
        mutant.guard()
