"""Rule 26: what later measures may read of releases, what `check` knows of it, and that its rows are held to that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedPlan, Given
from sandbox.plan.givens import held
from sandbox.plan.nodes import (
    Aggregate,
    Filter,
    Join,
    JoinKind,
    Limit,
    Literal,
    Measure,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scalar,
    Sort,
    Type,
)
from sandbox.plan.plan import Label, Plan
from sandbox.plan.relations import Known
from sandbox.plan.values import Values, of_members
from tests.support.expressions import values_of
from tests.unit.test_check import CITIES, LIMITS, PERSONS, VISITS, call, equal, judged, scan, whole

INNER, LEFT = JoinKind.INNER, JoinKind.LEFT
ROWS, UNITS = AggregateFunction.ROWS, AggregateFunction.UNITS
SUM, AVG = AggregateFunction.SUM, AggregateFunction.AVG
ALL = tuple(
    Aggregate(name, function, Ref("c5") if function in (SUM, AVG) else None, None)
    for name, function in (("a1", ROWS), ("a2", UNITS), ("a3", SUM), ("a4", AVG))
)
MOST_FIRST = Order(Ref("a1"), descending=True, nulls_first=False)
SCALAR = Measure("m1", PERSONS, (), ALL)
BY_SEX = Measure("m1", PERSONS, (Output("k1", Ref("c2")),), ALL)
BY_CITY = Measure("m1", PERSONS, (Output("k1", Ref("c4")), Output("k2", Ref("c2"))), ALL)
BY_INCOME = Measure("m1", PERSONS, (Output("k1", Ref("c5")),), ALL)
"""Its keys are private."""
COUNTED = (Aggregate("a9", ROWS, None, None),)


def two(
    first: Measure, source: Relation, aggregates: tuple[Aggregate, ...] = COUNTED, keys: tuple[Output, ...] = ()
) -> Plan:
    """A plan of two measures, the second over `source`."""
    second = Measure("m2", source, keys, aggregates)
    return Plan((first, second), Released("m2"), (Label(aggregates[0].name, "n"),))


def crossed(left: Relation, right: Relation) -> Join:
    return Join(left, right, INNER, unit=False, condition=None)


def known(first: Measure, source: Relation) -> Known:
    """What the second measure is given."""
    ((_, second), found) = (checked := judged(two(first, source))).measures, checked
    assert isinstance(found, CheckedPlan)
    (each,) = second.givens
    return each.known


def test_the_declared_ranges_of_releases() -> None:
    found = known(SCALAR, crossed(VISITS, Released("m1"))).columns
    units = 20_000_000
    assert {name: (one.type, one.lo, one.hi, one.nullable) for name, one in found.items()} == {
        "a1": (Type.INTEGER, 0, units, False),
        "a2": (Type.INTEGER, 0, units, False),
        "a3": (Type.DOUBLE, 0, 500_000 * units, False),
        "a4": (Type.DOUBLE, 0, 500_000, False),
    }


@pytest.mark.parametrize(
    ("function", "lo", "hi"),
    [
        (AggregateFunction.VAR_POP, 0, 500_000**2 / 4),
        (AggregateFunction.VAR_SAMP, 0, 500_000**2 / 2),
        (AggregateFunction.STDDEV_POP, 0, 250_000),
        (AggregateFunction.STDDEV_SAMP, 0, 500_000 * 0.70711),
        (AggregateFunction.COVAR_POP, -(500_000**2) / 4, 500_000**2 / 4),
        (AggregateFunction.COVAR_SAMP, -(500_000**2) / 2, 500_000**2 / 2),
        (AggregateFunction.CORR, -1, 1),
        (AggregateFunction.REGR_R2, 0, 1),
        (AggregateFunction.REGR_AVGX, 0, 500_000),
        (AggregateFunction.REGR_AVGY, 0, 500_000),
        (AggregateFunction.REGR_SXX, 0, 20_000_000 * 500_000**2 / 4),
        (AggregateFunction.REGR_SXY, -20_000_000 * 500_000**2 / 4, 20_000_000 * 500_000**2 / 4),
        (AggregateFunction.REGR_SLOPE, None, None),
        (AggregateFunction.REGR_INTERCEPT, None, None),
    ],
)
def test_the_declared_ranges_of_moments(function: AggregateFunction, lo: float | None, hi: float | None) -> None:
    """Rule 26: what enters is held to it."""
    argument = next(each.argument for each in SCALAR.aggregates if each.name == "a3")
    pair = argument if function.startswith(("covar", "corr", "regr")) else None
    first = replace(SCALAR, aggregates=(Aggregate("a1", function, argument, None, pair),))
    found = known(first, crossed(VISITS, Released("m1"))).columns["a1"]
    assert found.nullable is False
    ends = [None if end is None else float(Fraction(str(end))) for end in (found.lo, found.hi)]
    assert ends == [lo if lo is None else pytest.approx(lo), hi if hi is None else pytest.approx(hi)]


def test_a_count_of_rows_ranges_over_all_declared_rows() -> None:
    found = known(Measure("m1", VISITS, (), (Aggregate("a1", ROWS, None, None),)), crossed(PERSONS, Released("m1")))
    assert (found.columns["a1"].lo, found.columns["a1"].hi) == (0, 20 * 20_000_000)


def test_a_range_goes_through_what_is_computed_of_it() -> None:
    half = Project(Released("m1"), (Output("o1", call("divide", Ref("a4"), whole(2))),))
    found = known(SCALAR, crossed(VISITS, half)).columns["o1"]
    assert (found.lo, found.hi) == (0, 250_000)


def test_the_public_part_knows_no_range() -> None:
    """Noise is in none: a released count can be negative."""
    doubled = Project(Released("m1"), (Output("o1", call("sqrt", Ref("a1"))),))
    plan = Plan((SCALAR,), doubled, (Label("o1", "n"),))
    assert judged(plan).answer == {"o1": Type.DOUBLE}


@pytest.mark.parametrize(
    ("first", "source", "rows"),
    [
        (SCALAR, crossed(VISITS, Released("m1")), 20),
        (SCALAR, crossed(Released("m1"), VISITS), 20),
        (SCALAR, Join(VISITS, Released("m1"), LEFT, unit=False, condition=None), 20),
        (BY_SEX, crossed(VISITS, Released("m1")), 60),
        (BY_SEX, Join(VISITS, Released("m1"), INNER, unit=False, condition=equal("c12", "k1")), 20),
        (BY_CITY, Join(VISITS, Released("m1"), INNER, unit=False, condition=equal("c12", "k1")), 240),
        (
            BY_SEX,
            crossed(VISITS, Limit(Sort(Released("m1"), (Order(Ref("a1"), descending=True, nulls_first=False),)), 1, 0)),
            20,
        ),
        (BY_INCOME, Join(VISITS, Released("m1"), INNER, unit=False, condition=equal("c14", "k1")), 20),
        (BY_INCOME, crossed(VISITS, Released("m1")), 20 * LIMITS.cells),
        (SCALAR, crossed(VISITS, crossed(Released("m1"), CITIES)), 60),
    ],
)
def test_a_release_joins_on_its_keys_or_is_bounded_anew(first: Measure, source: Relation, rows: int) -> None:
    """Rule 26: match count 1 on all of its keys, else rows per unit grow by what may match (rule 10)."""
    assert judged(two(first, source)).measures[1].source.rows == rows


def test_what_is_released_can_be_key_argument_and_filter() -> None:
    source = Join(VISITS, Released("m1"), INNER, unit=False, condition=equal("c12", "k1"))
    above = Filter(source, call("greater", Ref("c14"), Ref("a4")))
    of = (Aggregate("a9", SUM, call("subtract", Ref("c14"), Ref("a4")), call("greater", Ref("a1"), whole(3))),)
    second = judged(two(BY_SEX, above, of, (Output("k9", Ref("k1")),))).measures[1]
    assert second.key_set.cells is not None
    values = second.aggregates[0].values
    assert values is not None
    assert (values.lo, values.hi) == (-500_000, 2000)


def test_the_largest_public_relation_is_computed_apart() -> None:
    part = Join(Released("m1"), CITIES, INNER, unit=False, condition=equal("k1", "c51"))
    (found,) = judged(two(BY_CITY, Join(VISITS, part, LEFT, unit=False, condition=None))).measures[1].givens
    assert (found.name, found.relation) == ("m2g1", part)
    both = crossed(crossed(VISITS, Released("m1")), CITIES)
    (found,) = judged(two(SCALAR, both)).measures[1].givens
    assert found.relation == Released("m1")


@pytest.mark.parametrize("name", ["m1", "m2", "m3"])
def test_a_measure_reads_only_those_before_it(name: str) -> None:
    first = Measure("m1", crossed(PERSONS, Released(name)), (), COUNTED)
    last = Measure("m2", VISITS, (), (Aggregate("a8", ROWS, None, None),))
    with pytest.raises(Refusal) as refusal:
        judged(Plan((first, last), Released("m1"), (Label("a9", "n"),)))
    assert refusal.value.code == "plan.invalid"


@pytest.mark.parametrize(
    ("first", "source", "code"),
    [
        (SCALAR, Released("m1"), "plan.not_private"),
        (SCALAR, Join(VISITS, Released("m1"), INNER, unit=True, condition=None), "plan.join_unit"),
        (SCALAR, Join(Released("m1"), VISITS, LEFT, unit=False, condition=None), "plan.join_preserved"),
        (SCALAR, Limit(crossed(VISITS, Released("m1")), 1, 0), "plan.order"),
        (BY_INCOME, crossed(VISITS, crossed(Released("m1"), CITIES)), "plan.too_large"),
    ],
)
def test_refusals(first: Measure, source: Relation, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        judged(two(first, source))
    assert refusal.value.code == code


def test_sizes_are_bounded_before_the_charge_rule_2() -> None:
    by_text = Measure("m1", scan("wide.t", c81="free"), (Output("k1", Ref("c81")),), COUNTED)
    plan = two(by_text, crossed(PERSONS, Released("m1")), (Aggregate("a8", ROWS, None, None),))
    with pytest.raises(Refusal) as refusal:
        judged(plan, replace(LIMITS, cells=300_000))
    assert refusal.value.detail["what"] == "bytes of releases that a measure reads"


def of(
    columns: Mapping[str, Values],
    rows: int = 9,
    keys: frozenset[frozenset[str]] = frozenset(),
    matches: Mapping[str, int] | None = None,
) -> Given:
    return Given("m2g1", Released("m1"), Known(None, columns, rows, keys, matches or {}), {})


COUNTS = Values(Type.INTEGER, nullable=False, lo=0, hi=100)
REALS = Values(Type.DOUBLE, nullable=False, lo=Fraction(1, 3), hi=Fraction(2, 3))


@pytest.mark.parametrize(
    ("values", "found", "wanted"),
    [
        (COUNTS, -7, 0),
        (COUNTS, 7, 7),
        (COUNTS, 10**9, 100),
        (COUNTS, None, 0),
        (replace(COUNTS, nullable=True), None, None),
        (replace(COUNTS, lo=3), None, 3),
        (replace(COUNTS, hi=None), 10**9, 10**9),
        (REALS, Fraction(1, 2), Fraction(1, 2)),
        (of_members(Type.TEXT, ("a", "b"), nullable=False), "c", "a"),
        (of_members(Type.TEXT, ("a", "b"), nullable=True), "c", None),
        (of_members(Type.INTEGER, (-5, 2), nullable=False), 9, 2),
        (Values(Type.TEXT, nullable=False, text_bytes=3), "中", "中"),
        (Values(Type.TEXT, nullable=False, text_bytes=2), "中", ""),
        (Values(Type.BOOLEAN, nullable=False), None, False),
    ],
)
def test_values_are_held_to_their_range_with_a_default_for_null(values: Values, found: Scalar, wanted: Scalar) -> None:
    assert held(of({"a": values}), [(found,)]) == ((wanted,),)


def test_a_real_is_held_to_numbers_that_the_engine_has() -> None:
    (low,), (high,) = held(of({"a": REALS}), [(Fraction(0),), (Fraction(1),)])
    assert isinstance(low, Fraction)
    assert isinstance(high, Fraction)
    assert REALS.lo is not None
    assert REALS.hi is not None
    assert REALS.lo <= Fraction(float(low)) < Fraction(float(high)) <= REALS.hi  # type: ignore[operator]


def test_clamping_makes_no_key_name_two_rows() -> None:
    """Two noisy counts below 0 are both 0 then: a join on them would match twice."""
    rows = [(-3, 1), (-1, 2), (5, 3), (None, 4)]
    key = frozenset({frozenset({"n"})})
    assert held(of({"n": COUNTS, "x": COUNTS}, keys=key), rows) == ((0, 1), (5, 3))
    assert held(of({"n": replace(COUNTS, nullable=True), "x": COUNTS}, keys=key), [(None, 1), (None, 2)]) == (
        (None, 1),
        (None, 2),
    )


def test_rows_and_matches_are_no_more_than_declared() -> None:
    rows = [(1, 1), (1, 2), (1, 3), (2, 4)]
    columns = {"n": COUNTS, "x": COUNTS}
    assert held(of(columns, rows=2), rows) == ((1, 1), (1, 2))
    assert held(of(columns, matches={"n": 2}), rows) == ((1, 1), (1, 2), (2, 4))
    assert held(of({}, rows=1, keys=frozenset({frozenset()})), [(True,), (True,)]) == ((True,),)


@st.composite
def held_relations(draw: st.DrawFn) -> tuple[Given, list[tuple[Any, ...]]]:
    """A relation and rows of its types that need not obey it."""
    types = draw(st.lists(st.sampled_from((Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE)), min_size=1, max_size=3))
    columns = dict[str, Values]()
    for place, type_ in enumerate(types):
        found = draw(st.lists(values_of(type_), min_size=1, max_size=3))
        values = of_members(type_, found, nullable=draw(st.booleans()))
        columns[f"c{place}"] = values if draw(st.booleans()) else replace(values, members=None)
    names = st.sampled_from(sorted(columns))
    keys = draw(st.frozensets(st.frozensets(names, max_size=2), max_size=2))
    matches = draw(st.dictionaries(names, st.integers(1, 2), max_size=2))
    rows = draw(st.lists(st.tuples(*(st.none() | values_of(type_) for type_ in types)), max_size=8))
    return of(columns, draw(st.integers(1, 5)), keys, matches), rows


@given(held_relations())
def test_what_check_claims_is_true_of_what_is_held(drawn: tuple[Given, list[tuple[Any, ...]]]) -> None:
    relation, asked = drawn
    found = held(relation, asked)
    claimed = relation.known
    assert len(found) <= claimed.rows
    assert held(relation, found) == found
    names = list(claimed.columns)
    for row in found:
        for cell, values in zip(row, claimed.columns.values(), strict=True):
            if cell is None:
                assert values.nullable
            elif values.members is not None:
                assert cell in values.members
            elif not isinstance(cell, str):
                assert values.lo is None or values.lo <= cell  # type: ignore[operator]
                assert values.hi is None or cell <= values.hi  # type: ignore[operator]
    for key in claimed.keys:
        seen = Counter(tuple(row[names.index(name)] for name in sorted(key)) for row in found)
        assert all(count == 1 for cells, count in seen.items() if None not in cells)
    for name, most in claimed.matches.items():
        seen = Counter((row[names.index(name)],) for row in found)
        assert all(count <= most for cells, count in seen.items() if None not in cells)


def test_a_public_table_alone_is_given_by_no_release() -> None:
    source = Filter(VISITS, Literal(Type.BOOLEAN, value=True))
    assert judged(two(SCALAR, Join(source, CITIES, INNER, unit=False, condition=None))).measures[1].givens == ()
