"""How noise moves what is released, and vectors in the proportions that let it move least (rules 3, 18 and 19)."""

from __future__ import annotations

from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.plan.nodes import Aggregate
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.clip import ClipAt, Norm
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.effects import OFF_CENTRE, TYPICAL, moved, proportions
from sandbox.privacy.statistics import StatisticKind
from tests.support.measures import AVG_X, CORR_XX, COUNT_X, SUM_X, VAR_X, checked, key, number


def measure(*aggregates: Aggregate, rows: int = 6) -> BoundedMeasure:
    return bound(checked(aggregates, rows=rows, x=number(0, 100, nullable=False)), None, None, 10**4)


@pytest.mark.parametrize("norm", Norm)
def test_the_count_of_an_average_is_the_shorter_part(norm: Norm) -> None:
    found = measure(AVG_X)
    count, total = proportions(found, [each.name for each in found.statistics], norm).values()
    expected = (OFF_CENTRE * TYPICAL) ** Fraction(1, 4) if norm is Norm.L2 else sqrt(OFF_CENTRE**2 * TYPICAL) ** (1 / 3)
    assert isclose(count / total, float(expected), rel_tol=1e-9)


def expected(found: BoundedMeasure, parts: list[float], norm: Norm) -> float:
    """What the noise of a typical unit's vector moves, squared and added up, of parts so long."""
    effects, squares, sizes = moved(found, {}), 0.0, list[float]()
    for statistic, part in zip(found.statistics, parts, strict=True):
        squares += float(effects[statistic.name]) * statistic.magnitude**2 / part**2
        sizes.append(part * (1.0 if statistic.kind is StatisticKind.ROWS else sqrt(TYPICAL)))
    return squares * (sum(sizes) ** 2 if norm is Norm.L1 else sum(size**2 for size in sizes))


@pytest.mark.parametrize("norm", Norm)
@pytest.mark.parametrize("aggregates", [[AVG_X], [COUNT_X, AVG_X], [VAR_X], [AVG_X, VAR_X]])
def test_no_other_proportions_expect_less(aggregates: list[Aggregate], norm: Norm) -> None:
    found = measure(*aggregates)
    parts = [float(each) for each in proportions(found, [each.name for each in found.statistics], norm).values()]
    least = expected(found, parts, norm)
    for place in range(len(parts)):
        for factor in (0.5, 0.98, 1.02, 2.0):
            changed = [part * factor if i == place else part for i, part in enumerate(parts)]
            assert expected(found, changed, norm) > least
    assert expected(found, [1.0] * len(parts), norm) > least


@settings(max_examples=40, deadline=None)
@given(
    aggregates=st.lists(st.sampled_from([COUNT_X, SUM_X, AVG_X, VAR_X, CORR_XX]), min_size=1, unique=True),
    rows=st.integers(2, 1000),
    units=st.integers(1, 10**9),
    ends=st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 10**9)),
    norm=st.sampled_from(Norm),
)
def test_a_row_is_no_longer_in_any_statistic_than_the_clip_says(
    aggregates: list[Aggregate], rows: int, units: int, ends: tuple[int, int], norm: Norm
) -> None:
    """Rule 27: the room that capacity leaves is for the longest part."""
    x = number(ends[0], ends[0] + ends[1], nullable=False)
    relation = checked(aggregates, rows=rows, keys=[key([1, 2])], x=x)
    found = bound_by(relation, ClipAt(None), None, units, norm, 1)
    for clip in found.clips:
        sizes = [steps * found.statistic(name).magnitude for name, steps in clip.fine.items()]
        assert min(clip.fine.values()) >= 1
        assert max(sizes) <= clip.row
