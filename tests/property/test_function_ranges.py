"""Whatever range, value set and NULLs the rules claim, the engine's results lie within them (design §3, rule 16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import cache

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.operands import SQL_TYPES, Parameters
from sandbox.plan.expressions import Judge
from sandbox.plan.functions import FUNCTIONS
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Call, Expression, Ref, Scalar, Type
from sandbox.plan.values import Values
from tests.support.draws import drawn
from tests.support.expressions import WORDS, fixed_arguments, signatures

INTEGERS = (0, 1, -1, 2, -2, 3, 10, 12, 20, 21, 63, 64, 100, 2024, 9999, 2**31, 2**53 + 1, 2**62, 2**63 - 1, -(2**63))
REALS = tuple(
    map(Fraction, (0, 1, -1, 0.5, -0.5, 0.1, 1.115, 0.285, 2.3, 1.5, 3.0, 3.2, 7, 100, 720, 1e15, 1e300, 1e-300, 1e308))
)
DAYS = (date.min, date(4, 2, 29), date(1969, 12, 31), date(1970, 1, 1), date(2000, 1, 3), date(2024, 2, 29), date.max)
MOMENTS = (
    *(datetime.fromisoformat(f"{one}T00:00:00") for one in DAYS),
    datetime.fromisoformat("1969-12-31T23:59:59.999500"),
    datetime.fromisoformat("2024-02-29T12:34:56.789012"),
    datetime.fromisoformat("9999-12-31T23:59:59.999999"),
)
ENDS: dict[Type, Sequence[Scalar]] = {
    Type.INTEGER: INTEGERS,
    Type.DOUBLE: (*REALS, *(-one for one in REALS)),
    Type.DATE: DAYS,
    Type.TIMESTAMP: MOMENTS,
}


def between(type_: Type, lo: Scalar, hi: Scalar) -> st.SearchStrategy[Scalar]:
    """Values of a range, its ends often among them."""
    match type_, lo, hi:
        case Type.INTEGER, int(low), int(high):
            inner: st.SearchStrategy[Scalar] = st.integers(low, high)
        case Type.DOUBLE, Fraction() as low, Fraction() as high:
            inner = st.floats(float(low), float(high), allow_subnormal=False).map(Fraction)
        case Type.DATE, date() as low, date() as high:
            inner = st.dates(low, high)
        case _, datetime() as low, datetime() as high:
            inner = st.datetimes(low, high)
        case _:
            raise AssertionError(type_)
    return st.sampled_from((lo, hi)) | inner


@st.composite
def columns(draw: st.DrawFn, type_: Type) -> tuple[Values, list[Scalar]]:
    """What is known of a column, and four values that fit."""
    if type_ not in ENDS:
        pool: tuple[Scalar, ...] = (True, False) if type_ is Type.BOOLEAN else WORDS
        return Values(type_, nullable=True), draw(st.lists(st.none() | st.sampled_from(pool), min_size=4, max_size=4))
    lo, hi = sorted(draw(st.lists(st.sampled_from(ENDS[type_]), min_size=2, max_size=2)))  # type: ignore[type-var]
    cells = draw(st.lists(between(type_, lo, hi), min_size=4, max_size=4))
    grid = Fraction(1) if type_ is Type.INTEGER else Fraction(1, 8) if type_ is Type.DOUBLE else None
    known = Values(type_, nullable=False, lo=lo, hi=hi, granularity=grid)  # type: ignore[arg-type]
    if draw(st.integers(0, 4)) == 0:
        return Values(type_, nullable=True, granularity=grid), [None, *cells[1:]]
    return known, cells


@cache
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def results(expression: Expression, known: dict[str, Values], rows: list[tuple[Scalar, ...]]) -> list[object]:
    """What the engine makes of the rows."""
    parameters = Parameters()
    scope = {name: Rendered(column("t", name), values) for name, values in known.items()}
    text, bound = parameters.statement(render_expression(expression, scope, parameters).sql)
    named = [f"{name} {SQL_TYPES[values.type]}" for name, values in known.items()] or ["nothing BIGINT"]
    engine().execute(f"CREATE OR REPLACE TABLE t ({', '.join(named)})")
    places = ", ".join("?" for _ in named)
    engine().executemany(f"INSERT INTO t VALUES ({places})", [list(map(plain, row)) or [None] for row in rows])
    found = engine().execute(f"SELECT {text} FROM t", list(map(plain, bound))).fetchall()
    return [row[0] for row in found]


def plain(value: Scalar) -> object:
    return float(value) if isinstance(value, Fraction) else value


def inside(value: object, known: Values) -> bool:
    if value is None:
        return known.nullable
    if known.members is not None and value not in known.members:
        return False
    if known.lo is not None and not value >= known.lo:  # type: ignore[operator]
        return False
    return known.hi is None or bool(value <= known.hi)  # type: ignore[operator]


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_results_lie_in_the_claimed_values(name: str, data: st.DataObject) -> None:
    choices = [one for type_ in (*ENDS, Type.TEXT, Type.BOOLEAN) for one in signatures(type_) if one[0] == name]
    _, types, _ = data.draw(st.sampled_from(choices))
    literals = data.draw(drawn(fixed_arguments, name, types))
    known: dict[str, Values] = {}
    cells: list[list[Scalar]] = []
    arguments: list[Expression] = []
    for place, type_ in enumerate(types):
        if place in literals:
            arguments.append(literals[place])
            continue
        values, chosen = data.draw(columns(type_))
        known[f"c{place}"] = values
        cells.append(chosen)
        arguments.append(Ref(f"c{place}"))
    call = Call(name, tuple(arguments))
    claimed = Judge(standard(1000)).judge(call, known).values
    rows = list(zip(*cells, strict=True)) or [()]
    for row, result in zip(rows, results(call, known, rows), strict=True):
        value = Fraction(result) if isinstance(result, float) else result
        assert inside(value, claimed), (call, known, row, result, claimed)
    unranged = {one: replace(values, lo=None, hi=None) for one, values in known.items()}
    assert results(call, known, rows) == results(call, unranged, rows), "a guard was left out that is needed"


def test_a_wrong_range_is_found() -> None:
    claimed = Values(Type.INTEGER, nullable=False, lo=1, hi=52)
    assert not inside(53, claimed)
    assert not inside(None, claimed)
    assert not inside("x", Values(Type.TEXT, members=("a",)))
