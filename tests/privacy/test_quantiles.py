"""Quantiles: scores, their sensitivity, losses, and what the engine counts (rules 2, 16, 22, 23)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, exp, floor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.errors import Fault, Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.nodes import Aggregate, Ref, Type
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.calibrate import price
from sandbox.privacy.loss import Loss, Spend, total
from sandbox.privacy.mechanisms import Invocation, Noise, as_loss, select_each, selection_loss
from sandbox.privacy.quantiles import (
    BUCKETS,
    NONE,
    Quantile,
    counts,
    fitted,
    measured_keys,
    offset,
    scores,
    value,
)
from tests.support.exact import laboratory
from tests.support.measures import SUM_X, checked, key, number
from tests.support.records import FULL

UNITS = 10_000
FRACTIONS = (Fraction(1, 2), Fraction(1, 4), Fraction(9, 10), Fraction(0), Fraction(1), Fraction(1, 3))


def median(fraction: Fraction = Fraction(1, 2), name: str = "a8") -> Aggregate:
    return Aggregate(name, AggregateFunction.QUANTILE_DISC, Ref("x"), None, None, fraction)


LEAST = Aggregate("a9", AggregateFunction.MIN, Ref("x"), None)
GREATEST = Aggregate("a10", AggregateFunction.MAX, Ref("x"), None)


def only(aggregate: Aggregate, rows: int = 3, hi: int = 4) -> Quantile:
    measure = checked([aggregate], rows=9, x=number(0, hi))
    (found,) = bound(measure, Bounds(1, rows), None, UNITS).quantiles
    return found


def coarse(aggregate: Aggregate) -> Quantile:
    """In whole rows."""
    found = only(aggregate)
    return replace(found, buckets=replace(found.buckets, fine=1))


@given(
    st.sampled_from([*(median(each) for each in FRACTIONS), LEAST, GREATEST]),
    st.lists(st.integers(0, 40), min_size=5, max_size=5),
    st.lists(st.integers(0, 9), min_size=5, max_size=5),
    st.integers(-60, 60),
)
def test_one_unit_changes_no_score_by_more_than_is_priced(
    aggregate: Aggregate, others: list[int], own: list[int], moved: int
) -> None:
    """Rule 22: a unit's rows count at most r in all buckets together; r·max(α, 1 − α), either way."""
    found = only(aggregate)
    n = sum(own)
    rows, fine = found.buckets.rows, found.buckets.fine
    parts = [c * rows * fine // n if n > rows else c * fine for c in own]
    assert sum(parts) <= rows * fine
    before = [each * fine for each in others]
    after = [one + part for one, part in zip(before, parts, strict=True)]
    pairs = zip(scores(found, before, moved), scores(found, after, moved), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= found.sensitivity


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_the_sensitivity_is_reached(fraction: Fraction) -> None:
    """Rule 22, with power: half of it would be too little."""
    found = only(median(fraction))
    rows, fine = found.buckets.rows, found.buckets.fine
    before, most = [40 * fine] * 5, 0
    for bucket in range(5):
        after = [each + (rows * fine if place == bucket else 0) for place, each in enumerate(before)]
        pairs = zip(scores(found, before, 0), scores(found, after, 0), strict=True)
        most = max(most, *(abs(one - other) for one, other in pairs))
    assert most > found.sensitivity * (Fraction(1, 2) if 0 < fraction < 1 else 0)


def test_a_bucket_where_the_rank_falls_scores_nothing_and_others_by_the_rows_between() -> None:
    found = coarse(median())
    assert scores(found, [2, 0, 4, 3, 1], 0) == [-6, -6, 0, -3, -9]
    assert scores(found, [1, 1, 0, 1, 1], 0) == [-2, 0, -1, -1, -3]
    assert scores(found, [0] * 5, 0) == [0, -1, -1, -1, -1]


def test_a_least_value_is_a_few_ranks_off_the_end() -> None:
    found = coarse(LEAST)
    assert offset(found, 10.0) > 0 > offset(only(GREATEST), 10.0)
    assert offset(only(median()), 10.0) == 0
    assert scores(found, [0, 0, 50, 50, 50], 10) == [-10, -10, 0, -41, -91]
    assert offset(found, 1e-9) == 1
    assert scores(found, [0, 0, 50, 50, 50], 1) == [-1, -1, 0, -50, -100]


def test_of_too_few_rows_a_least_value_is_the_one_that_none_is_above() -> None:
    """Rule 29: so the least of all rows is never above the one that is chosen without noise."""
    assert scores(coarse(LEAST), [0, 2, 0, 1, 0], 10) == [-10, -8, -8, -7, 0]
    assert scores(coarse(GREATEST), [0, 2, 0, 1, 0], -10) == [0, -8, -10, -10, -11]


@pytest.mark.parametrize("hi", [1, 10, BUCKETS - 1, BUCKETS, BUCKETS + 1, 10**6, 10**12])
def test_buckets_are_multiples_of_the_granularity_and_few(hi: int) -> None:
    """Rules 2 and 22: the grid is public and its size bounded; it begins and ends where values can."""
    found = only(median(), hi=hi)
    assert found.buckets.size <= BUCKETS
    assert found.buckets.statistic.granularity.denominator == 1
    assert (value(found, 0), value(found, found.buckets.size - 1)) == (0, hi)


def test_real_numbers_without_granularity_have_a_grid_too() -> None:
    x = number(Fraction(-1, 3), Fraction(5, 7), kind=Type.DOUBLE, granularity=None)
    (found,) = bound(checked([median()], x=x), None, None, UNITS).quantiles
    assert BUCKETS / 10 <= found.buckets.size <= BUCKETS
    assert value(found, 0) == Fraction(-1, 3)
    assert value(found, found.buckets.size - 1) == Fraction(5, 7)


def _of(aggregates: list[Aggregate], bounds: Bounds | None, rows: int = 8) -> BoundedMeasure:
    return bound(checked(aggregates, keys=[key(range(4))], rows=rows), bounds, None, UNITS)


def test_a_unit_with_few_rows_cannot_fill_all_its_groups() -> None:
    """Rules 18 and 22: what its groups lose together follows from the rows that count in each."""
    (few,) = price([_of([median()], None, rows=3)], Spend(Fraction(1), None), Notion.PURE, Fraction(0)).measures
    assert few.quantiles[0].groups == 1
    (some,) = price(
        [_of([median()], Bounds(4, 2), rows=5)], Spend(Fraction(1), None), Notion.PURE, Fraction(0)
    ).measures
    assert some.quantiles[0].groups == Fraction(5, 2)
    (step,) = few.quantiles
    for counted in ((3, 0, 0), (1, 1, 1), (2, 1, 0)):
        for noise in Noise:
            lost = sum(selection_loss(noise, step.scale, each) for each in counted if each)
            assert lost <= step.groups * selection_loss(noise, step.scale, 3) * (1 + Fraction(1, 2**50))


@pytest.mark.parametrize("notion", Notion)
@pytest.mark.parametrize("aggregates", [[median()], [median(), SUM_X, LEAST, median(name="a11")]])
def test_a_choice_per_group_loses_what_was_priced(notion: Notion, aggregates: list[Aggregate]) -> None:
    """Rule 22: g times one group's loss, recorded as charged; equal quantiles are one."""
    measure = _of(aggregates, Bounds(3, 2))
    assert len(measure.quantiles) == (1 if len(aggregates) == 1 else 2)
    priced = price([measure], Spend(Fraction(1), None), notion, Fraction(1, 10**6))
    (each,) = priced.measures
    invocations: list[Invocation] = []
    for quantile, step in zip(measure.quantiles, each.quantiles, strict=True):
        assert (step.groups, step.sensitivity) == (Fraction(3), quantile.sensitivity)
        assert len(select_each(step, [[0] * quantile.buckets.size] * 4, invocations)) == 4
    chosen = total(one.loss for one in invocations)
    others = [step.loss for step in each.drawn] + [step.loss for step in each.brackets if step is not None]
    assert total([chosen, *others]) == priced.loss
    one = price([_of(aggregates, Bounds(1, 2))], Spend(Fraction(1), None), notion, Fraction(1, 10**6))
    assert one.measures[0].quantiles[0].scale < each.quantiles[0].scale
    with pytest.raises(Fault):
        select_each(replace(each.quantiles[0], groups=Fraction(2)), [[0]], [])


def test_a_choice_has_the_noise_that_is_priced_and_no_less() -> None:
    """With power: of two candidates a scale apart the worse is chosen 1 in 1 + e times."""
    measure = bound(checked([median()], rows=1), None, None, UNITS)
    ((each,),) = (price([measure], Spend(Fraction(1), None), Notion.ZCDP, Fraction(1, 10**6)).measures,)
    step = replace(each.quantiles[0], scale=100.0)
    step = replace(step, loss=_stated(step.scale, step.sensitivity))
    chosen = select_each(step, [[0, -100]] * 40_000, [])
    expected = 40_000 / (1 + exp(1))
    assert abs(sum(chosen) - expected) < 6.2 * 89
    assert abs(expected - 40_000 / (1 + exp(0.5))) > 12.4 * 97


def _stated(scale: float, sensitivity: int) -> Loss:
    return as_loss(Noise.GAUSSIAN, selection_loss(Noise.GAUSSIAN, scale, sensitivity), Fraction(0))


def test_how_many_buckets_come_back_is_bounded() -> None:
    """Rule 2: before the charge for public group keys, by what was released for private ones."""
    with pytest.raises(Refusal, match=r"plan\.too_large"):
        bound(checked([median()], keys=[key(range(5000))]), None, None, UNITS)
    (found,) = bound(checked([median()], keys=[key(range(1000))], x=number(0, 9999)), None, None, UNITS).quantiles
    assert found.buckets.size <= 262
    (open_,) = bound(checked([median()], keys=[key(None)], x=number(0, 99_999)), None, None, UNITS).quantiles
    for released in (0, 1, 16, 17, 65, 1000, 4096, 10**6):
        looked_at = measured_keys(range(released), released)
        fit = fitted(open_.buckets, len(looked_at))
        assert len(looked_at) == min(released, 4096)
        assert max(len(looked_at), 1) * fit.size <= 2**18
        assert fit.size > min(BUCKETS, 2**18 // max(released, 16)) / 10
        assert (value(replace(found, buckets=fit), 0), value(replace(found, buckets=fit), fit.size - 1)) == (0, 99_999)
    assert measured_keys([5, 1, 9], 3) == [0, 1, 2]
    assert measured_keys([*range(5000)], 5000) == [*range(904, 5000)]


def test_what_is_not_chosen_is_null() -> None:
    found = only(median())
    assert value(found, NONE) is None
    assert value(found, 2) == 2


def test_the_engines_buckets_are_held_to_the_measure() -> None:
    found = only(median()).buckets
    assert counts(found, ((1,), (2,)), [(1, 0, 5), (1, 4, 7)]) == [[5, 0, 0, 0, 7], [0] * 5]
    for row in [(3, 0, 1), (1, 5, 1), (1, 0, -1), (1, None, 1)]:
        with pytest.raises(Fault):
            counts(found, ((1,), (2,)), [row])


ASKED = (
    "SELECT MEDIAN(费用) FROM visits",
    "SELECT 科室, QUANTILE_DISC(费用, 0.25) FROM visits GROUP BY 1",
    "SELECT 科室, MIN(clamp(费用, 0, 50)) FILTER (WHERE emergency) FROM visits GROUP BY 1",
    "SELECT MAX(packs) FROM drugs",
    "SELECT QUANTILE_CONT(income, 0.1) FROM persons",
    "SELECT 费用, MEDIAN(费用) FROM visits GROUP BY 1",
)


@pytest.mark.parametrize("sql", ASKED)
@pytest.mark.parametrize("bounds", [None, Bounds(1, 1), Bounds(2, 2)])
def test_the_engine_counts_buckets_as_the_reference_does(sql: str, bounds: Bounds | None) -> None:
    """Rules 16 and 22: units without any one's records too, so that what it adds is its own (separability)."""
    for everybody in (FULL, FULL.without(2, Random(5)), FULL.without(3, Random(6))):
        with laboratory(everybody) as lab:
            (checked_,) = lab.check(lab.lower(sql)).measures
            measure = lab.bound(checked_, bounds)
            (asked,) = measure.buckets
            keys = lab.keys(measure)
            for released in (keys, keys[1:] if measure.existence else keys):
                found = lab.buckets(measure, asked, released)
                assert found == lab.expected_buckets(measure, asked, released)


@pytest.mark.parametrize("sql", ASKED[:2])
def test_without_noise_a_quantile_is_plain_duckdbs_up_to_the_grid(sql: str) -> None:
    with laboratory(FULL) as lab:
        (checked_,) = lab.check(lab.lower(sql)).measures
        measure = lab.bound(checked_, None)
        (quantile,) = measure.quantiles
        for each in lab.buckets(measure, quantile.buckets, lab.keys(measure)).values():
            upto = [each.get(bucket, 0) for bucket in range(quantile.buckets.size)]
            ordered = sorted(bucket for bucket, rows in each.items() for _ in range(rows // quantile.buckets.fine))
            best = scores(quantile, upto, 0)
            right = [bucket for bucket, score in enumerate(best) if score == 0]
            at = quantile.fraction * (len(ordered) - 1)
            assert right[0] <= ordered[ceil(at)]
            assert right[-1] >= ordered[floor(at)]
