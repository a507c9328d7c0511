"""Intervals of quantiles: chosen privately, and covering as they say whatever the records are (rule 29)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.nodes import Aggregate, Ref
from sandbox.privacy.bounding import bound
from sandbox.privacy.brackets import SHARE, around, bonus, ends, margin, scores, widths
from sandbox.privacy.calibrate import PricedMeasure, price
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import Noise, select_each
from sandbox.privacy.quantiles import NONE, Quantile, offset
from sandbox.privacy.quantiles import scores as ranks
from tests.support.coverage import needed
from tests.support.measures import checked, key, number

RUNS = 2_000
UNITS = 10_000
HI = 100


def asked(function: AggregateFunction, fraction: Fraction | None) -> Aggregate:
    return Aggregate("a1", function, Ref("x"), None, None, fraction)


MEDIAN = asked(AggregateFunction.QUANTILE_CONT, Fraction(1, 2))
NINTH = asked(AggregateFunction.QUANTILE_DISC, Fraction(9, 10))
LEAST, GREATEST = asked(AggregateFunction.MIN, None), asked(AggregateFunction.MAX, None)


def priced(aggregate: Aggregate, notion: Notion, epsilon: Fraction = Fraction(1), rows: int = 1) -> PricedMeasure:
    measure = bound(checked([aggregate], x=number(0, HI), rows=rows), None, None, UNITS)
    (found,) = price([measure], Spend(epsilon, None), notion, Fraction(1, 10**6)).measures
    return found


DATA = {
    "even": [9] * (HI + 1),
    "two far apart": [1000, *[0] * (HI - 1), 1000],
    "few": [0] * 50 + [1] * 8 + [0] * (HI - 57),
    "one": [0] * 77 + [1] + [0] * (HI - 77),
    "steep": [max(0, 40 - place) for place in range(HI + 1)],
    "in steps": [40 if place % 20 == 0 else 0 for place in range(HI + 1)],
}
"""Rows per value."""


def plain(aggregate: Aggregate, counted: Sequence[int]) -> tuple[float, float]:
    """The values between which plain SQL's answer lies."""
    values = [value for value, rows in enumerate(counted) for _ in range(rows)]
    match aggregate.function:
        case AggregateFunction.MIN:
            return values[0], values[0]
        case AggregateFunction.MAX:
            return values[-1], values[-1]
        case AggregateFunction.QUANTILE_DISC:
            at = -(-(aggregate.fraction or Fraction(0)) * len(values) // 1)
            return values[int(at) - 1], values[int(at) - 1]
    between = (aggregate.fraction or Fraction(0)) * (len(values) - 1)
    below = int(between)
    mean = values[below] + float(between % 1) * (values[min(below + 1, len(values) - 1)] - values[below])
    return mean, mean


@pytest.mark.parametrize("notion", Notion)
@pytest.mark.parametrize("aggregate", [MEDIAN, NINTH, LEAST, GREATEST], ids=lambda each: each.function.value)
@pytest.mark.parametrize("counted", DATA.values(), ids=DATA)
def test_intervals_cover_what_plain_sql_answers(notion: Notion, aggregate: Aggregate, counted: list[int]) -> None:
    """Rule 29, also where values are far apart, rows few, or the spend too small for them."""
    found = priced(aggregate, notion)
    (quantile,), (step,), (bracket,) = found.bounded.quantiles, found.quantiles, found.brackets
    assert (bracket is None) is (aggregate in (LEAST, GREATEST))
    places = select_each(step, [ranks(quantile, counted, offset(quantile, step.scale))] * RUNS, [])
    chosen: Sequence[int] = [0] * RUNS
    if bracket is not None:
        chosen = select_each(bracket, _around(quantile, found, counted, places), [])
    low, high = plain(aggregate, counted)
    intervals = [ends(quantile, place, width) for place, width in zip(places, chosen, strict=True)]
    hits = sum(each is not None and each[0] <= low and high <= each[1] for each in intervals)
    assert hits >= needed(RUNS)


def _around(quantile: Quantile, found: PricedMeasure, counted: Sequence[int], places: Sequence[int]) -> list[list[int]]:
    (bracket,) = found.brackets
    assert bracket is not None
    known = {place: around(quantile, bracket, [counted], [place])[0] for place in set(places)}
    return [known[place] for place in places]


def test_intervals_are_not_wide() -> None:
    """A few scales of the choice's noise, where values lie close."""
    found = priced(MEDIAN, Notion.ZCDP)
    (quantile,), (step,), (bracket,) = found.bounded.quantiles, found.quantiles, found.brackets
    assert bracket is not None
    counted = [20] * (HI + 1)
    places = select_each(step, [ranks(quantile, counted, 0)] * 400, [])
    widths_ = select_each(bracket, _around(quantile, found, counted, places), [])
    half = sorted((high - low) / 2 for low, high in filter(None, map(ends, [quantile] * 400, places, widths_)))[200]
    assert half * 20 <= 32 * step.scale / (quantile.buckets.fine * quantile.fraction.denominator)


@given(
    st.sampled_from([MEDIAN, NINTH]),
    st.lists(st.integers(0, 40), min_size=9, max_size=9),
    st.lists(st.integers(0, 9), min_size=9, max_size=9),
    st.integers(0, 8),
    st.integers(0, 90),
    st.integers(0, 9),
)
def test_one_unit_changes_no_width_s_score_by_more_than_is_priced(
    aggregate: Aggregate, others: list[int], own: list[int], place: int, spare: int, each: int
) -> None:
    """Rules 22 and 29: as no score of a bucket, wherever the interval stands."""
    measure = bound(checked([aggregate], rows=9, x=number(0, 8)), Bounds(1, 3), None, UNITS)
    (found,) = measure.quantiles
    rows, fine, n = found.buckets.rows, found.buckets.fine, sum(own)
    before = [one * fine for one in others]
    after = [one + (c * rows * fine // n if n > rows else c * fine) for one, c in zip(before, own, strict=True)]
    pairs = zip(*(scores(found, counted, place, spare * fine, each) for counted in (before, after)), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= found.sensitivity


def test_the_widest_holds_all_and_needs_no_margin() -> None:
    (found,) = priced(MEDIAN, Notion.PURE).bounded.quantiles
    around_ = widths(found.buckets)
    assert around_[:7] == (0, 1, 2, 3, 4, 6, 9)
    assert around_[-1] == found.buckets.size - 1
    for place in (0, 50, HI):
        assert scores(found, [0] * (HI + 1), place, 10**6, 5)[-1] == 5 * (len(around_) - 1)
        assert ends(found, place, len(around_) - 1) == (0, HI)
    assert ends(found, NONE, 0) is None


def test_values_between_buckets_are_within_half_a_step() -> None:
    measure = bound(checked([MEDIAN], x=number(0, 10**6)), None, None, UNITS)
    (found,) = measure.quantiles
    step = found.buckets.statistic.granularity
    assert found.buckets.slack == step / 2
    assert ends(found, 7, 0) == (float(7 * step - step / 2), float(7 * step + step / 2))
    assert ends(found, 0, 0) == (0, float(step / 2))


@pytest.mark.parametrize("noise", Noise)
@pytest.mark.parametrize("scale", [0.01, 3.0, 10.0**9])
def test_the_margin_bounds_what_misses(noise: Noise, scale: float) -> None:
    """By the odds that the noise gives: all widths that miss together, 1 in 20 at most, and not needlessly few."""
    count = 24
    spare, step = margin(noise, scale, count, 0.05), bonus(scale)
    odds = sum(2.718281828459045 ** (-(spare + step * j) / scale) for j in range(1, count))
    missed = odds / (1 + odds) if noise is Noise.GAUSSIAN else odds / 2
    assert missed <= 0.05
    assert scale < 1 or missed > 0.03


def test_an_interval_has_a_sixteenth_of_the_spend_and_ends_none() -> None:
    for notion in Notion:
        for rows in (1, 3):
            median = priced(MEDIAN, notion, rows=rows)
            (step,), (bracket,) = median.quantiles, median.brackets
            assert bracket is not None
            spent = [each.loss.rho if notion is Notion.ZCDP else each.loss.epsilon or 0 for each in (step, bracket)]
            assert abs(Fraction(spent[1], sum(spent)) - SHARE) < Fraction(1, 10**6)
            (end,) = priced(LEAST, notion, rows=rows).quantiles
            assert end.scale / end.sensitivity < step.scale / step.sensitivity


def test_a_quantile_by_groups_has_an_interval_per_group() -> None:
    measure = bound(checked([MEDIAN], keys=[key(range(4))], x=number(0, 8), rows=2), None, None, UNITS)
    (found,) = price([measure], Spend(Fraction(1), None), Notion.ZCDP, Fraction(1, 10**6)).measures
    (bracket,) = found.brackets
    assert bracket is not None
    assert bracket.groups == found.quantiles[0].groups == 1
