"""Every function against the engine on edge values: total, equal to its reference, within its range rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from itertools import product

import duckdb
import pytest
from sqlglot import exp

from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.functions import RENDERINGS
from sandbox.engines.operands import SQL_TYPES, Parameters
from sandbox.errors import Refusal
from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.expressions import Judge
from sandbox.plan.functions import FUNCTIONS, evaluate, resolve
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Call, Literal, Ref, Scalar, Type
from sandbox.plan.values import TEXT_LENGTH, Values, of_literal, of_members, stored
from tests.support.function_literals import literal_choices

N, D, T, B = Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.BOOLEAN
DAY, TIME = Type.DATE, Type.TIMESTAMP
LARGEST = Fraction(1.7976931348623157e308)

REALS = (
    0,
    1,
    -1,
    0.5,
    2.5,
    -2.5,
    3.5,
    0.1,
    2.675,
    0.285,
    2.3,
    -2.3,
    1.115,
    33,
    720,
    1e15,
    1e-300,
    5e-324,
    1e308,
    9.3e18,
    -1e308,
)
WORDS_AND_NUMBERS = (
    "", " ", "a", "A", " ab ", "abc", "中文", "é", "%", "a%c", "_", "\\", "a\\b", "\n", "12", "-7", "0.5", "1e3",
    "true", "t", "inf", "nan", "2020-02-29", "2021-02-29", "2020-02-29 12:34:56", "infinity", "aaa'; --",
    "9223372036854775808", "0001-01-01", "x" * TEXT_LENGTH,
)  # fmt: skip
DAYS = ("1970-01-01", "1969-12-31", "2020-02-29", "2021-02-28", "2019-12-30", "2000-01-31", "1900-03-01")
TIMES = ("1970-01-01T00:00:00", "1969-12-31T23:59:59.999999", "2020-02-29T12:34:56", "2019-12-30T00:00:00.5")
EDGES: dict[Type, tuple[Scalar, ...]] = {
    B: (None, False, True),
    N: (
        None,
        0,
        1,
        -1,
        2,
        2**63 - 1,
        -(2**63),
        12,
        29,
        -2,
        7,
        20,
        21,
        63,
        64,
        -25,
        25,
        2**53 + 1,
        -(2**63) + 1,
        4_000_001,
    ),
    D: (None, LARGEST, -LARGEST, *map(Fraction, REALS)),
    T: (None, *WORDS_AND_NUMBERS),
    DAY: (None, *map(date.fromisoformat, (*DAYS, "0001-01-01", "9999-12-31"))),
    TIME: (None, *map(datetime.fromisoformat, (*TIMES, "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"))),
}


def types_of(name: str) -> Iterator[tuple[Type, ...]]:
    """Argument types worth trying: all that resolve, with up to four arguments of few kinds."""
    kinds = (B, N, D, T, DAY, TIME)
    wide = [(one,) * 3 for one in kinds] + [(B, one, other) for one, other in ((N, N), (N, D), (T, T), (DAY, TIME))]
    special = [
        (D, N),
        (T, T, N),
        (T, N, T),
        (N, T, DAY),
        (N, T, TIME),
        (T, DAY, DAY),
        (T, DAY, TIME),
        (T, TIME, TIME),
        (T, N, N),
        (D, N, N),
        (D, N, N, N),
        (N, D, D, N),
    ]
    if name == "make_timestamp":
        special.append((N, N, N, N, N, D))
    for types in dict.fromkeys([*product(kinds, repeat=1), *product(kinds, repeat=2), *wide, *special]):
        try:
            resolve(name, types)
        except Refusal:
            continue
        yield types


def chosen_literals(name: str, types: tuple[Type, ...]) -> list[tuple[Scalar, ...]]:
    """Values for the arguments that must be literals."""
    if name == "in":
        return [tuple(EDGES[type_][place] for type_ in types[1:]) for place in (0, 1, -1)]
    return literal_choices(name, types)


CASES = [pytest.param(name, types, id=f"{name}-{'-'.join(types)}") for name in FUNCTIONS for types in types_of(name)]


@cache
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    for type_, values in EDGES.items():
        connection.execute(f"CREATE TABLE {type_} (v {SQL_TYPES[type_]}, i BIGINT)")
        for i, one in enumerate(values):
            bound = [float(one) if isinstance(one, Fraction) else one, i]
            connection.execute(f"INSERT INTO {type_} VALUES ($1, $2)", bound)
    return connection


def plain(value: object) -> Scalar:
    return Fraction(value) if isinstance(value, float) else value  # type: ignore[return-value]


def run(sql: exp.Expr, parameters: Parameters, types: tuple[Type, ...]) -> list[tuple[tuple[int, ...], object]]:
    """The expression over the product of the edge values of columns p0, p1, … of these types."""
    most = 9 if len(types) > 2 else 99
    most = 4 if len(types) > 4 else most
    sources = ", ".join(f"(FROM {type_} WHERE i < {most}) p{i}" for i, type_ in enumerate(types)) or "boolean p0"
    places = ", ".join(f"p{i}.i" for i in range(len(types))) or "0"
    text, values = parameters.statement(exp.Select(expressions=[sql.copy()]))
    bound = [float(one) if isinstance(one, Fraction) else one for one in values]
    rows = engine().execute(f"{text}, {places} FROM {sources}", bound).fetchall()
    return [(row[1:], row[0]) for row in rows]


def test_every_function_has_a_rendering() -> None:
    assert FUNCTIONS.keys() == RENDERINGS.keys()


@pytest.mark.parametrize(("name", "types"), CASES)
def test_total_equal_and_in_range(name: str, types: tuple[Type, ...]) -> None:
    literals = sorted(FUNCTIONS[name].literals(len(types)))
    free = [place for place in range(len(types)) if place not in literals]
    signature = resolve(name, types)
    function = FUNCTIONS[name]
    for choice in chosen_literals(name, types):
        chosen = dict(zip(literals, choice, strict=True))
        chosen = {
            place: Fraction(value) if types[place] is D and isinstance(value, int) else value
            for place, value in chosen.items()
        }
        arguments = tuple(
            Literal(types[place], chosen[place]) if place in chosen else Ref(f"c{place + 1}")
            for place in range(len(types))
        )
        columns = {f"c{place + 1}": Values(types[place]) for place in free}
        known = Judge(standard(1000)).judge(Call(name, arguments), columns).values
        parameters = Parameters()
        scope = {
            f"c{place + 1}": Rendered(column(f"p{i}", "v"), columns[f"c{place + 1}"]) for i, place in enumerate(free)
        }
        rendered = render_expression(Call(name, arguments), scope, parameters)
        found = run(rendered.sql, parameters, tuple(types[place] for place in free))
        run_on_wild_numbers(rendered.sql, parameters, free, types)
        for places, result in found:
            given = {place: EDGES[types[place]][index] for place, index in zip(free, places, strict=False)}
            values = tuple(
                stored(parameter, chosen[place] if place in chosen else given[place])
                for place, parameter in enumerate(signature.parameters)
            )
            case = (name, values, result)
            assert result is None or result == result, case  # no NaN
            assert result not in (float("inf"), float("-inf")), case
            if isinstance(result, str):
                assert len(result) <= max(TEXT_LENGTH, 32), case
            expected: Scalar | str
            try:
                expected = function.of(*values)
            except UnknownValueError:
                expected = "?"
            if expected != "?":
                assert plain(result) == expected, (case, expected)
            assert _inside(plain(result), known), (case, known)
            if name not in ("in", "width_bucket", "replace", "like", "round", "trunc", "round_even", "clamp"):
                sets = tuple(
                    of_literal(Literal(parameter, one))
                    if place in chosen
                    else of_members(parameter, (one,), nullable=False)
                    for place, (parameter, one) in enumerate(zip(signature.parameters, values, strict=True))
                )
                assert _inside(plain(result), evaluate(name, signature, sets, 0)[0]), case


def run_on_wild_numbers(sql: exp.Expr, parameters: Parameters, free: list[int], types: tuple[Type, ...]) -> None:
    """No stored number is infinite or NaN; were one, the rendering would still not raise."""
    if D not in [types[place] for place in free]:
        return
    text, values = parameters.statement(exp.Select(expressions=[sql.copy()]))
    bound = [float(one) if isinstance(one, Fraction) else one for one in values]
    wild = "(VALUES ('inf'::DOUBLE), ('-inf'), ('nan'), (-0.0), (1e308)) "
    sources = [f"{wild} p{i}(v)" if types[place] is D else f"{types[place]} p{i}" for i, place in enumerate(free)]
    engine().execute(f"{text} FROM {', '.join(sources)}", bound).fetchall()


def _inside(value: Scalar, known: Values) -> bool:
    """Whether a value is among those that the rule allows."""
    if value is None:
        return known.nullable
    if known.members is not None and value not in known.members:
        return False
    if known.lo is not None and not known.lo <= value:  # type: ignore[operator]
        return False
    return known.hi is None or value <= known.hi  # type: ignore[operator]
