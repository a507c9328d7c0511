"""Rules 16, 21 and 23: what bounds a sum or a set of keys is done to every row by the engine, whatever was concluded.

The conclusions are made too narrow here, as an error in a range rule would make them: totals stay those of the
reference, which clamps each row and drops each key outside the set.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from policies.cards import Bounds
from sandbox.plan.checked import CheckedAggregate, CheckedMeasure, GroupKey, KeySet
from sandbox.plan.values import Values
from sandbox.privacy.clip import ClipAt
from tests.support.exact import laboratory
from tests.support.queries import Query
from tests.support.records import FULL

AGGREGATES = """COUNT(*), COUNT(费用), SUM(费用), SUM(费用 / 7), AVG(费用), VAR_POP(费用), COUNT(DISTINCT 费用),
COUNT(DISTINCT 科室), SUM(length(科室)), SUM(clamp(费用, 0, 100)) FILTER (WHERE emergency)"""
QUERIES = (
    f"SELECT {AGGREGATES} FROM visits",
    f"SELECT 科室, {AGGREGATES} FROM visits GROUP BY 科室",
    f"SELECT 科室, emergency, {AGGREGATES} FROM visits GROUP BY ALL",
    f"SELECT date_trunc('month', 日期) AS month, {AGGREGATES} FROM visits GROUP BY ALL",
    "SELECT 性别, SUM(birth_year), AVG(birth_year), REGR_SXY(income, birth_year) FROM persons GROUP BY 性别",
)
BOUNDS = (None, Bounds(1, 2), ClipAt(Fraction(3, 2)))


def narrowed(checked: CheckedMeasure) -> CheckedMeasure:
    """Half of each range and of each set of group keys, without NULL."""
    keys = tuple(map(_half_of_the_set, checked.keys))
    cells = checked.key_set.cells
    kept = [set(key.values.members or ()) for key in keys]
    if cells is not None:
        cells = tuple(cell for cell in cells if all(part in of for part, of in zip(cell, kept, strict=True)))
    aggregates = tuple(map(_half_of_the_range, checked.aggregates))
    (level,) = checked.levels
    levels = (replace(level, key_set=KeySet(cells)),)
    return replace(checked, keys=keys, key_set=KeySet(cells), levels=levels, aggregates=aggregates)


def _half_of_the_set(key: GroupKey) -> GroupKey:
    members = key.values.members
    if members is None:
        return key
    kept = members[: -(-len(members) // 2)]
    return replace(key, values=replace(key.values, members=kept, lo=None, hi=None, nullable=False))


def _half_of_the_range(aggregate: CheckedAggregate) -> CheckedAggregate:
    return replace(aggregate, values=_half(aggregate.values), other=_half(aggregate.other))


def _half(values: Values | None) -> Values | None:
    if values is None or not isinstance(values.lo, int | Fraction) or not isinstance(values.hi, int | Fraction):
        return values
    quarter = (Fraction(values.hi) - Fraction(values.lo)) / 4
    ends = Fraction(values.lo + quarter), Fraction(values.hi - quarter)
    lo, hi = map(round, ends) if isinstance(values.lo, int) else ends
    return replace(values, lo=lo, hi=hi, members=None)


@pytest.mark.parametrize("bounds", BOUNDS, ids=["structure", "groups and rows", "clip"])
def test_values_are_clamped_and_keys_dropped_whatever_was_concluded(bounds: Bounds | ClipAt | None) -> None:
    cut = 0
    with laboratory(FULL) as lab:
        for sql in QUERIES:
            (checked,) = lab.measures(Query(sql, (), ordered=False))
            measure = lab.bound(narrowed(checked), bounds)
            found = lab.statistics(measure)
            assert found == lab.expected(measure), sql
            whole = lab.statistics(lab.bound(checked, bounds))
            cut += found != whole
    assert cut == len(QUERIES), "what is never outside shows nothing"
