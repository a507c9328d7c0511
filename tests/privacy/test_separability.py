"""Rules 1 and 10–15: one unit out of the input files takes exactly its own rows out of every relation of a query.

And what `check` says of the relation, on which every sensitivity rests, holds of its rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from sandbox.plan.checked import CheckedMeasure
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.plan import Plan
from sandbox.plan.values import Values
from tests.support.exact import Laboratory, laboratory, multiset, seed
from tests.support.partitions import every_partition
from tests.support.plans import plans
from tests.support.queries import Query, every_join, queries
from tests.support.records import FULL, SMALL, UNITS, Records, records
from tests.support.reference import Row

ASKED = queries() | queries() | plans([SMALL])
ROUNDS = 6
"""Queries asked of each pair of databases: loading them is what takes time."""


@settings(max_examples=settings().max_examples // 5)
@given(records(), st.sampled_from(UNITS), st.lists(ASKED, min_size=1, max_size=ROUNDS), st.randoms())
def test_removing_a_unit_removes_its_rows_and_changes_no_other(
    everybody: Records, unit: int, asked: list[Query | Plan], order: Random
) -> None:
    """Also when the other records come in another order; the dense unit numbers are no part of a row (rule 9)."""
    with laboratory(everybody) as before, laboratory(everybody.without(unit, order)) as after:
        for query in asked:
            note(str(query))
            separable(before, after, unit, query)


@pytest.mark.parametrize("unit", UNITS)
def test_every_kind_of_join(unit: int) -> None:
    with laboratory(FULL) as before, laboratory(FULL.without(unit, Random(unit))) as after:
        for query in every_join():
            separable(before, after, unit, query)


@pytest.mark.parametrize("unit", UNITS)
def test_every_kind_of_group_and_window(unit: int) -> None:
    """Rules 10, 13, 14: within units, under a total order."""
    with laboratory(FULL) as before, laboratory(FULL.without(unit, Random(unit))) as after:
        for plan in every_partition():
            separable(before, after, unit, plan)


WITHIN = (
    "SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w WHERE w.pid = v.pid)",
    "SELECT SUM((SELECT COUNT(*) FROM visits v WHERE v.pid = p.pid AND v.emergency)) FROM persons p",
    "SELECT AVG(v.费用 - (SELECT MIN(w.费用) FROM visits w WHERE w.pid = v.pid AND w.科室 = v.科室)) FROM visits v",
    "SELECT COUNT(*) FROM visits v WHERE (SELECT SUM(d.packs) FROM drugs d WHERE d.visit_no = v.visit_no) > 5",
    "SELECT COUNT(*) FROM visits WHERE (pid, 日期) IN (SELECT pid, MIN(日期) FROM visits GROUP BY pid)",
    "SELECT COUNT(*) FROM visits v WHERE (v.pid, v.费用) NOT IN (SELECT w.pid, w.费用 FROM visits w WHERE w.emergency)",
)
"""Subqueries of the rows of one's own unit."""


@pytest.mark.parametrize("unit", UNITS)
def test_subqueries_of_ones_own_rows(unit: int) -> None:
    """Rules 10, 12, 13: a value or a row of values compared with is that of the unit's own rows."""
    with laboratory(FULL) as before, laboratory(FULL.without(unit, Random(unit))) as after:
        for sql in WITHIN:
            separable(before, after, unit, Query(sql, (), ordered=False))


def separable(before: Laboratory, after: Laboratory, unit: int, asked: Query | Plan) -> None:
    """The measured relations of neighbours differ by exactly the unit's rows."""
    for measure in before.measures(asked):
        separate(before, after, unit, measure)


def separate(before: Laboratory, after: Laboratory, unit: int, measure: CheckedMeasure) -> list[Row]:
    """One measure's relation, with the unit's rows in it."""
    with_unit, without_unit = before.rows(measure), after.rows(measure)
    others = [row for row in with_unit if row.unit != seed(unit)]
    assert multiset(without_unit) == multiset(others), measure.measure
    holds(measure, with_unit)
    return with_unit


def holds(measure: CheckedMeasure, rows: Sequence[Row]) -> None:
    """Rows per unit, keys within a unit, and each column's values are as `check` claims."""
    source = measure.source
    assert max(Counter(row.unit for row in rows).values(), default=0) <= source.rows
    for key in source.unit_keys:
        named = Counter((row.unit, *(row.values[name] for name in sorted(key))) for row in rows)
        assert all(count == 1 for cells, count in named.items() if None not in cells)
    for name, values in source.values.items():
        cells = [row.values[name] for row in rows]
        assert all(_within(values, cell) for cell in cells), (name, values)
        if values.per_unit:
            of_unit: dict[object, set[Scalar]] = defaultdict(set)
            for row in rows:
                of_unit[row.unit].add(row.values[name])
            assert all(len(found) == 1 for found in of_unit.values()), name


def _within(values: Values, cell: Scalar) -> bool:
    if values.type is Type.UNIT:
        return cell is True
    if cell is None:
        return values.nullable
    if values.members is not None and cell not in values.members:
        return False
    if isinstance(cell, bool | str) or values.type is Type.PRESENCE:
        return True
    if isinstance(cell, Fraction):
        cell = float(cell)  # type: ignore[assignment]
    return (values.lo is None or values.lo <= cell) and (values.hi is None or cell <= values.hi)  # type: ignore[operator]
