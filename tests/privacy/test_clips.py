"""Clips: C is the exact sensitivity, whatever a unit has (rules 17, 19, 20, 27)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import exp, isqrt, log, sqrt

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp as tree

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.engines.clips import root_up
from sandbox.plan.nodes import Type
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import price
from sandbox.privacy.clip import Clip, ClipAt, Norm, norm_of
from sandbox.privacy.clipping import bound_by, longest
from sandbox.privacy.intervals import half_widths
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import RHO_UNIT, Spend, total
from sandbox.privacy.mechanisms import (
    Invocation,
    Noise,
    Selection,
    as_loss,
    noisy_number,
    select,
    selection_loss,
    stated_loss,
)
from sandbox.privacy.mechanisms import measure as measure_noise
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.selection import heaviest, scores
from sandbox.privacy.sensitivity import sensitivity
from sandbox.privacy.statistics import CAPACITY, INTERMEDIATE, Estimate, StatisticKind
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, SUM_X, checked, key, number
from tests.support.reference import Row, contributions

UNITS = 1_000_000
YEARS = key([1, 2, 3])
HALF = ClipAt(Fraction(5, 2))


def clipped(*aggregates: object, rows: int = 40, asked: ClipAt = HALF, norm: Norm = Norm.L2) -> BoundedMeasure:
    measure = checked(aggregates, rows=rows, keys=[YEARS], x=number(0, 100))  # type: ignore[arg-type]
    return bound_by(measure, asked, None, UNITS, norm, minimum=1)


def square(measure: BoundedMeasure, clip: Clip, rows: list[Row]) -> int:
    """The squared norm (or the norm, for L1) of one unit's clipped vector, exactly."""
    (found,) = contributions(measure, rows).values()
    places = [place for place, each in enumerate(measure.statistics) if each.name in clip.fine]
    values = [vector[place] for vector in found.values() for place in places]
    return sum(map(abs, values)) if clip.norm is Norm.L1 else sum(value**2 for value in values)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.none() | st.integers(-5, 200)), min_size=1, max_size=40),
    st.sampled_from(Norm),
    st.fractions(Fraction(1, 5), 30, max_denominator=99),
)
def test_no_vector_is_longer_than_its_clip(found: list[tuple[int, int | None]], norm: Norm, most: Fraction) -> None:
    """Rule 19, over all keys and all statistics of a clip together."""
    measure = clipped(COUNT_X, SUM_X, AVG_X, COUNT_UNITS, asked=ClipAt(most), norm=norm)
    rows = [Row("u", {"c1": year, "x": x}) for year, x in found]
    for clip in measure.clips:
        assert square(measure, clip, rows) <= (clip.most if norm is Norm.L1 else clip.most**2)


@pytest.mark.parametrize("norm", Norm)
def test_what_is_cut_loses_less_than_a_thousandth_more_than_the_clip(norm: Norm) -> None:
    """The rounding costs next to nothing: a clipped vector is nearly C long."""
    measure = clipped(COUNT_ROWS, norm=norm)
    (clip,) = measure.clips
    found = square(measure, clip, [Row("u", {"c1": year, "x": 1}) for year in (1, 2, 3) for _ in range(13)])
    length = found if norm is Norm.L1 else isqrt(found)
    assert clip.most * Fraction(999, 1000) <= length <= clip.most


def test_both_sides_of_an_average_are_scaled_by_the_same_factor() -> None:
    """Rule 17: a frequent unit weighs less, its own average stays."""
    measure = clipped(AVG_X)
    (clip,) = measure.clips
    (found,) = contributions(measure, [Row("u", {"c1": 1, "x": 90}) for _ in range(40)]).values()
    vector = found[(1,)]
    estimate = measure.estimates[0]
    assert isinstance(estimate, Estimate)
    sums = dict(zip((each.name for each in measure.statistics), vector, strict=True))
    assert estimate.divisor is not None
    mean = Fraction(sums[estimate.statistic], clip.fine[estimate.statistic]) / Fraction(
        sums[estimate.divisor], clip.fine[estimate.divisor]
    )
    assert sums[estimate.divisor] < 40 * clip.fine[estimate.divisor]
    assert abs(mean + measure.statistic(estimate.statistic).centre - 90) < Fraction(1, 10)


def test_statistics_of_one_estimate_share_a_clip_and_others_do_not() -> None:
    apart = clipped(COUNT_ROWS, SUM_X)
    assert [len(clip.fine) for clip in apart.clips] == [1, 1]
    shared = clipped(COUNT_X, SUM_X, AVG_X)
    assert sorted(len(clip.fine) for clip in shared.clips) == [1, 2]
    assert [each.type for each in shared.estimates] == [Type.INTEGER, Type.INTEGER, Type.DOUBLE]


