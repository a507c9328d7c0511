"""The split of a spend: by expected error, exact, and from nothing but measures and request (rules 3 and 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from math import isclose, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.plan.nodes import Aggregate
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.clip import ClipAt, Norm
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.effects import OFF_CENTRE
from sandbox.privacy.sensitivity import sensitivity
from sandbox.privacy.shares import split
from tests.support.measures import (
    AVG_X,
    CORR_XX,
    COUNT_ROWS,
    COUNT_UNITS,
    COUNT_X,
    DISTINCT_X,
    SUM_X,
    VAR_X,
    checked,
    key,
    number,
)

UNITS = 2**40
NOTIONS = [Notion.ZCDP, Notion.PURE]
ALL = [COUNT_ROWS, COUNT_X, COUNT_UNITS, SUM_X, AVG_X, VAR_X, CORR_XX, DISTINCT_X]


def measure(*aggregates: Aggregate, rows: int = 6, private: bool = False, lo: int = 0, hi: int = 100) -> BoundedMeasure:
    keys = [key(None if private else [1, 2, 3])]
    return bound(checked(aggregates, rows=rows, keys=keys, x=number(lo, hi, nullable=False)), None, None, 10**4)


def shares(
    measures: Sequence[BoundedMeasure], notion: Notion, weights: Mapping[str, Fraction] | None = None
) -> list[float]:
    found = split(UNITS, measures, notion, weights or {})
    return [share / UNITS for each in found for share in each.values()]


@pytest.mark.parametrize("notion", NOTIONS)
def test_an_average_spends_more_on_the_sum_than_on_the_count(notion: Notion) -> None:
    """A mean that lies anywhere in its range moves by θ of a row for each row more, and by one half range for each of
    the sum: √W·Δ₂ and ∛(W·Δ₁²) in the proportion of 1 to θ and to θ^⅔."""
    count, total = shares([measure(AVG_X)], notion)
    root = 1 / 2 if notion is Notion.ZCDP else 1 / 3
    assert isclose(count / total, float(OFF_CENTRE) ** root, rel_tol=1e-9)
    assert 1 - 2**-36 < count + total <= 1


@pytest.mark.parametrize("notion", NOTIONS)
def test_a_count_that_several_columns_use_gets_more(notion: Notion) -> None:
    alone = shares([measure(COUNT_UNITS, AVG_X)], notion)
    shared = shares([measure(COUNT_UNITS, AVG_X, COUNT_ROWS)], notion)
    assert shared[1] > alone[1]
    assert shared[2] < alone[2]


@pytest.mark.parametrize("notion", NOTIONS)
def test_equal_columns_get_equal_shares(notion: Notion) -> None:
    found = shares([measure(COUNT_ROWS), measure(COUNT_ROWS, rows=500), measure(SUM_X)], notion)
    assert all(isclose(each, 1 / 3, rel_tol=1e-9) for each in found)


@pytest.mark.parametrize("notion", NOTIONS)
def test_a_column_of_more_weight_gets_more(notion: Notion) -> None:
    one, other = shares([measure(COUNT_X), measure(COUNT_ROWS)], notion, {COUNT_X.name: Fraction(64)})
    assert isclose(one / other, 8 if notion is Notion.ZCDP else 4, rel_tol=1e-9)


def squares(measures: Sequence[BoundedMeasure], notion: Notion, given: Sequence[float]) -> float:
    """Σ over columns of the squared relative error of counts, sums of [0, 100] and averages of [0, 100], whose groups
    have half of the rows declared."""
    whole, found = iter(given), 0.0
    for each in measures:
        deviations = {}
        for statistic in each.statistics:
            change, share = sensitivity(each, statistic), next(whole)
            variance = change.l2_squared / (2 * share) if notion is Notion.ZCDP else 2 * change.l1**2 / share**2
            deviations[statistic.name] = sqrt(variance)
        rows = each.checked.source.rows
        for estimate in each.estimates:
            names = sorted(estimate.parts, key=lambda name: int(name.rpartition("s")[2]))
            if len(names) == 1:
                found += (deviations[names[0]] / rows) ** 2
            elif getattr(estimate, "divisor", None) is not None:
                count, total = (deviations[name] for name in names)
                found += (total**2 / 50**2 + float(OFF_CENTRE) * count**2) / rows**2
            else:
                count, total = (deviations[name] for name in names)
                found += (total**2 + 50**2 * count**2) / (100 * rows) ** 2
    return found


@pytest.mark.parametrize("notion", NOTIONS)
@pytest.mark.parametrize(
    "shape",
    [
        [measure(AVG_X)],
        [measure(COUNT_ROWS, SUM_X, AVG_X)],
        [measure(COUNT_ROWS, SUM_X, AVG_X, rows=1), measure(AVG_X, rows=30), measure(COUNT_ROWS)],
    ],
)
def test_no_other_split_expects_less(notion: Notion, shape: Sequence[BoundedMeasure]) -> None:
    """Against every small shift from one statistic to another; a convex function's local minimum is the global one."""
    given = shares(shape, notion)
    least = squares(shape, notion, given)
    for source, target in permutations(range(len(given)), 2):
        for step in (0.002, 0.05):
            shifted = list(given)
            shifted[source] -= step * given[source]
            shifted[target] += step * given[source]
            assert squares(shape, notion, shifted) > least
    assert least < squares(shape, notion, [1 / len(given)] * len(given))


@settings(max_examples=60, deadline=None)
@given(
    aggregates=st.lists(st.sampled_from(ALL), min_size=1, unique=True),
    rows=st.integers(1, 40),
    private=st.booleans(),
    ends=st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**6)),
    notion=st.sampled_from(NOTIONS),
    asked=st.one_of(st.none(), st.builds(Bounds, st.integers(1, 3), st.integers(1, 9)), st.just(ClipAt(None))),
    weight=st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1000),
)
def test_every_statistic_has_a_share_and_all_together_no_more_than_the_spend(
    aggregates: list[Aggregate],
    rows: int,
    private: bool,
    ends: tuple[int, int],
    notion: Notion,
    asked: Bounds | ClipAt | None,
    weight: Fraction,
) -> None:
    keys = [key(None if private else [1, 2, 3])]
    relation = checked(aggregates, rows=rows, keys=keys, x=number(ends[0], ends[0] + ends[1], nullable=False))
    norm = Norm.L2 if notion is Notion.ZCDP else Norm.L1
    each = bound_by(relation, asked, None, 10**3, norm, 1)
    (found,) = split(UNITS, [each], notion, {aggregates[0].name: weight})
    assert list(found) == [(0, statistic.name) for statistic in each.statistics]
    assert min(found.values()) > 0
    assert UNITS - UNITS // 10**9 <= sum(found.values()) <= UNITS
    for clip in each.clips:
        assert len({found[0, name] for name in clip.fine}) == 1  # what a clip's statistics have, they have together


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match=r"spend\.too_small"):
        split(1, [measure(AVG_X)], Notion.ZCDP, {})
