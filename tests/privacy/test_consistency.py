"""Rule 25: totals of grouping sets add up exactly, are the least squares of what was measured, and intervals cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.plan.nodes import Aggregate, Scalar
from sandbox.privacy.bounding import bound
from sandbox.privacy.calibrate import PricedMeasure, price
from sandbox.privacy.clip import ClipAt, norm_of
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.consistency import BETWEEN, CELLS, ROUNDING, consistent, noises
from sandbox.privacy.intervals import half_widths, release
from sandbox.privacy.keys import Key, Totals
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import measure
from sandbox.privacy.reach import laplace, normal
from tests.privacy.test_intervals import DELTA, RUNS, SPENDS
from tests.support.coverage import covered, needed
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, DISTINCT_X, SUM_X, checked, key, number

CUBE = ((0, 1), (0,), (1,), ())
ROLLUP = ((0, 1), (0,), ())
APART = ((0,), (1,))
SETS = {"cube": CUBE, "rollup": ROLLUP, "without leaves": APART, "three keys": ((0, 1), (1, 2), (0, 2), (), (0, 1, 2))}
ONE = Spend(None, Fraction(1, 100))


def priced(
    aggregates: Sequence[Aggregate],
    sets: Sequence[Sequence[int]],
    sizes: Sequence[int] = (3, 2, 2),
    *,
    notion: Notion = Notion.ZCDP,
    spend: Spend = ONE,
    bounds: Bounds | ClipAt | None = None,
    per_unit: bool = False,
) -> PricedMeasure:
    """A measure by keys of these sizes, in these sets of them."""
    used = 1 + max(place for one in sets for place in one)
    keys = [key(list(range(size)), per_unit=per_unit) for size in sizes[:used]]
    relation = checked(aggregates, rows=4, keys=keys, x=number(0, 100), sets=sets)
    (one,) = price([bound_by(relation, bounds, None, 10**6, norm_of(notion), 1)], spend, notion, DELTA).measures
    return one


def cells(each: PricedMeasure) -> list[tuple[int, Key]]:
    """The groups of all levels."""
    found = list[tuple[int, Key]]()
    for at, level in enumerate(each.bounded.checked.levels):
        for cell in level.key_set.cells or ():
            parts = dict(zip(level.places, cell, strict=True))
            found.append((at, tuple(parts.get(place) for place in range(len(each.bounded.checked.keys)))))
    return found


def totals(each: PricedMeasure, found: Sequence[tuple[int, Key]], columns: Mapping[str, Sequence[int]]) -> Totals:
    whole = {statistic.name: (0,) * len(found) for statistic in each.bounded.statistics}
    whole |= {name: tuple(column) for name, column in columns.items()}
    return Totals(tuple(key_ for _, key_ in found), whole, tuple(at for at, _ in found))


def add_up(each: PricedMeasure, found: Sequence[tuple[int, Key]], column: Sequence[Fraction | int]) -> None:
    """Every two levels have the same sums over the keys that both have."""
    levels = each.bounded.checked.levels
    for one, other in product(range(len(levels)), repeat=2):
        shared = set(levels[one].places) & set(levels[other].places)
        sums = [defaultdict[Key, Fraction](Fraction) for _ in range(2)]
        for (at, cell), total in zip(found, column, strict=True):
            for place, level in enumerate((one, other)):
                if at == level:
                    sums[place][tuple(part if i in shared else None for i, part in enumerate(cell))] += total
        assert sums[0] == sums[1]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(SETS)), st.sampled_from(Notion))
def test_whatever_was_measured_adds_up_in_whole_numbers(data: st.DataObject, sets: str, notion: Notion) -> None:
    spend = ONE if notion is Notion.ZCDP else Spend(Fraction(1), None)
    each = priced([COUNT_ROWS, SUM_X], SETS[sets], notion=notion, spend=spend)
    found = cells(each)
    drawn = st.lists(st.integers(-(2**60), 2**60), min_size=len(found), max_size=len(found))
    columns = {statistic.name: data.draw(drawn) for statistic in each.bounded.statistics}
    for column in consistent(each, totals(each, found, columns)).columns.values():
        add_up(each, found, column)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(SETS)))
def test_what_adds_up_stays_as_it_is(data: st.DataObject, sets: str) -> None:
    each = priced([COUNT_ROWS], SETS[sets])
    found, (name,) = cells(each), [statistic.name for statistic in each.bounded.statistics]
    keys = each.bounded.checked.keys
    table = {cell: data.draw(st.integers(-(2**50), 2**50)) for cell in product(*(part.values.members for part in keys))}  # type: ignore[arg-type]
    column = [
        sum(n for leaf, n in table.items() if all(part in (None, leaf[place]) for place, part in enumerate(cell)))
        for _, cell in found
    ]
    assert consistent(each, totals(each, found, {name: column})).columns[name] == tuple(column)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(sorted(SETS)))
def test_it_is_the_least_squares_of_what_was_measured(data: st.DataObject, sets: str) -> None:
    """At the least sum of squares, each over its level's variance, its gradient by any cell of the table is 0."""
    each = priced([COUNT_ROWS], SETS[sets])
    found, (name,) = cells(each), [statistic.name for statistic in each.bounded.statistics]
    drawn = st.lists(st.integers(-(2**40), 2**40), min_size=len(found), max_size=len(found))
    column = data.draw(drawn)
    settled = consistent(each, totals(each, found, {name: column})).columns[name]
    variances = [Fraction(each.steps_at(at)[name].scale) ** 2 for at in range(len(each.bounded.checked.levels))]
    least = min(variances)
    for leaf in product(*(part.values.members for part in each.bounded.checked.keys)):  # type: ignore[arg-type]
        gradient = sum(
            (new - old) * least / variances[at]
            for (at, cell), new, old in zip(found, settled, column, strict=True)
            if all(part in (None, leaf[place]) for place, part in enumerate(cell))
        )
        assert abs(Fraction(gradient)) <= 2**26