@pytest.mark.parametrize("rows", [1, 40])
def test_where_no_unit_can_be_longer_the_structure_bounds(rows: int) -> None:
    """Rule 20: structure before bounding."""
    measure = clipped(COUNT_ROWS, rows=rows, asked=ClipAt(Fraction(rows)))
    assert (measure.fold, measure.clips, measure.bounds.rows) == (False, (), rows)
    if rows > 1:
        assert clipped(COUNT_ROWS, rows=rows, asked=ClipAt(Fraction(rows - 1))).fold


def test_existence_of_private_keys_is_bounded_by_groups_beside_the_clip() -> None:
    measure = checked([COUNT_ROWS], rows=9, keys=[key(None)])
    bounded = bound_by(measure, ClipAt(Fraction(2)), Bounds(4, 1), UNITS, Norm.L2, minimum=1)
    assert (bounded.bounds, bounded.fold) == (Bounds(4, 9), True)
    assert [list(clip.fine) for clip in bounded.clips] == [["m1s2"]]
    assert bounded.existence == "m1s1"


@pytest.mark.parametrize("rows", [1, 7, 10**6])
@pytest.mark.parametrize("hi", [1, 10**9, 2**40])
@pytest.mark.parametrize("units", [1, 10**6])
def test_no_number_on_the_way_is_too_large(rows: int, hi: int, units: int) -> None:
    """Rule 27: totals, squared norms, and parts times C."""
    measure = checked([AVG_X, COUNT_ROWS], rows=rows, keys=[YEARS], x=number(-hi, hi))
    for norm in Norm:
        bounded = bound_by(measure, ClipAt(Fraction(1, 10)), None, units, norm, minimum=1)
        assert bounded.clips
        for clip in bounded.clips:
            most = longest(bounded, clip)
            assert clip.row * rows * units < CAPACITY
            assert most**2 < INTERMEDIATE
            assert clip.most * units < CAPACITY
            assert min(clip.fine.values()) >= 1


SQUARES = st.integers(1, 2**126 - 1) | st.integers(1, 2**63 - 1).flatmap(
    lambda root: st.integers(max(1, root**2 - 2), root**2 + 2)
)


@given(st.lists(SQUARES, min_size=1, max_size=50))
def test_the_engine_s_root_is_rounded_up_exactly(squares: list[int]) -> None:
    """No real number decides: it is ⌈√s⌉ up to 2¹²⁶, so never less than the norm."""
    text = root_up(tree.column("s")).sql("duckdb")
    with duckdb.connect() as engine:
        rows = engine.execute(f"SELECT {text} FROM (SELECT UNNEST(CAST(? AS HUGEINT[])) AS s)", [squares]).fetchall()
    assert [found for (found,) in rows] == [isqrt(one - 1) + 1 for one in squares]


@pytest.mark.parametrize("notion", Notion)
def test_one_loss_for_the_whole_vector(notion: Notion) -> None:
    """Rule 19: an average under a clip is one mechanism with Δ = C, not two."""
    norm = norm_of(notion)
    (priced,) = price([clipped(AVG_X, norm=norm)], Spend(Fraction(1), None), notion, Fraction(1, 10**6)).measures
    (step,) = priced.measurements
    (clip,) = priced.bounded.clips
    assert set(step.statistics) == {each.name for each in priced.bounded.statistics}
    assert step.sensitivity == clip.most
    assert step.noise.metric == norm.value
    stated, _ = stated_loss(step.noise, step.scale, float(clip.most), None)
    if notion is Notion.ZCDP:
        assert stated <= step.loss.rho * RHO_UNIT
        assert abs(stated - Fraction(clip.most) ** 2 / (2 * Fraction(step.scale) ** 2)) < Fraction(1, 10**9)


AUTO = ClipAt(None)
BUCKETS = [(2, 400), (3, 90), (5, 8)]


def undecided(*aggregates: object, rows: int = 40, norm: Norm = Norm.L2) -> BoundedMeasure:
    return clipped(*aggregates, rows=rows, asked=AUTO, norm=norm)


@pytest.mark.parametrize("norm", Norm)
def test_candidates_double_up_to_what_declared_sizes_allow(norm: Norm) -> None:
    """Rules 3 and 19: the grid is public."""
    measure = undecided(COUNT_ROWS, AVG_X, SUM_X, norm=norm)
    for clip in measure.clips:
        assert clip.undecided
        assert clip.most == clip.candidates[-1]
        assert all(2 * one == other for one, other in pairwise(clip.candidates))
        assert clip.most >= longest(measure, clip) > clip.most // 2
        counted = [steps for name, steps in clip.fine.items() if measure.statistic(name).kind is StatisticKind.ROWS]
        first = Fraction(min(counted)) if counted else Fraction(clip.row, 64)
        assert 1 <= clip.candidates[0] / first <= 2


