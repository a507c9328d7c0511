"""Whatever is rendered reads back as the tree it was built from, runs, and computes what the reference computes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import cache

import duckdb
import pytest
import sqlglot
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlglot import exp

from policies.cards import Bounds
from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.memberships import render_members
from sandbox.engines.operands import SQL_TYPES, Parameters
from sandbox.engines.render import given_columns, render_answer, render_buckets, render_given, render_measure
from sandbox.engines.sources import NUMBER
from sandbox.errors import Refusal
from sandbox.plan.aggregates import released_type
from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.canonical import encode
from sandbox.plan.check import check
from sandbox.plan.checked import CheckedPlan, PublicFacts
from sandbox.plan.decoding import decode
from sandbox.plan.expressions import Judge
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Scalar, Type
from sandbox.plan.origins import Node, wanted
from sandbox.plan.plan import Plan
from sandbox.plan.signatures import VALUES
from sandbox.plan.values import Values, stored
from sandbox.privacy.bounding import bound
from sandbox.workers.job import Job, Table
from tests.support.cards import CLINIC, domain
from tests.support.expressions import expressions, values_of
from tests.support.function_literals import literal_choices
from tests.support.function_page import signatures
from tests.support.plans import plans

COLUMNS = {f"c{i}": type_ for i, type_ in enumerate(VALUES, 1)}
UNKNOWN = {name: Values(type_) for name, type_ in COLUMNS.items()}
NARROW = UNKNOWN | {
    "c2": Values(Type.INTEGER, nullable=True, lo=-50, hi=50, granularity=Fraction(1)),
    "c3": Values(Type.DOUBLE, nullable=True, lo=Fraction(-1000), hi=Fraction(1000), granularity=Fraction(1, 8)),
    "c5": Values(Type.DATE, nullable=True, lo=date(2023, 12, 1), hi=date(2025, 1, 31)),
}
"""Known ranges prove that some guards are not needed."""
CITIES = ("b", "c", "x")
FACTS = {("clinic", "cities"): PublicFacts(3, {"code": CITIES}, {"code": 1, "name_zh": 2, "name_en": 1})}
CARDS = {"clinic": CLINIC}
BOUNDS = st.none() | st.builds(Bounds, st.integers(1, 3), st.integers(1, 5))


def shape(node: object) -> object:
    """A tree without parentheses and names of functions: what precedence could change."""
    match node:
        case exp.Paren() | exp.Alias():
            return shape(node.this)
        case exp.Func() if not isinstance(node, (exp.Case, exp.Cast, exp.TryCast, exp.Connector)):
            return ("call", sorted(repr(shape(child)) for child in node.iter_expressions()))
        case exp.Literal() | exp.Identifier() | exp.Placeholder():
            return str(node.this)
        case exp.DataType():
            return node.sql("duckdb")
        case exp.Expr():
            return (type(node).__name__, *(shape(child) for child in node.iter_expressions()))
        case _:
            return None


def reads_back(tree: exp.Expr) -> None:
    """Printed, parsed and printed again, and the same tree all along."""
    text = tree.sql("duckdb")
    parsed = sqlglot.parse_one(text, dialect="duckdb")
    assert parsed.sql("duckdb") == text
    assert shape(parsed) == shape(tree)


def rendered(expression: Expression, columns: Mapping[str, Values] = UNKNOWN) -> tuple[exp.Expr, Parameters]:
    parameters = Parameters()
    scope = {name: Rendered(column("t", name), values) for name, values in columns.items()}
    return render_expression(expression, scope, parameters).sql, parameters


def evaluate(expression: Expression, row: dict[str, Scalar]) -> tuple[Type, Scalar]:
    """The expression's value by the reference functions."""
    match expression:
        case Ref(name):
            return COLUMNS[name], row[name]
        case Literal(type_, value):
            return type_, stored(type_, value)
        case Call(name, arguments):
            given_ = [evaluate(argument, row) for argument in arguments]
            signature = resolve(name, tuple(type_ for type_, _ in given_))
            values = [stored(wanted, value) for wanted, (_, value) in zip(signature.parameters, given_, strict=True)]
            return signature.result, FUNCTIONS[name].of(*values)