@pytest.mark.parametrize("sets", SETS.values(), ids=SETS)
def test_the_noise_left_is_what_the_least_squares_leave(sets: Sequence[Sequence[int]]) -> None:
    """By the response to each total alone; never more than before, but for the rounding."""
    each = priced([COUNT_ROWS], sets)
    found, (name,) = cells(each), [statistic.name for statistic in each.bounded.statistics]
    variances = [each.steps_at(at)[name].scale ** 2 for at in range(len(each.bounded.checked.levels))]
    left = [0.0] * len(found)
    for place, (at, _) in enumerate(found):
        column = [2**40 if one == place else 0 for one in range(len(found))]
        moved = consistent(each, totals(each, found, {name: column})).columns[name]
        left = [old + (new / 2**40) ** 2 * variances[at] for old, new in zip(left, moved, strict=True)]
    for (at, _), variance in zip(found, left, strict=True):
        claimed = noises(each, 0.05)[at][name].scale ** 2
        assert variance <= claimed <= variance + float(ROUNDING) * 4 + 1e-3 * variance
        assert claimed <= variances[at] + 1


def test_only_what_adds_up_is_adjusted() -> None:
    """Units can be in several groups, and values too; where the unit determines its group, units do add up."""
    asked = [COUNT_ROWS, COUNT_UNITS, DISTINCT_X]
    for per_unit, kinds in ((False, {"rows"}), (True, {"rows", "units"})):
        each = priced(asked, CUBE, per_unit=per_unit)
        found = cells(each)
        column = list(range(0, 50 * len(found), 50))
        old = totals(each, found, {statistic.name: column for statistic in each.bounded.statistics})
        new = consistent(each, old)
        changed = {each.bounded.statistic(name).kind for name in new.columns if new.columns[name] != old.columns[name]}
        assert changed == kinds


def test_private_levels_are_left_as_they_were_measured() -> None:
    """Rule 25: totals are never summed from survivors."""
    relation = checked([COUNT_ROWS], rows=3, keys=[key(None), key([1, 2])], sets=[[0, 1], [0], [1], []])
    (each,) = price([bound(relation, None, None, 1000)], ONE, Notion.ZCDP, DELTA).measures
    assert {step.level for step in each.measurements if step.threshold is not None} == {0, 1}
    names = [statistic.name for statistic in each.bounded.statistics]
    found = [(0, (7, 1)), (1, (7, None)), (2, (None, 1)), (2, (None, 2)), (3, (None, None))]
    old = totals(each, found, {name: [10, 20, 300, 400, 900] for name in names})
    new = consistent(each, old)
    rows = next(name for name in names if name != each.bounded.existence)
    assert new.columns[rows][:2] == (10, 20)
    assert new.columns[rows][2] + new.columns[rows][3] == new.columns[rows][4] != 900


