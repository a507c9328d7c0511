"""Counts of distinct values: what a unit may bring to one, under bounds, clips and structure (rules 14, 20, 21)."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import duckdb
import pytest
from sqlglot import exp

from policies.cards import Bounds
from sandbox.engines.distinct import distinct_values, kept_values
from sandbox.errors import Refusal
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.clip import ClipAt, Norm
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.sensitivity import Sensitivity, sensitivity
from sandbox.privacy.statistics import Statistic, StatisticKind
from tests.support.exact import laboratory
from tests.support.measures import COUNT_ROWS, DISTINCT_X, SUM_X, checked, key, number
from tests.support.queries import Query
from tests.support.records import FULL
from tests.support.records import UNITS as UNIT_KEYS

UNITS = 100_000
YEARS = key([1, 2, 3])


def distinct(measure: BoundedMeasure) -> Statistic:
    (found,) = (each for each in measure.statistics if each.kind is StatisticKind.DISTINCT)
    return found


@pytest.mark.parametrize("asked", [ClipAt(Fraction(5, 2)), ClipAt(None)], ids=["fixed", "chosen"])
@pytest.mark.parametrize(("card", "most"), [(Bounds(2, 3), 3), (None, 40)], ids=["card", "structure"])
def test_a_clip_leaves_it_the_rows_of_the_card_or_of_the_structure(
    asked: ClipAt, card: Bounds | None, most: int
) -> None:
    """Rule 21: a set has no length, so that no clip bounds it; its own bound and its own loss do."""
    measure = checked([SUM_X, COUNT_ROWS, DISTINCT_X], rows=40, keys=[YEARS], x=number(0, 100))
    bounded = bound_by(measure, asked, card, UNITS, Norm.L2, minimum=1)
    counted = distinct(bounded)
    assert bounded.fold
    assert bounded.clips
    assert bounded.clip(counted.name) is None
    assert counted.high == most
    full, rest = divmod(40, most)
    l2_squared = 3 * most**2 if full >= 3 else full * most**2 + rest**2
    assert sensitivity(bounded, counted) == Sensitivity(3, most, min(40, 3 * most), l2_squared)


def test_alone_it_is_bounded_as_without_a_clip() -> None:
    measure = checked([DISTINCT_X], rows=40, keys=[YEARS])
    bounded = bound_by(measure, ClipAt(None), Bounds(2, 3), UNITS, Norm.L2, minimum=1)
    assert bounded == bound(measure, None, Bounds(2, 3), UNITS)
    assert sensitivity(bounded, distinct(bounded)) == Sensitivity(2, 3, 6, 18)


def test_what_the_structure_allows_less_of_is_cut_all_the_same() -> None:
    """Rule 20: one value where the unit determines it; enforced, so that it holds if the structure should not."""
    few = bound(checked([DISTINCT_X], rows=9, x=key([1, 2])), None, None, UNITS)
    assert (distinct(few).high, few.fold) == (2, True)
    fixed = bound(checked([DISTINCT_X], rows=9, x=key(None, per_unit=True)), None, None, UNITS)
    assert (distinct(fixed).high, fixed.fold) == (1, True)
    whole = bound(checked([DISTINCT_X], rows=9, x=key(None)), None, None, UNITS)
    assert (distinct(whole).high, whole.fold) == (9, False)


def test_more_values_than_an_engine_can_hold_are_refused() -> None:
    """Rule 2: by declared sizes, before any charge."""
    with pytest.raises(Refusal) as refusal:
        bound(checked([DISTINCT_X], rows=10_000), None, None, UNITS)
    assert refusal.value.code == "plan.too_large"
    bound(checked([DISTINCT_X], rows=10_000, x=key([1, 2])), None, None, UNITS)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([("a", 3), ("a", 1), ("a", 2)], [1, 2]),
        ([("b", 1), ("b", 1), ("a", 3), ("a", 3), ("c", 2)], [3, 1]),
        ([("a", None), ("b", 7)], [7]),
        ([("a", None)], None),
    ],
    ids=["ties", "repeated", "null", "nothing"],
)
def test_exactly_so_many_values_are_kept_in_the_order_of_digest_and_value(
    rows: list[tuple[str, int | None]], kept: list[int] | None
) -> None:
    """Rule 14: two values of one digest are in the order of the values, and both do not count for one."""
    values = ", ".join(f"('{digest}', CAST({'NULL' if x is None else x} AS BIGINT))" for digest, x in rows)
    x = exp.column("x")
    there = exp.Not(this=exp.Is(this=x.copy(), expression=exp.Null()))
    sql = kept_values(exp.column("h"), x, there, 2).sql("duckdb")
    with duckdb.connect() as engine:
        (found,) = engine.sql(f"SELECT {sql} FROM (VALUES {values}) AS t(h, x)").fetchall()
    assert found == (kept,)


def test_values_of_several_units_count_once() -> None:
    sql = distinct_values(exp.column("s")).sql("duckdb")
    with duckdb.connect() as engine:
        found = engine.sql(f"SELECT {sql} FROM (VALUES ([1, 2]), ([2, 3]), (NULL), ([1])) AS t(s)").fetchall()
    assert found == [(3,)]


@pytest.mark.parametrize("column", ["科室", "日期"])
@pytest.mark.parametrize("unit", UNIT_KEYS[:2])
def test_the_seed_decides_what_a_unit_keeps(column: str, unit: int) -> None:
    """Rules 14 and 21: one value of each unit, by the keyed digest; a unit gone moves the count by one at most."""
    query = Query(f"SELECT COUNT(DISTINCT {column}) AS n FROM visits", (), ordered=False)
    with laboratory(FULL) as before, laboratory(FULL.without(unit, Random(unit))) as after:
        (found,) = before.measures(query)
        measure = before.bound(found, Bounds(1, 1), Norm.L2)
        totals = [lab.statistics(measure) for lab in (before, after)]
        assert totals == [lab.expected(measure) for lab in (before, after)]
    (one,), (other,) = (each[()] for each in totals)
    assert abs(one - other) <= 1
