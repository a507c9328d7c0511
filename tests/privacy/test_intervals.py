"""Released values and their intervals: exact values, coverage of at least 95 %, and no needless width (rule 29)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import exp, inf, log, sqrt

import pytest

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.plan.nodes import Aggregate, Scalar, Type
from sandbox.privacy.bounding import bound
from sandbox.privacy.calibrate import PricedMeasure, price
from sandbox.privacy.intervals import ReleasedMeasure, half_widths, release
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import Noise, measure
from sandbox.privacy.reach import quantile
from tests.support.coverage import COVERAGE, FALSE_ALARM, chance_below, covered, needed
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, SUM_X, checked, key, number

DELTA = Fraction(1, 10**6)
RUNS = 2_000
SPENDS = {
    "zcdp": (Notion.ZCDP, Spend(None, Fraction(1, 100))),
    "zcdp, noise of a step or less": (Notion.ZCDP, Spend(None, Fraction(3))),
    "pure": (Notion.PURE, Spend(Fraction(1, 5), None)),
    "pure, noise of a step or less": (Notion.PURE, Spend(Fraction(9), None)),
}


def priced(
    aggregates: Sequence[Aggregate],
    notion: Notion,
    spend: Spend,
    *,
    bounds: Bounds | None = None,
    lo: int = 0,
    hi: int = 100,
) -> PricedMeasure:
    cells = key(list(range(RUNS)), per_unit=True)
    relation = checked(aggregates, rows=4, keys=[cells], x=number(lo, hi))
    (one,) = price([bound(relation, bounds, None, 10**6)], spend, notion, DELTA).measures
    return one


def released(each: PricedMeasure, exact: dict[str, int]) -> ReleasedMeasure:
    """`RUNS` releases of the same totals: one per key."""
    keys: tuple[tuple[Scalar, ...], ...] = tuple((index,) for index in range(RUNS))
    totals = Totals(keys, {name: (total,) * RUNS for name, total in exact.items()})
    return release(each, measure(each.measurements, totals, []))


NEEDED = needed(RUNS)


def test_the_coverage_test_has_power() -> None:
    """Intervals that cover 90 % only are rejected with probability 99 %."""
    assert chance_below(NEEDED, RUNS, COVERAGE) <= FALSE_ALARM < chance_below(NEEDED + 1, RUNS, COVERAGE)
    assert chance_below(NEEDED, RUNS, Fraction(90, 100)) > 0.99


@pytest.mark.parametrize(("notion", "spend"), SPENDS.values(), ids=SPENDS)
@pytest.mark.parametrize("bounds", [None, Bounds(1, 2)], ids=["structure", "folded"])
def test_intervals_cover(notion: Notion, spend: Spend, bounds: Bounds | None) -> None:
    each = priced([COUNT_UNITS, COUNT_X, SUM_X, AVG_X], notion, spend, bounds=bounds)
    units, rows, mean = 900, 1500, 30
    exact: dict[str, int] = {}
    for statistic in each.bounded.statistics:
        exact[statistic.name] = {
            "units": units,
            "rows": rows,
            "sum": rows * (mean - statistic.centre),
            "scaled_sum": rows * (mean - statistic.centre),
        }[statistic.kind]
    answer = released(each, exact)
    for position, truth in enumerate([units, rows, rows * mean, mean]):
        hits = covered([row[position] for row in answer.intervals], float(truth))
        assert hits >= NEEDED, f"column {position}: {hits} of {RUNS}"


@pytest.mark.parametrize(("notion", "spend"), [SPENDS["zcdp"], SPENDS["pure"]], ids=["zcdp", "pure"])
def test_averages_of_small_groups_are_covered_or_unbounded(notion: Notion, spend: Spend) -> None:
    each = priced([AVG_X], notion, spend)
    divisor, total = each.bounded.statistics
    for rows in (0, 5, 40):
        answer = released(each, {divisor.name: rows, total.name: 20 * rows})
        intervals = [row[0] for row in answer.intervals]
        assert covered(intervals, 70.0 if rows else 50.0) >= NEEDED
        assert any(each is None for each in intervals)
        assert all(each is None or 0 <= each.low <= each.high <= 100 for each in intervals)


def widths(noise: Noise, scale: float) -> float:
    """Half the width of the nominal 95 % interval."""
    return 1.95996398454 * scale if noise is Noise.GAUSSIAN else scale * log(20)


@pytest.mark.parametrize("noise", Noise)
@pytest.mark.parametrize("scale", [5.0, 20.0, 31.9, 32.1, 1000.0, 1e9])
def test_quantiles_are_not_wide(noise: Noise, scale: float) -> None:
    nominal = widths(noise, scale)
    assert nominal - 1 <= quantile(noise, scale, 0.05) <= min(1.1 * nominal, nominal + 1)


@pytest.mark.parametrize("noise", Noise)
@pytest.mark.parametrize("scale", [0.05, 0.3, 0.5, 1.0, 2.2, 7.7, 31.0, 40.0])
@pytest.mark.parametrize("outside", [0.05, 0.025])
def test_quantiles_are_exact_for_small_scales_and_never_too_small(noise: Noise, scale: float, outside: float) -> None:
    def weight(k: int) -> float:
        return exp(-(k**2) / (2 * scale**2)) if noise is Noise.GAUSSIAN else exp(-abs(k) / scale)

    whole = sum(map(weight, range(-3000, 3001)))

    def beyond(h: int) -> float:
        return sum(weight(k) for k in range(-3000, 3001) if abs(k) > h) / whole

    h = quantile(noise, scale, outside)
    assert beyond(h) <= outside * (1 + 1e-9)
    if scale < 32:
        assert h == 0 or beyond(h - 1) > outside


def test_values_are_exact_where_the_spend_is_huge() -> None:
    each = priced([COUNT_ROWS, COUNT_UNITS, SUM_X, AVG_X], Notion.ZCDP, Spend(None, Fraction(10**6)), lo=3, hi=100)
    exact: dict[str, int] = {}
    for statistic in each.bounded.statistics:
        exact[statistic.name] = {"units": 6, "rows": 7, "sum": 123 - 7 * statistic.centre}[statistic.kind]
    answer = released(each, exact)
    assert answer.columns == (
        ("k1", Type.INTEGER),
        ("a1", Type.INTEGER),
        ("a3", Type.INTEGER),
        ("a4", Type.INTEGER),
        ("a5", Type.DOUBLE),
    )
    assert answer.rows[5] == (5, 7, 6, 123, Fraction(123, 7))


def test_an_average_without_rows_is_the_middle_and_has_no_interval() -> None:
    each = priced([AVG_X], Notion.ZCDP, Spend(None, Fraction(10**6)), lo=10, hi=20)
    answer = released(each, {statistic.name: 0 for statistic in each.bounded.statistics})
    assert answer.rows[0] == (0, Fraction(15))
    assert answer.intervals[0] == (None,)


def test_a_sum_on_a_grid_is_in_the_argument_s_own_measure() -> None:
    x = number(Fraction(0), Fraction(1), kind=Type.DOUBLE, granularity=Fraction(1, 100))
    relation = bound(checked([SUM_X], rows=1, x=x), None, None, 10)
    (each,) = price([relation], Spend(None, Fraction(10**9)), Notion.ZCDP, DELTA).measures
    answer = release(each, measure(each.measurements, Totals(((),), {relation.statistics[0].name: (12345,)}), []))
    assert answer.rows == ((Fraction(12345, 100),),)


def test_counts_have_no_negative_ends() -> None:
    each = priced([COUNT_ROWS], Notion.ZCDP, Spend(None, Fraction(1, 10**6)))
    answer = released(each, {each.bounded.statistics[0].name: 0})
    intervals = [row[0] for row in answer.intervals]
    assert any(isinstance(row[1], int) and row[1] < 0 for row in answer.rows)
    assert all(interval is not None and 0 <= interval.low <= interval.high for interval in intervals)


def test_half_widths_before_the_run() -> None:
    each = priced([COUNT_ROWS, SUM_X, AVG_X], Notion.ZCDP, Spend(None, Fraction(1, 100)))
    before = half_widths(each, None)
    assert before["a5"] is None
    count, total = (step.scale for step in each.measurements[:2])
    assert before["a1"] == pytest.approx(1.96 * count, rel=0.02)
    assert before["a4"] is not None
    assert 0 < before["a4"] < inf
    assert total > 0
    assumed = half_widths(each, 10_000)
    assert assumed["a5"] == pytest.approx(1.96 * 100 / 2 * sqrt(2) * count / 10_000, rel=0.1)
    assert half_widths(each, 3)["a5"] is None


@pytest.mark.parametrize(("notion", "spend"), [SPENDS["zcdp"], SPENDS["pure"]], ids=["zcdp", "pure"])
def test_half_widths_before_are_those_after(notion: Notion, spend: Spend) -> None:
    each = priced([COUNT_UNITS, COUNT_ROWS, SUM_X], notion, spend)
    before = half_widths(each, None)
    answer = released(each, {statistic.name: 10**6 for statistic in each.bounded.statistics})
    for position, name in enumerate(["a3", "a1", "a4"]):
        interval = answer.intervals[0][position]
        assert interval is not None
        assert (interval.high - interval.low) / 2 == pytest.approx(before[name])
