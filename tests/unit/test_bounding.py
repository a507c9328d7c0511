"""From structure, request and card to bounds and statistics."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedMeasure
from sandbox.plan.limits import KEY_BYTES
from sandbox.plan.nodes import Aggregate, Literal, Ref, Type
from sandbox.plan.values import Values
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.sensitivity import sensitivity
from sandbox.privacy.statistics import CAPACITY, REAL, SCALING, Estimate, StatisticKind
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, SUM_X, checked, key, number

UNITS = 10_000
YEARS = key([1, 2, 3])


@pytest.mark.parametrize(
    ("measure", "requested", "default", "bounds", "fold"),
    [
        (checked([COUNT_ROWS], rows=1), None, None, (1, 1), False),
        (checked([COUNT_ROWS], rows=7), None, None, (1, 7), False),
        (checked([COUNT_ROWS], rows=7, keys=[YEARS]), None, None, (3, 7), False),
        (checked([COUNT_ROWS], rows=2, keys=[YEARS]), None, None, (2, 2), False),
        (checked([COUNT_ROWS], rows=7, keys=[key([1, 2], nullable=True)]), None, None, (3, 7), False),
        (checked([COUNT_ROWS], rows=7, keys=[key([1, 2, 3], per_unit=True)]), None, None, (1, 7), False),
        (checked([COUNT_ROWS], rows=9, keys=[key([1, 2], per_unit=True), YEARS]), None, None, (3, 9), False),
        (checked([COUNT_ROWS], rows=9, keys=[key(None, per_unit=True)]), None, None, (1, 9), False),
        (checked([COUNT_ROWS], rows=9, keys=[key(None), YEARS]), None, None, (9, 9), False),
        (checked([COUNT_ROWS], rows=9, keys=[YEARS], unit_keys=[frozenset({"c1"})]), None, None, (3, 1), False),
        (checked([COUNT_ROWS], rows=9, keys=[YEARS], unit_keys=[frozenset({"c1", "x"})]), None, None, (3, 9), False),
        (checked([COUNT_ROWS], rows=7, keys=[YEARS]), None, Bounds(2, 4), (2, 4), True),
        (checked([COUNT_ROWS], rows=7, keys=[YEARS]), Bounds(1, 2), Bounds(2, 4), (1, 2), True),
        (checked([COUNT_ROWS], rows=7, keys=[YEARS]), Bounds(50, 50), Bounds(2, 4), (3, 7), False),
        (checked([COUNT_ROWS], rows=7, keys=[YEARS]), Bounds(50, 2), None, (3, 2), True),
    ],
)
def test_bounds_follow_structure_then_request_then_card(
    measure: CheckedMeasure,
    requested: Bounds | None,
    default: Bounds | None,
    bounds: tuple[int, int],
    fold: bool,
) -> None:
    bounded = bound(measure, requested, default, UNITS)
    assert (bounded.bounds.groups, bounded.bounds.rows) == bounds
    assert bounded.fold is fold


def test_a_nullable_column_is_no_unit_key() -> None:
    measure = checked([COUNT_ROWS], rows=9, keys=[key([1, 2], nullable=True)], unit_keys=[frozenset({"c1"})])
    assert bound(measure, None, None, UNITS).bounds == Bounds(3, 9)


def plain(bounded: BoundedMeasure) -> list[Estimate]:
    """The estimates of counts, sums and averages."""
    return [each for each in bounded.estimates if isinstance(each, Estimate)]


def kinds(bounded: BoundedMeasure) -> list[tuple[StatisticKind, int, int, int]]:
    return [(each.kind, each.centre, each.low, each.high) for each in bounded.statistics]


def test_count_sum_and_average_take_two_statistics_where_bounds_cannot_bind() -> None:
    measure = checked([SUM_X, COUNT_X, AVG_X], rows=1, x=number(0, 100))
    bounded = bound(measure, None, None, UNITS)
    assert kinds(bounded) == [(StatisticKind.ROWS, 0, 0, 1), (StatisticKind.SUM, 50, -50, 50)]
    total, count, average = plain(bounded)
    assert (total.statistic, total.weight, total.divisor) == ("m1s2", "m1s1", None)
    assert (count.statistic, count.weight, count.divisor) == ("m1s1", None, None)
    assert (average.statistic, average.weight, average.divisor) == ("m1s2", None, "m1s1")
    assert [each.type for each in bounded.estimates] == [Type.INTEGER, Type.INTEGER, Type.DOUBLE]


def test_folding_keeps_sum_and_average_apart() -> None:
    measure = checked([COUNT_X, SUM_X, AVG_X], rows=9, x=number(10, 20))
    assert kinds(bound(measure, Bounds(1, 2), None, UNITS)) == [
        (StatisticKind.ROWS, 0, 0, 1),
        (StatisticKind.SCALED_SUM, 15, -5, 5),
        (StatisticKind.SUM, 0, 10, 20),
    ]


def test_a_sum_alone_is_not_centred() -> None:
    assert kinds(bound(checked([SUM_X], x=number(10, 20)), None, None, UNITS)) == [(StatisticKind.SUM, 0, 10, 20)]


def test_count_of_what_is_never_null_is_count_of_rows() -> None:
    measure = checked([COUNT_ROWS, COUNT_X, AVG_X], x=number(nullable=False))
    assert len(bound(measure, None, None, UNITS).statistics) == 2
    nullable = checked([COUNT_ROWS, COUNT_X, AVG_X], x=number(nullable=True))
    assert len(bound(nullable, None, None, UNITS).statistics) == 3


def test_filters_keep_statistics_apart() -> None:
    filtered = replace(COUNT_ROWS, name="a9", filter=Literal(Type.BOOLEAN, value=True))
    assert len(bound(checked([COUNT_ROWS, filtered]), None, None, UNITS).statistics) == 2


def test_private_keys_bring_an_unfiltered_count_of_units_that_the_analyst_shares() -> None:
    some = Aggregate("a8", AggregateFunction.UNITS, None, Ref("x"))
    bounded = bound(checked([COUNT_ROWS, COUNT_UNITS, some], rows=2, keys=[key(None)]), None, None, UNITS)
    existence = bounded.statistic(bounded.existence or "")
    assert (existence.kind, existence.filter) == (StatisticKind.UNITS, None)
    assert plain(bounded)[1].statistic == bounded.existence
    assert plain(bounded)[2].statistic != bounded.existence


@pytest.mark.parametrize(
    ("lo", "hi", "declared", "granularity", "low", "high"),
    [
        (Fraction(0), Fraction(10), Fraction(1, 4), Fraction(1, 4), 0, 40),
        (Fraction(1, 3), Fraction(5, 3), Fraction(1, 2), Fraction(1, 2), 1, 3),
        (Fraction(-1, 3), Fraction(5, 3), Fraction(1), Fraction(1), 0, 1),
        (Fraction(-7), Fraction(-7), Fraction(5), Fraction(7), -1, -1),
        (Fraction(0), Fraction(0), None, Fraction(1), 0, 0),
    ],
)
def test_grid_limits_round_inwards(
    lo: Fraction, hi: Fraction, declared: Fraction | None, granularity: Fraction, low: int, high: int
) -> None:
    measure = checked([SUM_X], x=number(lo, hi, kind=Type.DOUBLE, granularity=declared))
    (statistic,) = bound(measure, None, None, UNITS).statistics
    assert (statistic.granularity, statistic.low, statistic.high) == (granularity, low, high)


@pytest.mark.parametrize("declared", [None, Fraction(1)])
def test_a_range_without_grid_points_gets_a_fine_exact_grid(declared: Fraction | None) -> None:
    x = number(Fraction(3, 10), Fraction(4, 10), kind=Type.DOUBLE, granularity=declared)
    (statistic,) = bound(checked([SUM_X], x=x), None, None, UNITS).statistics
    assert 2**30 - 1 <= statistic.high - statistic.low <= 2**32
    assert float(statistic.granularity) == statistic.granularity
    assert statistic.low * statistic.granularity >= Fraction(3, 10)
    assert statistic.high * statistic.granularity <= Fraction(4, 10)


@pytest.mark.parametrize("rows", [1, 5, 1000])
@pytest.mark.parametrize("hi", [10**6, 10**15, 2**62])
@pytest.mark.parametrize("units", [1, 10**6, 10**9])
def test_no_total_reaches_the_capacity(rows: int, hi: int, units: int) -> None:
    """Rule 27: the grid is coarsened until totals over all keys fit."""
    measure = checked([SUM_X, AVG_X], rows=rows, x=number(-hi, hi))
    bounded = bound(measure, None, None, units)
    for statistic in bounded.statistics:
        assert sensitivity(bounded, statistic).l1 * units < CAPACITY


def test_a_coarsened_sum_is_double() -> None:
    (estimate,) = bound(checked([SUM_X], x=number(0, 2**62)), None, None, 10**6).estimates
    assert estimate.type is Type.DOUBLE


@pytest.mark.parametrize(
    "measure",
    [checked([COUNT_ROWS], rows=2**40), checked([SUM_X], rows=2**20, x=number(2**50 + 1, 2**50 + 2))],
    ids=["rows", "range"],
)
def test_what_no_grid_can_hold_is_refused(measure: CheckedMeasure) -> None:
    with pytest.raises(Refusal) as refused:
        bound(measure, None, None, 2**40)
    assert refused.value.code == "plan.overflow"


@pytest.mark.parametrize("aggregate", [SUM_X, AVG_X], ids=["sum", "avg"])
def test_an_unknown_range_is_refused_where_no_clip_is_chosen(aggregate: Aggregate) -> None:
    measure = checked([aggregate], x=replace(number(), lo=None))
    with pytest.raises(Refusal) as refused:
        bound(measure, None, None, UNITS)
    assert refused.value.code == "plan.unbounded_sum"


@pytest.mark.parametrize(
    ("units", "groups", "minimum"), [(1_000_000, 1, 1), (1_000_001, 1, 2), (10_000_000, 5, 50), (10_000, 9, 1)]
)
def test_private_keys_are_never_more_than_are_looked_at(units: int, groups: int, minimum: int) -> None:
    """Rules 2 and 24: at most units × groups / minimum keys have as many units."""
    bounded = bound(checked([COUNT_ROWS], rows=groups, keys=[key(None)]), None, None, units)
    assert bounded.minimum == minimum
    assert bound(checked([COUNT_ROWS], rows=groups, keys=[YEARS]), None, None, units).minimum == 1


@pytest.mark.parametrize(
    ("keys", "units", "groups", "fits"),
    [
        ([key(None)], KEY_BYTES // 40, 1, True),
        ([key(None)], KEY_BYTES // 40 + 1, 1, False),
        ([key(None)], KEY_BYTES // 40, 2, False),
        ([Values(Type.TEXT)], 1_000_000, 1, True),
        ([Values(Type.TEXT)], 1_000_000, 2, True),
        ([Values(Type.TEXT)], 1_000_000, 3, False),
        ([Values(Type.TEXT), key([1, 2])], 1_000_000, 2, False),
        ([key([1, 2])], 10**9, 2, True),
    ],
)
def test_declared_units_make_no_more_keys_than_an_engine_holds(
    keys: list[Values], units: int, groups: int, fits: bool
) -> None:
    """Rule 2: whether memory suffices is decided by sizes that are declared, before the charge."""
    measure = checked([COUNT_ROWS], rows=groups, keys=keys)
    if fits:
        bound(measure, None, None, units)
        return
    with pytest.raises(Refusal) as refused:
        bound(measure, None, None, units)
    assert refused.value.code == "plan.too_large"


TINY = [Fraction(5e-324), Fraction(1e-320), Fraction(1e-300), Fraction(1, 10**320), Fraction(1, 3**700)]
LARGE = [Fraction(10) ** 100, Fraction(2) ** 899, Fraction(1e300), Fraction(1.7e308)]
ENDS = [Fraction(0), *TINY, Fraction(1, 3), Fraction(1), *LARGE]


@pytest.mark.parametrize("aggregate", [SUM_X, AVG_X], ids=["sum", "avg"])
@pytest.mark.parametrize("granularity", [None, Fraction(1), *TINY, *LARGE])
def test_every_number_of_a_grid_is_a_real_one_or_the_sum_is_refused(
    aggregate: Aggregate, granularity: Fraction | None
) -> None:
    """Rule 27: hostile literals are refused before the charge; what is left overflows nowhere."""
    accepted = 0
    for lo, hi in [(lo, hi) for one in ENDS for other in ENDS for lo, hi in [(one, other), (-one, other)] if lo <= hi]:
        x = number(lo, hi, kind=Type.DOUBLE, granularity=granularity)
        try:
            bounded = bound(checked([aggregate], rows=3, x=x), None, None, UNITS)
        except Refusal:
            continue
        accepted += 1
        found = bounded.statistics[-1]
        assert found.granularity.denominator < SCALING
        assert found.granularity.denominator * max(-lo, hi) < SCALING
        assert max(found.granularity, -lo, hi) < REAL
        assert max(abs(found.low + found.centre), abs(found.high + found.centre)) < 2**126
        assert max(-found.low, found.high) * 3 * UNITS < CAPACITY
    assert accepted >= len(TINY)