@cache
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE t ({', '.join(f'{name} {SQL_TYPES[type_]}' for name, type_ in COLUMNS.items())})")
    return connection


def bound_values(values: tuple[Scalar, ...]) -> list[object]:
    return [float(value) if isinstance(value, Fraction) else value for value in values]


ANY = st.sampled_from(VALUES).flatmap(lambda type_: expressions(COLUMNS, type_))
CELLS = {name: st.none() | values_of(type_) for name, type_ in COLUMNS.items()}
NARROW_CELLS = CELLS | {
    "c2": st.none() | st.integers(-50, 50),
    "c3": st.none() | st.fractions(-1000, 1000, max_denominator=8),
    "c5": st.none() | st.dates(date(2023, 12, 1), date(2025, 1, 31)),
}
ROWS = st.sampled_from([(UNKNOWN, CELLS), (NARROW, NARROW_CELLS)]).flatmap(
    lambda kind: st.tuples(st.just(kind[0]), st.lists(st.fixed_dictionaries(kind[1]), min_size=1, max_size=4))
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_reads_back(name: str) -> None:
    columns = {type_: column for column, type_ in COLUMNS.items()}
    for types in signatures(name):
        places = sorted(FUNCTIONS[name].literals(len(types)))
        chosen = literal_choices(name, types)[0] if name != "in" else (None,) * len(places)
        literals = dict(zip(places, chosen, strict=True))
        arguments = tuple(
            Literal(type_, literals[place]) if place in literals else Ref(columns[type_])
            for place, type_ in enumerate(types)
        )
        tree, parameters = rendered(Call(name, arguments))
        select = exp.Select(expressions=[tree]).from_("t")
        parameters.statement(select)
        reads_back(select)


@given(ANY)
def test_expressions_read_back(expression: Expression) -> None:
    tree, parameters = rendered(expression)
    select = exp.Select(expressions=[tree]).from_("t")
    parameters.statement(select)
    reads_back(select)


@given(ANY, ROWS)
def test_expressions_compute_what_the_reference_computes(
    expression: Expression, table: tuple[Mapping[str, Values], list[dict[str, Scalar]]]
) -> None:
    columns, rows = table
    tree, parameters = rendered(expression, columns)
    text, values = parameters.statement(exp.Select(expressions=[tree]).from_("t"))
    known = Judge(standard(1000)).judge(expression, columns).values
    engine().execute("DELETE FROM t")
    for row in rows:
        places = ", ".join(f"${i}" for i in range(1, len(row) + 1))
        engine().execute(f"INSERT INTO t VALUES ({places})", bound_values(tuple(row[name] for name in COLUMNS)))
    found = [row[0] for row in engine().execute(text, bound_values(values)).fetchall()]
    assert len(found) == len(rows)
    for row, result in zip(rows, found, strict=True):
        plain = Fraction(result) if isinstance(result, float) else result
        assert plain is not None or known.nullable
        assert known.members is None or plain is None or plain in known.members
        assert known.lo is None or plain is None or known.lo <= plain <= known.hi  # type: ignore[operator]
        try:
            exact = {name: stored(COLUMNS[name], value) for name, value in row.items()}
            assert (known.type, plain) == evaluate(expression, exact)
        except UnknownValueError:
            continue


def checked(plan: Plan) -> CheckedPlan:
    """The plan judged; those that are too large or cannot be summed are not of interest."""
    try:
        return check(plan, CARDS, FACTS, {"people": domain()}, standard(1000))
    except Refusal as refusal:
        assume(refusal.code not in ("plan.too_large", "plan.overflow", "plan.type", "plan.unbounded_sum"))
        raise


def reads_back_job(job: Job) -> None:
    reads_back(sqlglot.parse_one(job.sql, dialect="duckdb"))
    numbers = {int(one.this) for one in sqlglot.parse_one(job.sql, dialect="duckdb").find_all(exp.Placeholder)}
    assert numbers == set(range(1, len(job.parameters) + 1))


@cache
def clinic() -> duckdb.DuckDBPyConnection:
    """Empty tables of the clinic's card, where a worker has them."""
    connection = duckdb.connect()
    for catalog, private in (("private0", True), ("public0", False)):
        connection.execute(f"ATTACH ':memory:' AS {catalog}")
        for i, table in enumerate(CLINIC.tables):
            columns = [f"c{j} {SQL_TYPES[Type(one.type.value)]}" for j, one in enumerate(table.columns)]
            hidden = ["_unit BIGINT", "_seed UBIGINT", "_row BIGINT", "_rank BIGINT"] if private else []
            if table.private == private:
                connection.execute(f"CREATE TABLE {catalog}.main.t{i} ({', '.join(columns + hidden)})")
    return connection


def runs(job: Job) -> list[str]:
    """The types that come back from empty tables."""
    with clinic().cursor() as cursor:
        for table in job.tables:
            columns = ", ".join(f"{name} {SQL_TYPES[type_]}" for name, type_ in table.columns)
            cursor.execute(f"CREATE TEMP TABLE {table.name} ({columns})")
        cursor.execute(job.sql, bound_values(job.parameters))
        return [str(one[1]) for one in cursor.description or ()]


@given(plans([CLINIC]), BOUNDS)
def test_plans_survive_their_bytes_and_run(plan: Plan, bounds: Bounds | None) -> None:
    assert decode(encode(plan)) == plan
    judged = checked(plan)
    released = dict[str, Table]()
    for one in judged.measures:
        tables = tuple(Table(each.name, given_columns(each), ()) for each in one.givens)
        for each in one.givens:
            job = render_given(each, CARDS, ("clinic",), released, 1.0)
            reads_back_job(job)
            assert runs(job) == [SQL_TYPES[type_] for _, type_ in given_columns(each)]
        try:
            bounded = bound(one, bounds, None, 1_000)
        except Refusal as refusal:
            assume(refusal.code not in ("plan.overflow", "plan.too_large"))
            raise
        jobs = [render_buckets(bounded, each, (), CARDS, ("clinic",), 1.0, tables) for each in bounded.buckets]
        if bounded.statistics:
            jobs.append(render_measure(bounded, CARDS, ("clinic",), 1.0, tables))
        for job in jobs:
            reads_back_job(job)
            assert runs(job) == [SQL_TYPES[type_] for type_ in job.columns]
        keys = [(key.name, key.values.type) for key in one.keys]
        keys += [] if one.measure.levels is None else [(one.measure.levels.name, Type.INTEGER)]
        aggregates = tuple((each.aggregate.name, released_type(each.aggregate, each.values)) for each in one.aggregates)
        released[one.measure.name] = Table(one.measure.name, (*keys, *aggregates, (NUMBER, Type.INTEGER)), ())
    answer = render_answer(judged, CARDS, ("clinic",), released, 1.0)
    reads_back_job(answer.job)
    assert runs(answer.job) == [SQL_TYPES[type_] for type_ in answer.job.columns]
    assert len(answer.job.columns) == len(judged.answer) + len(answer.made.places)
    left = wanted(answer.made.markers, *answer.made.origins.values())
    for _ in range(3):
        below = dict[Node, frozenset[str]]()
        for node, names in left.items():
            members = render_members(node, sorted(names), judged, CARDS, ("clinic",), released, 10, 1.0)
            reads_back_job(members.job)
            assert runs(members.job) == [SQL_TYPES[type_] for type_ in members.job.columns]
            below |= wanted(members.membership.made.markers, *members.membership.made.origins.values())
        left = below