def test_a_table_that_is_too_large_is_left_as_it_was_measured() -> None:
    each = priced([COUNT_ROWS], APART, sizes=(CELLS, 2))
    assert noises(each, 0.05)[0] == each.steps_at(0)


@pytest.mark.parametrize(
    ("spend", "bounds", "first"),
    [*((spend, None, 0) for spend in SPENDS), ("zcdp", ClipAt(Fraction(3)), 1), ("pure", ClipAt(Fraction(3)), 1)],
)
def test_intervals_of_consistent_totals_cover(spend: str, bounds: ClipAt | None, first: int) -> None:
    """`RUNS` tables of three cells and their total, with one key that tells the table; where it is the second key, a
    table's total is rounded in three places."""
    sizes = (RUNS, 3) if first == 0 else (3, RUNS)
    notion, spent = SPENDS[spend]
    each = priced([COUNT_X, SUM_X, AVG_X], ((0, 1), (first,)), sizes, notion=notion, spend=spent, bounds=bounds)
    found = cells(each)
    rows, mean = (500, 700, 300), 30
    columns = dict[str, list[int]]()
    for statistic in each.bounded.statistics:
        added = 1 if statistic.kind == "rows" else mean - statistic.centre
        counts = [rows[int(str(cell[1 - first]))] if at == 0 else sum(rows) for at, cell in found]
        columns[statistic.name] = [n * added * each.bounded.fine(statistic.name) for n in counts]
    answer = release(each, measure(each.measurements, totals(each, found, columns), []))
    for at, truths in ((0, [300, 300 * mean, mean]), (1, [1500, 1500 * mean, mean])):
        for position, truth in enumerate(truths):
            intervals = [
                row[position]
                for (level, cell), row in zip(found, answer.intervals, strict=True)
                if level == at and cell[1 - first] in (None, 2)
            ]
            assert len(intervals) == RUNS
            assert covered(intervals, float(truth)) >= needed(RUNS), (at, position)


def test_intervals_are_narrower_than_of_what_was_measured() -> None:
    each = priced([COUNT_ROWS], ROLLUP, sizes=(8, 2))
    name = each.bounded.statistics[0].name
    for at, steps in enumerate(noises(each, 0.05)):
        assert steps[name].scale < each.steps_at(at)[name].scale
    assert (half_widths(each, None)["a1"] or 0) < 1.97 * max(each.steps_at(at)[name].scale for at in range(3))


def test_sums_of_laplace_noises_stay_within_what_stands_for_them() -> None:
    """Whatever part of the variance is whose, at any error asked."""
    for outside in (0.5, 0.3, 0.2, 0.1, 0.05, 0.01, 1e-4):
        for scales in ([1.0], [1.0, 1.0], [1.0, 0.3], [1.0] * 3, [1.0] * 8, [1.0, 0.2, 0.2, 0.2, 0.2], [1.0] * 40):
            deviation = sqrt(2 * sum(scale**2 for scale in scales))
            one = laplace([deviation / sqrt(2)], outside)
            assert laplace(scales, outside) <= max(one, normal(outside) * deviation) * BETWEEN


def test_values_add_up_as_they_are_shown() -> None:
    """Also under a clip, whose totals come in finer steps, and for amounts with decimals."""
    amounts = number(Fraction(0), Fraction(100), granularity=Fraction(1, 100))
    relation = checked([COUNT_ROWS, SUM_X], rows=9, keys=[key([1, 2, 3]), key([1, 2])], x=amounts, sets=CUBE)
    for bounds in (None, Bounds(2, 3), ClipAt(Fraction(7, 3))):
        bounded = bound_by(relation, bounds, None, 10**6, norm_of(Notion.ZCDP), 1)
        (each,) = price([bounded], ONE, Notion.ZCDP, DELTA).measures
        found = cells(each)
        exact = totals(each, found, {statistic.name: [12345] * len(found) for statistic in each.bounded.statistics})
        answer = release(each, measure(each.measurements, exact, []))
        for place in (-2, -1):
            shown: list[Scalar] = [row[place] for row in answer.rows]
            assert all(isinstance(one, int | Fraction) and one % Fraction(1, 100) == 0 for one in shown)
            add_up(each, found, shown)  # type: ignore[arg-type]
