"""Sensitivities by brute force: every way in which one unit can fill its rows (rules 11, 17, 18, 20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from sandbox.plan.checked import CheckedMeasure
from sandbox.plan.nodes import Scalar
from sandbox.plan.values import Values
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.sensitivity import Sensitivity, full_groups, sensitivity
from tests.support.measures import (
    AVG_X,
    CORR_XX,
    COUNT_ROWS,
    COUNT_UNITS,
    COUNT_X,
    DISTINCT_X,
    MEDIAN_X,
    SUM_X,
    VAR_X,
    checked,
    key,
    number,
)
from tests.support.reference import Row, buckets, by_repr, contributions, simple, totals

ALL = (COUNT_ROWS, COUNT_X, COUNT_UNITS, SUM_X, AVG_X, VAR_X, CORR_XX)
RANGES = {
    "positive": number(0, 4),
    "negative": number(-3, -1),
    "mixed": number(-2, 5),
    "offset": number(7, 9),
    "fine": number(Fraction(1, 4), Fraction(9, 4), granularity=Fraction(1, 2)),
}


def units(measure: CheckedMeasure, values: Values) -> Iterator[list[Row]]:
    """Every multiset of at most l rows that obeys the declared unit keys and what the unit determines."""
    assert values.lo is not None
    assert values.hi is not None
    x: list[Scalar] = [*(values.members or (values.lo, values.hi)), None]
    cells = measure.key_set.cells or ((1,), (2,), (3,))
    kinds = [(cell, value) for cell in cells for value in x]
    for size in range(measure.source.rows + 1):
        for rows in combinations_with_replacement(kinds, size):
            if measure.source.unit_keys and max(Counter(cell for cell, _ in rows).values(), default=0) > 1:
                continue
            varying: list[set[Scalar]] = [
                {cell[index] for cell, _ in rows} for index, part in enumerate(measure.keys) if part.values.per_unit
            ]
            if values.per_unit:
                varying.append({value for _, value in rows})
            if any(len(members) > 1 for members in varying):
                continue
            yield [
                Row("u", {**{f"c{index}": part for index, part in enumerate(cell, 1)}, "x": value})
                for cell, value in rows
            ]


def worst(bounded: BoundedMeasure, values: Values, level: int = 0) -> list[Sensitivity]:
    """Per statistic, the largest change that any unit makes on a level."""
    found = [Sensitivity(0, 0, 0, 0)] * len(bounded.statistics)
    told = None if bounded.checked.measure.levels is None else bounded.checked.levels[level].number
    for rows in units(bounded.checked, values):
        groups = contributions(bounded, rows).get("u", {})
        vectors = [vector for key, vector in groups.items() if told is None or key[-1] == told]
        for index in range(len(found)):
            changes = [abs(vector[index]) for vector in vectors]
            was = found[index]
            found[index] = Sensitivity(
                l0=max(was.l0, sum(change > 0 for change in changes)),
                linf=max(was.linf, *changes, 0),
                l1=max(was.l1, sum(changes)),
                l2_squared=max(was.l2_squared, sum(change**2 for change in changes)),
            )
    return found


STRUCTURES = {
    "one row, one group": checked(ALL, rows=1),
    "one row, three groups": checked(ALL, rows=1, keys=[key([1, 2, 3])]),
    "three rows, one group": checked(ALL, rows=3),
    "three rows, three groups": checked(ALL, rows=3, keys=[key([1, 2, 3])]),
    "four rows, two groups": checked(ALL, rows=4, keys=[key([1, 2])]),
    "three rows, unit key is the group": checked(ALL, rows=3, keys=[key([1, 2, 3])], unit_keys=[frozenset({"c1"})]),
    "two rows, a part determined by the unit": checked(ALL, rows=2, keys=[key([1, 2], per_unit=True), key([1, 2])]),
    "three rows, private groups": checked(ALL, rows=3, keys=[key(None)]),
    "two rows, a group of NULL": checked(ALL, rows=2, keys=[key([1, 2], nullable=True)]),
}


def with_range(measure: CheckedMeasure, values: Values) -> CheckedMeasure:
    return checked(
        ALL,
        rows=measure.source.rows,
        keys=[part.values for part in measure.keys],
        unit_keys=measure.source.unit_keys,
        x=values,
        sets=None if measure.measure.levels is None else [level.places for level in measure.levels],
    )


@pytest.mark.parametrize(
    "bounds", [None, Bounds(1, 1), Bounds(2, 1), Bounds(1, 2), Bounds(2, 2), Bounds(9, 9)], ids=str
)
@pytest.mark.parametrize("values", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_claimed_is_the_worst_case_exactly(structure: CheckedMeasure, values: Values, bounds: Bounds | None) -> None:
    bounded = bound(with_range(structure, values), bounds, None, max_units=1000)
    claimed = [sensitivity(bounded, statistic) for statistic in bounded.statistics]
    assert claimed == worst(bounded, values)


CUBED = {
    "three rows, two keys": checked(ALL, rows=3, keys=[key([1, 2, 3]), key([1, 2])], sets=[[0, 1], [0], [1], []]),
    "three rows, the leaves are no level": checked(ALL, rows=3, keys=[key([1, 2]), key([1, 2])], sets=[[0], [1]]),
    "three rows, a part determined by the unit": checked(
        ALL, rows=3, keys=[key([1, 2], per_unit=True), key([1, 2])], sets=[[0, 1], [1], [0], []]
    ),
    "three rows, unit key is a group": checked(
        ALL, rows=3, keys=[key([1, 2, 3])], unit_keys=[frozenset({"c1"})], sets=[[0], []]
    ),
    "three rows, private groups": checked(ALL, rows=3, keys=[key(None)], sets=[[0], []]),
    "two rows, a group of NULL": checked(ALL, rows=2, keys=[key([1, 2], nullable=True)], sets=[[], [0]]),
}
"""Measures of several grouping sets."""


@pytest.mark.parametrize("bounds", [None, Bounds(1, 1), Bounds(2, 1), Bounds(1, 2), Bounds(2, 2)], ids=str)
@pytest.mark.parametrize("values", [RANGES["mixed"], RANGES["offset"]], ids=["mixed", "offset"])
@pytest.mark.parametrize("structure", CUBED.values(), ids=CUBED)
def test_claimed_is_the_worst_case_on_every_level(
    structure: CheckedMeasure, values: Values, bounds: Bounds | None
) -> None:
    """Rule 25: of the groups by all keys that a unit is cut to, several can be one group of a level."""
    bounded = bound(with_range(structure, values), bounds, None, max_units=1000)
    for level in range(len(structure.levels)):
        claimed = [sensitivity(bounded, statistic, level) for statistic in bounded.statistics]
        assert claimed == worst(bounded, values, level)


VALUE_SETS = {
    "two values": (key([1, 2], nullable=True), key([1, 2], nullable=True)),
    "four values": (key([1, 2, 3, 4], nullable=True), key([1, 2, 3, 4], nullable=True)),
    "no value set": (number(1, 4), key([1, 2, 3, 4])),
    "determined by the unit": (number(1, 2), key([1, 2], per_unit=True)),
}
"""What is known of a counted value, and the values that occur."""


@pytest.mark.parametrize(
    "bounds", [None, Bounds(1, 1), Bounds(2, 1), Bounds(1, 2), Bounds(2, 2), Bounds(2, 3), Bounds(9, 9)], ids=str
)
@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_distinct_values_claimed_are_the_worst_case_exactly(
    structure: CheckedMeasure, values: tuple[Values, Values], bounds: Bounds | None
) -> None:
    """Rules 20 and 21: of a unit at most r values per group key, one where the unit determines it, m where there are
    no more."""
    known, occurring = values
    measure = checked(
        [DISTINCT_X],
        rows=structure.source.rows,
        keys=[part.values for part in structure.keys],
        unit_keys=structure.source.unit_keys,
        x=replace(known, per_unit=occurring.per_unit),
    )
    bounded = bound(measure, bounds, None, max_units=1000)
    claimed = [sensitivity(bounded, statistic) for statistic in bounded.statistics]
    assert occurring.members is not None
    assert claimed == worst(bounded, replace(occurring, lo=1, hi=4))


@pytest.mark.parametrize(
    "bounds", [None, Bounds(1, 1), Bounds(2, 1), Bounds(1, 2), Bounds(2, 2), Bounds(9, 9)], ids=str
)
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_a_quantile_s_groups_claimed_are_the_worst_case(structure: CheckedMeasure, bounds: Bounds | None) -> None:
    """Rules 18 and 22: what a unit counts for in one group and in all, the latter exactly unless a part is the unit's
    or a key of it."""
    keys = [part.values for part in structure.keys]
    measure = checked([MEDIAN_X], rows=structure.source.rows, keys=keys, unit_keys=structure.source.unit_keys)
    bounded = bound(measure, bounds, None, max_units=1000)
    (quantile,) = bounded.quantiles
    most, fullest, cells = 0, 0, bounded.checked.key_set.cells or ((1,), (2,), (3,))
    for rows in units(bounded.checked, number(0, 4)):
        found = buckets(bounded, quantile.buckets, cells, rows, by_repr, simple)
        counted = [sum(each.values()) for each in found.values()]
        most, fullest = max(most, sum(counted)), max(fullest, *counted, 0)
    row = quantile.buckets.fine
    assert fullest <= quantile.buckets.rows * row
    assert most <= full_groups(bounded, quantile) * quantile.buckets.rows * row
    if not structure.source.unit_keys:
        assert most == full_groups(bounded, quantile) * quantile.buckets.rows * row


@pytest.mark.parametrize("bounds", [None, Bounds(1, 1), Bounds(2, 1), Bounds(1, 2), Bounds(2, 2)], ids=str)
@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)
@pytest.mark.parametrize("structure", CUBED.values(), ids=CUBED)
def test_distinct_values_claimed_are_no_less_than_the_worst_case_on_every_level(
    structure: CheckedMeasure, values: tuple[Values, Values], bounds: Bounds | None
) -> None:
    """Rules 21 and 25. Not exactly: values that are kept for several groups by all keys can be the same."""
    known, occurring = values
    measure = checked(
        [DISTINCT_X],
        rows=structure.source.rows,
        keys=[part.values for part in structure.keys],
        unit_keys=structure.source.unit_keys,
        x=replace(known, per_unit=occurring.per_unit),
        sets=[level.places for level in structure.levels],
    )
    bounded = bound(measure, bounds, None, max_units=1000)
    assert occurring.members is not None
    for level in range(len(structure.levels)):
        found = worst(bounded, replace(occurring, lo=1, hi=4), level)[-1]
        claimed = sensitivity(bounded, bounded.statistics[-1], level)
        assert found.l0 <= claimed.l0
        assert found.linf <= claimed.linf
        assert found.l1 <= claimed.l1
        assert found.l2_squared <= claimed.l2_squared


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_unit_changes_totals_by_its_own_contribution_only(data: st.DataObject) -> None:
    structure = data.draw(st.sampled_from([each for each in STRUCTURES.values() if not each.source.unit_keys]))
    bounds = data.draw(st.sampled_from([None, Bounds(1, 1), Bounds(2, 1), Bounds(2, 2)]))
    if any(part.values.per_unit for part in structure.keys):
        structure = STRUCTURES["three rows, three groups"]
    structure = checked([*ALL, DISTINCT_X], rows=structure.source.rows, keys=[part.values for part in structure.keys])
    bounded = bound(structure, bounds, None, max_units=1000)
    x = st.one_of(st.none(), st.integers(0, 10))
    width = len(structure.keys)
    rows = [
        Row(unit, {**{f"c{index}": data.draw(st.integers(1, 2)) for index in range(1, width + 1)}, "x": data.draw(x)})
        for unit in "abc"
        for _ in range(data.draw(st.integers(0, structure.source.rows)))
    ]
    with_a, without_a = totals(bounded, rows), totals(bounded, [row for row in rows if row.unit != "a"])
    nothing = (0,) * len(bounded.statistics)
    for position, statistic in enumerate(bounded.statistics):
        change = sensitivity(bounded, statistic)
        changes = [
            abs(with_a.get(cell, nothing)[position] - without_a.get(cell, nothing)[position])
            for cell in with_a.keys() | without_a.keys()
        ]
        assert sum(each > 0 for each in changes) <= change.l0
        assert max(changes, default=0) <= change.linf
        assert sum(changes) <= change.l1
        assert sum(each**2 for each in changes) <= change.l2_squared
