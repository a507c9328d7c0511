"""Clips: C is the exact sensitivity, whatever a unit has (rules 17, 19, 20, 27)."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.engines.clips import root_up
from sandbox.plan.nodes import Type
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import price
from sandbox.privacy.clip import Clip, ClipAt, Norm
from sandbox.privacy.clipping import bound_by, longest
from sandbox.privacy.loss import RHO_UNIT, Spend
from sandbox.privacy.mechanisms import stated_loss
from sandbox.privacy.statistics import CAPACITY, INTERMEDIATE, Estimate
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
    total = dict(zip((each.name for each in measure.statistics), vector, strict=True))
    assert estimate.divisor is not None
    mean = Fraction(total[estimate.statistic], clip.fine[estimate.statistic]) / Fraction(
        total[estimate.divisor], clip.fine[estimate.divisor]
    )
    assert total[estimate.divisor] < 40 * clip.fine[estimate.divisor]
    assert abs(mean + measure.statistic(estimate.statistic).centre - 90) < Fraction(1, 10)


def test_statistics_of_one_estimate_share_a_clip_and_others_do_not() -> None:
    apart = clipped(COUNT_ROWS, SUM_X)
    assert [len(clip.fine) for clip in apart.clips] == [1, 1]
    shared = clipped(COUNT_X, SUM_X, AVG_X)
    assert [len(clip.fine) for clip in shared.clips] == [2]
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
    text = root_up(exp.column("s")).sql("duckdb")
    with duckdb.connect() as engine:
        rows = engine.execute(f"SELECT {text} FROM (SELECT UNNEST(CAST(? AS HUGEINT[])) AS s)", [squares]).fetchall()
    assert [found for (found,) in rows] == [isqrt(one - 1) + 1 for one in squares]


@pytest.mark.parametrize("notion", Notion)
def test_one_loss_for_the_whole_vector(notion: Notion) -> None:
    """Rule 19: an average under a clip is one mechanism with Δ = C, not two."""
    norm = Norm.L1 if notion is Notion.PURE else Norm.L2
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