def test_only_what_can_be_longer_is_chosen_for() -> None:
    """Rule 20: a unit is one unit in a group of all, and counts whole; its rows and values are under a choice."""
    measure = bound_by(
        checked([COUNT_UNITS, COUNT_ROWS, SUM_X], rows=40, x=number(0, 100)), AUTO, None, UNITS, Norm.L2, 1
    )
    assert [list(clip.fine) for clip in measure.clips] == [["m1s2"], ["m1s3"]]
    assert sensitivity(measure, measure.statistic("m1s1")).l2_squared == 1
    for notion in Notion:
        priced = price([measure], Spend(Fraction(1), None), notion, Fraction(1, 10**6))
        assert [len(each.selections) for each in priced.measures] == [2]
    alone = bound_by(checked([COUNT_UNITS], rows=40), AUTO, None, UNITS, Norm.L2, 1)
    assert (alone.clips, alone.truncates) == ((), False)


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 10**6)), max_size=8, unique_by=lambda one: one[0]),
    st.integers(0, 10**6),
    st.integers(1, 92),
    st.integers(0, 7),
)
def test_one_unit_changes_no_score_by_more_than_its_weight(
    rows: list[tuple[int, int]], goal: int, weight: int, bucket: int
) -> None:
    """Rule 19: the choice has the sensitivity that it is priced for."""
    clip = Clip(Norm.L2, 128, 1, {"s": 1}, tuple(2**place for place in range(8)))
    found = dict(rows)
    with_unit = found | {bucket: found.get(bucket, 0) + weight}
    one, other = scores(clip, goal, list(found.items())), scores(clip, goal, list(with_unit.items()))
    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) <= weight


def test_the_choice_prefers_the_candidate_at_which_longer_units_weigh_the_goal() -> None:
    clip = Clip(Norm.L2, 128, 1, {"s": 1}, tuple(2**place for place in range(8)))
    assert scores(clip, 50, BUCKETS) == [-448, -448, -48, 0, -42, -42, -50, -50]
    assert scores(clip, 10**6, [])[0] == 0


@pytest.mark.parametrize("notion", Notion)
def test_a_choice_and_every_candidate_lose_what_was_priced(notion: Notion) -> None:
    """The charge is fixed before data are touched, whatever is chosen."""
    norm = norm_of(notion)
    measure = undecided(COUNT_ROWS, AVG_X, rows=1000, norm=norm)
    priced = price([measure], Spend(Fraction(1), None), notion, Fraction(1, 10**6))
    (each,) = priced.measures
    assert [step.sensitivity for step in each.selections] == [heaviest(measure, clip) for clip in measure.clips]
    losses = [step.loss for step in each.selections]
    assert total([*losses, *(step.loss for step in each.drawn)]) == priced.loss
    for place in range(max(len(clip.candidates) for clip in measure.clips)):
        chosen = [min(place, len(clip.candidates) - 1) for clip in measure.clips]
        decided = each.decided(chosen)
        invocations: list[Invocation] = []
        for step, candidates in zip(each.selections, measure.clips, strict=True):
            assert 0 <= select(step, [0] * len(candidates.candidates), invocations) < len(candidates.candidates)
        columns = {statistic.name: (10**6,) for statistic in measure.statistics}
        measure_noise(decided.measurements, Totals(((1,),), columns), invocations)
        assert [notice.kind for notice in decided.notices] == [NoticeKind.BINDING]
        noisy_number(decided.notices[0].step, [(7,)], invocations)
        assert total(one.loss for one in invocations) == priced.loss
        for clip, was, at in zip(decided.bounded.clips, measure.clips, chosen, strict=True):
            assert clip.most == was.candidates[at]
            assert decided.steps[next(iter(clip.fine))].sensitivity == clip.most


def test_no_half_width_is_told_before_a_norm_is_chosen() -> None:
    """Rule 3: the noise is known after the choice only."""
    (each,) = price([undecided(COUNT_ROWS)], Spend(Fraction(1), None), Notion.ZCDP, Fraction(1, 10**6)).measures
    assert half_widths(each, 100) == {"a1": None}
    assert half_widths(each.decided([1]), 100)["a1"] is not None


def test_the_right_candidate_is_chosen_nearly_always_and_with_less_noise_always() -> None:
    """With power: a choice with 3 times the noise that was priced is found out."""
    clip = Clip(Norm.L2, 128, 1, {"s": 1}, tuple(2**place for place in range(8)))
    found = scores(clip, 50, BUCKETS)
    runs = 3000

    def hits(scale: float) -> int:
        loss = as_loss(Noise.GAUSSIAN, selection_loss(Noise.GAUSSIAN, scale, 4), Fraction(0))
        step = Selection("m1c1", Noise.GAUSSIAN, scale, 4, loss)
        return sum(select(step, found, []) == 3 for _ in range(runs))

    def chance(scale: float) -> float:
        return 1 / sum(exp(score / scale) for score in found)

    slack = sqrt(log(2 / 1e-9) / (2 * runs))
    for scale in (10.0, 20.0):
        assert abs(hits(scale) / runs - chance(scale)) <= slack
    assert chance(20.0) - chance(60.0) > 2 * slack
