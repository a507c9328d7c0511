"""What `check` knows of relations and group keys, and what it refuses before any charge."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from sandbox.errors import Fault, Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.check import check
from sandbox.plan.checked import CheckedPlan, PublicFacts, ReadColumn
from sandbox.plan.limits import Limits, standard
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Expression,
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
    Scan,
    ScanColumn,
    Sort,
    Type,
)
from sandbox.plan.plan import Label, Plan
from tests.support.cards import CENSUS, CLINIC, TPCH, card, domain, integer, private, public, unit, words

STRANGERS = card("strangers", private("t", unit("sid"), path="sid", rows=3), domain="others")
WIDE = card(
    "wide",
    private("t", unit("pid"), integer("big", -(2**62), 2**62), words("free"), path="pid", rows=1000),
    public("d", integer("k"), key=("k",)),
)
CARDS = {one.name: one for one in (CLINIC, CENSUS, STRANGERS, WIDE, TPCH)}
FACTS = {
    ("clinic", "cities"): PublicFacts(3, {"code": ("a", "b", "c")}, {"code": 1, "name_zh": 2, "name_en": 1}),
    ("wide", "d"): PublicFacts(50_000, {"k": tuple(range(50_000))}, {"k": 1}),
}
DOMAINS = {"people": domain(), "others": domain("others"), "customers": domain("customers")}
LIMITS = standard(cells=1000)

COUNT = Aggregate("a1", AggregateFunction.ROWS, None, None)
LEFT, INNER = JoinKind.LEFT, JoinKind.INNER


def scan(where: str, **columns: str) -> Scan:
    dataset, table = where.split(".")
    return Scan(dataset, table, tuple(ScanColumn(name, column) for name, column in columns.items()))


def call(function: str, *arguments: Expression) -> Call:
    return Call(function, arguments)


def equal(one: str, other: str) -> Call:
    return call("equal", Ref(one), Ref(other))


def whole(value: int | None) -> Literal:
    return Literal(Type.INTEGER, value)


def key(expression: Expression) -> tuple[Output, ...]:
    return (Output("k1", expression),)


def plan(
    source: Relation,
    *,
    keys: tuple[Output, ...] = (),
    aggregates: tuple[Aggregate, ...] = (COUNT,),
    answer: Relation | None = None,
    shown: str = "a1",
) -> Plan:
    labels = tuple(Label(name, name) for name in shown.split())
    return Plan((Measure("m1", source, keys, aggregates),), answer or Released("m1"), labels)


def judged(found: Plan, limits: Limits = LIMITS) -> CheckedPlan:
    return check(found, CARDS, FACTS, DOMAINS, limits)


def total(argument: Expression, function: AggregateFunction = AggregateFunction.SUM) -> tuple[Aggregate, ...]:
    return (Aggregate("a1", function, argument, None),)


PERSONS = scan("clinic.persons", c1="pid", c2="性别", c3="birth_year", c4="city", c5="income")
VISITS = scan("clinic.visits", c11="pid", c12="科室", c13="日期", c14="费用", c15="visit_no", c16="emergency")
AGAIN = scan("clinic.visits", c31="pid", c32="科室", c35="visit_no")
DRUGS = scan("clinic.drugs", c41="visit_no", c42="药品")
CITIES = scan("clinic.cities", c51="code", c52="name_zh", c53="population")
ORDERS = scan("tpch.orders", c61="o_orderkey", c62="o_orderdate")
LINES = scan("tpch.lineitem", c71="l_orderkey", c72="l_linenumber")
TRUE = Literal(Type.BOOLEAN, value=True)


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        (PERSONS, 1),
        (VISITS, 20),
        (Filter(VISITS, call("greater", Ref("c14"), whole(5))), 20),
        (Project(VISITS, ()), 20),
        (Join(PERSONS, VISITS, INNER, unit=True, condition=None), 20),
        (Join(PERSONS, VISITS, LEFT, unit=True, condition=None), 20),
        (Join(VISITS, AGAIN, INNER, unit=True, condition=None), 400),
        (Join(VISITS, DRUGS, LEFT, unit=True, condition=None), 1200),
        # The key of either side covered: its rows count 1; the other side of an inner join keeps its own number.
        (Join(VISITS, AGAIN, INNER, unit=True, condition=equal("c15", "c35")), 20),
        (Join(VISITS, DRUGS, INNER, unit=True, condition=equal("c15", "c41")), 60),
        (Join(VISITS, DRUGS, LEFT, unit=True, condition=equal("c15", "c41")), 1200),
        (Join(DRUGS, VISITS, LEFT, unit=True, condition=equal("c15", "c41")), 60),
        (Join(VISITS, DRUGS, INNER, unit=True, condition=call("or", equal("c15", "c41"), TRUE)), 1200),
        (Join(VISITS, DRUGS, INNER, unit=True, condition=call("less", Ref("c15"), Ref("c41"))), 1200),
        (Join(ORDERS, LINES, INNER, unit=True, condition=equal("c61", "c71")), 420),
        (Join(PERSONS, CITIES, INNER, unit=False, condition=equal("c4", "c51")), 1),
        (Join(CITIES, PERSONS, INNER, unit=False, condition=equal("c51", "c4")), 1),
        (Join(PERSONS, CITIES, LEFT, unit=False, condition=equal("c4", "c52")), 2),
        (Join(PERSONS, CITIES, LEFT, unit=False, condition=None), 3),
        (Join(PERSONS, CITIES, INNER, unit=False, condition=equal("c3", "c53")), 3),
        (Join(VISITS, CITIES, INNER, unit=False, condition=call("less", Ref("c14"), Ref("c53"))), 60),
    ],
)
def test_rows_per_unit_rule_10(source: Relation, rows: int) -> None:
    assert judged(plan(source)).measures[0].source.rows == rows


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        (PERSONS, {""}),
        (VISITS, {"c15"}),
        (LINES, {"c71 c72"}),
        (scan("tpch.lineitem", c71="l_orderkey"), set()),
        (Project(VISITS, (Output("c99", Ref("c15")),)), {"c99"}),
        (Project(VISITS, (Output("c99", call("add", Ref("c15"), whole(1))),)), set()),
        (Join(PERSONS, VISITS, INNER, unit=True, condition=None), {"c15"}),
        (Join(VISITS, AGAIN, INNER, unit=True, condition=None), {"c15 c35"}),
        (Join(VISITS, AGAIN, INNER, unit=True, condition=equal("c15", "c35")), {"c15", "c35"}),
        (Join(VISITS, AGAIN, LEFT, unit=True, condition=equal("c15", "c35")), {"c15"}),
    ],
)
def test_keys_within_a_unit(source: Relation, keys: set[str]) -> None:
    found = judged(plan(source)).measures[0].source.unit_keys
    assert found == {frozenset(one.split()) for one in keys}


JOINED = Join(PERSONS, VISITS, INNER, unit=True, condition=None)


@pytest.mark.parametrize(
    ("expression", "source", "determined"),
    [
        (Ref("c3"), JOINED, True),
        (call("integer_divide", Ref("c3"), whole(10)), JOINED, True),
        (Ref("c12"), JOINED, False),
        (call("equal", Ref("c12"), Ref("c2")), JOINED, False),
        (Ref("c51"), Join(JOINED, CITIES, LEFT, unit=False, condition=equal("c4", "c51")), True),
        (Ref("c51"), Join(JOINED, CITIES, LEFT, unit=False, condition=equal("c12", "c51")), False),
        (Ref("c3"), Join(VISITS, PERSONS, LEFT, unit=True, condition=None), True),
        (Ref("c3"), Join(VISITS, PERSONS, LEFT, unit=True, condition=call("greater", Ref("c14"), whole(9))), False),
    ],
)
def test_determined_by_the_unit_rule_20(expression: Expression, source: Relation, determined: bool) -> None:
    assert judged(plan(source, keys=key(expression))).measures[0].keys[0].values.per_unit is determined


@pytest.mark.parametrize(
    ("expression", "members"),
    [
        (Ref("c2"), ("女", "男", None)),
        (Ref("c12"), ("儿科", "其他", "内科", "外科")),
        (Ref("c16"), (False, True)),
        (Ref("c4"), ("a", "b", "c", None)),
        (call("integer_divide", Ref("c3"), whole(10)), tuple(range(192, 202))),
        (call("greater", Ref("c14"), whole(5)), (False, True, None)),
        (call("is_null", Ref("c14")), (False, True)),
        (call("date_trunc", Literal(Type.TEXT, "quarter"), Ref("c13")), tuple(date(2024, m, 1) for m in (1, 4, 7, 10))),
        (call("year", Ref("c13")), (2024,)),
        (call("month", Ref("c13")), tuple(range(1, 13))),
        (call("case", TRUE, Literal(Type.TEXT, "y"), Literal(Type.TEXT, None)), ("y", None)),
        (call("concat", Ref("c2"), Literal(Type.TEXT, "!")), ("女!", "男!", None)),
        (call("width_bucket", Ref("c14"), whole(0), whole(2), whole(2)), (0, 1, 2, 3, None)),
        (call("coalesce", Ref("c2"), Literal(Type.TEXT, "?")), ("?", "女", "男")),
        (Ref("c15"), None),
        (Ref("c14"), None),
        (call("cast_text", Ref("c14")), None),
    ],
)
def test_group_keys_rule_23(expression: Expression, members: tuple[object, ...] | None) -> None:
    cells = judged(plan(JOINED, keys=key(expression))).measures[0].key_set.cells
    assert cells == (None if members is None else tuple((member,) for member in members))


def test_group_keys_multiply_and_one_private_part_makes_the_tuple_private() -> None:
    sex, clinic, number = (Output(f"k{i}", Ref(name)) for i, name in enumerate(("c2", "c12", "c15")))
    assert len(judged(plan(JOINED, keys=(sex, clinic))).measures[0].key_set.cells or ()) == 12
    assert judged(plan(JOINED, keys=(sex, number))).measures[0].key_set.cells is None
    few = replace(LIMITS, cells=11)
    assert judged(plan(JOINED, keys=(sex, clinic)), few).measures[0].key_set.cells is None
    assert judged(plan(JOINED)).measures[0].key_set.cells == ((),)


@pytest.mark.parametrize(
    ("argument", "lo", "hi", "granularity"),
    [
        (Ref("c14"), 0, 2000, Fraction(1, 100)),
        (call("add", Ref("c14"), Ref("c5")), 0, 502_000, Fraction(1, 100)),
        (call("multiply", Ref("c14"), Literal(Type.DOUBLE, Fraction(1, 2))), 0, 1000, Fraction(1, 200)),
        (call("negate", Ref("c3")), -2010, -1920, Fraction(1)),
        (call("clamp", Ref("c15"), whole(0), whole(9)), 0, 9, Fraction(1)),
        (call("case", call("equal", Ref("c12"), Literal(Type.TEXT, "内科")), whole(1), whole(0)), 0, 1, Fraction(1)),
        (
            call("date_difference", Literal(Type.TEXT, "day"), Literal(Type.DATE, date(2024, 1, 1)), Ref("c13")),
            0,
            365,
            1,
        ),
    ],
)
def test_ranges_of_sums(argument: Expression, lo: int, hi: int, granularity: Fraction) -> None:
    values = judged(plan(JOINED, aggregates=total(argument))).measures[0].aggregates[0].values
    assert values is not None
    assert (values.lo, values.hi, values.granularity) == (lo, hi, granularity)


def test_reads_every_column_and_a_stand_in_where_none_is_read() -> None:
    found = judged(plan(Join(scan("clinic.visits"), PERSONS, INNER, unit=True, condition=None))).reads
    persons = {ReadColumn("clinic", "persons", name) for name in ("pid", "性别", "birth_year", "city", "income")}
    assert set(found) == persons | {ReadColumn("clinic", "visits", "pid")}
    assert list(found) == sorted(found, key=lambda read: (read.dataset, read.table, read.column))


UNITS = (Aggregate("a1", AggregateFunction.UNITS, None, None),)
KEYLESS = Join(scan("clinic.persons", c2="性别"), scan("clinic.visits", c12="科室"), INNER, unit=True, condition=None)
BOTH = {"persons pid", "persons 性别", "visits pid", "visits 科室"}


@pytest.mark.parametrize(
    ("source", "aggregates", "reads"),
    [
        (KEYLESS, (COUNT,), BOTH),
        (Filter(KEYLESS, TRUE), (COUNT,), BOTH),
        (Join(Project(KEYLESS, ()), CITIES, LEFT, unit=False, condition=None), (COUNT,), BOTH),
        (scan("clinic.visits", c12="科室"), UNITS, {"visits pid", "visits 科室"}),
        (scan("clinic.visits", c12="科室"), (COUNT,), {"visits 科室"}),
    ],
)
def test_joining_and_counting_units_read_unit_keys(
    source: Relation, aggregates: tuple[Aggregate, ...], reads: set[str]
) -> None:
    found = judged(plan(source, aggregates=aggregates)).reads
    assert {f"{one.table} {one.column}" for one in found if one.table != "cities"} == reads


def test_the_answer_is_typed_in_the_order_of_its_labels() -> None:
    keys, aggregates = key(Ref("c12")), (COUNT, Aggregate("a2", AggregateFunction.AVG, Ref("c14"), None))
    found = judged(plan(VISITS, keys=keys, aggregates=aggregates, shown="a2 k1 a1"))
    assert list(found.answer.items()) == [("a2", Type.DOUBLE), ("k1", Type.TEXT), ("a1", Type.INTEGER)]


TWICE = Project(VISITS, (Output("c90", Ref("c14")), Output("c90", Ref("c14"))))
ONLY = Released("m1")
REFUSED: dict[str, tuple[str, Plan]] = {
    "unknown data set": ("plan.unknown_table", plan(scan("nowhere.t"))),
    "unknown table": ("plan.unknown_table", plan(scan("clinic.nothing"))),
    "unknown column": ("plan.unknown_column", plan(scan("clinic.visits", c1="secret"))),
    "hidden column": ("plan.unknown_column", plan(scan("clinic.visits", c1="_seed"))),
    "unknown function": ("plan.unknown_function", plan(VISITS, keys=key(call("random", Ref("c15"))))),
    "column out of reach": ("plan.invalid", plan(VISITS, keys=key(Ref("c1")))),
    "column hidden by a projection": ("plan.invalid", plan(Project(VISITS, ()), keys=key(Ref("c14")))),
    "name twice": ("plan.invalid", plan(TWICE)),
    "name not generated": ("plan.invalid", plan(scan("clinic.visits", income="费用"))),
    "name of a hidden column": ("plan.invalid", plan(scan("clinic.visits", _unit="费用"))),
    "same relation twice": ("plan.invalid", plan(Join(VISITS, VISITS, INNER, unit=True, condition=None))),
    "filter that is no predicate": ("plan.type", plan(Filter(VISITS, Ref("c14")))),
    "comparison of text and number": ("plan.type", plan(Filter(VISITS, call("less", Ref("c12"), whole(1))))),
    "too few arguments": ("plan.type", plan(Filter(VISITS, call("not")))),
    "literal of another type": ("plan.invalid", plan(Filter(VISITS, Literal(Type.BOOLEAN, 1)))),
    "integer beyond 64 bits": ("plan.invalid", plan(VISITS, keys=key(whole(2**63)))),
    "literal of a unit": ("plan.invalid", plan(VISITS, keys=key(Literal(Type.UNIT, 5)))),
    "long text": ("plan.invalid", plan(VISITS, keys=key(Literal(Type.TEXT, "x" * 257)))),
    "clamp by a column": ("plan.literal", plan(VISITS, keys=key(call("clamp", Ref("c14"), Ref("c14"), whole(1))))),
    "clamp the wrong way": ("plan.literal", plan(VISITS, keys=key(call("clamp", Ref("c14"), whole(2), whole(1))))),
    "clamp by NULL": ("plan.literal", plan(VISITS, keys=key(call("clamp", Ref("c14"), whole(None), whole(1))))),
    "pattern from a column": ("plan.literal", plan(Filter(VISITS, call("like", Ref("c12"), Ref("c12"))))),
    "unknown date unit": (
        "plan.literal",
        plan(VISITS, keys=key(call("date_trunc", Literal(Type.TEXT, "eon"), Ref("c13")))),
    ),
    "clock unit of a day": (
        "plan.literal",
        plan(VISITS, keys=key(call("date_trunc", Literal(Type.TEXT, "hour"), Ref("c13")))),
    ),
    "no bucket": (
        "plan.literal",
        plan(VISITS, keys=key(call("width_bucket", Ref("c14"), whole(0), whole(1), whole(0)))),
    ),
    "unit key as group key": ("plan.unit_value", plan(VISITS, keys=key(Ref("c11")))),
    "unit key compared": ("plan.unit_value", plan(Filter(VISITS, call("equal", Ref("c11"), whole(7))))),
    "unit keys compared": ("plan.unit_value", plan(Filter(JOINED, equal("c1", "c11")))),
    "unit key added up": ("plan.unit_value", plan(VISITS, aggregates=total(Ref("c11")))),
    "unit key in CASE": ("plan.unit_value", plan(Filter(VISITS, call("case", TRUE, Ref("c11"), Ref("c11"))))),
    "unit key of the extended side": (
        "plan.unit_value",
        plan(Filter(Join(PERSONS, VISITS, LEFT, unit=True, condition=None), call("equal", Ref("c11"), whole(7)))),
    ),
    "private rows": ("plan.raw_rows", plan(VISITS, answer=Project(VISITS, (Output("o1", Ref("c14")),)), shown="o1")),
    "private rows joined to a release": (
        "plan.raw_rows",
        plan(PERSONS, answer=Join(ONLY, VISITS, INNER, unit=False, condition=None)),
    ),
    "measure over public data": ("plan.not_private", plan(CITIES)),
    "order of private rows": (
        "plan.order",
        plan(Sort(VISITS, (Order(Ref("c14"), descending=True, nulls_first=False),))),
    ),
    "limit of private rows": ("plan.order", plan(Limit(VISITS, 5, 0))),
    "private join without the unit": ("plan.join_unit", plan(Join(PERSONS, VISITS, INNER, unit=False, condition=TRUE))),
    "public join on the unit": ("plan.join_unit", plan(Join(PERSONS, CITIES, INNER, unit=True, condition=None))),
    "public side preserved": ("plan.join_preserved", plan(Join(CITIES, PERSONS, LEFT, unit=False, condition=None))),
    "two unit domains": ("plan.domains", plan(Join(PERSONS, scan("strangers.t"), INNER, unit=True, condition=None))),
    "release inside a measure": ("plan.invalid", plan(Join(PERSONS, ONLY, INNER, unit=False, condition=None))),
    "release of nothing": ("plan.invalid", plan(PERSONS, answer=Released("m9"))),
    "no aggregate": ("plan.invalid", plan(PERSONS, aggregates=(), answer=ONLY)),
    "argument of a count of units": (
        "plan.invalid",
        plan(VISITS, aggregates=total(Ref("c14"), AggregateFunction.UNITS)),
    ),
    "sum of nothing": ("plan.type", plan(VISITS, aggregates=(Aggregate("a1", AggregateFunction.SUM, None, None),))),
    "sum of text": ("plan.type", plan(VISITS, aggregates=total(Ref("c12")))),
    "sum of NULL": ("plan.type", plan(VISITS, aggregates=total(whole(None)))),
    "sum without a range": ("plan.unbounded_sum", plan(VISITS, aggregates=total(Ref("c15")))),
    "average without a range": (
        "plan.unbounded_sum",
        plan(VISITS, aggregates=total(Ref("c15"), AggregateFunction.AVG)),
    ),
    "sum beyond 62 bits": ("plan.overflow", plan(scan("wide.t", c1="big"), aggregates=total(Ref("c1")))),
    "no label": ("plan.invalid", plan(VISITS, shown="")),
    "label of nothing": ("plan.invalid", plan(VISITS, shown="a1 a2")),
    "label twice": ("plan.invalid", plan(VISITS, shown="a1 a1")),
    "negative limit": ("plan.invalid", plan(VISITS, answer=Limit(ONLY, -1, 0))),
    "order by nothing": ("plan.invalid", plan(VISITS, answer=Sort(ONLY, ()))),
    "rows per unit": (
        "plan.too_large",
        plan(
            Join(
                VISITS, Join(DRUGS, scan("wide.t"), INNER, unit=True, condition=None), INNER, unit=True, condition=None
            )
        ),
    ),
    "rows per unit through a public table": (
        "plan.too_large",
        plan(Join(scan("wide.t"), scan("wide.d"), INNER, unit=False, condition=None)),
    ),
    "row bytes": (
        "plan.too_large",
        plan(Project(scan("wide.t", c1="free"), tuple(Output(f"c{i}", Ref("c1")) for i in range(2, 70)))),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    code, found = REFUSED[name]
    with pytest.raises(Refusal) as refused:
        judged(found)
    assert refused.value.code == code


def test_sums_are_refused_with_their_place() -> None:
    with pytest.raises(Refusal) as refused:
        judged(plan(VISITS, aggregates=total(Ref("c15"))))
    assert refused.value.subject == "a1.argument"


def test_sizes_are_limited() -> None:
    for limits in (replace(LIMITS, nodes=5), replace(LIMITS, joins=0), replace(LIMITS, measures=0)):
        with pytest.raises(Refusal, match=r"plan\.too_large"):
            judged(plan(JOINED, keys=key(Ref("c2"))), limits)


def test_value_sets_cost_what_is_allowed() -> None:
    quotient = key(call("integer_divide", Ref("c3"), whole(10)))
    assert judged(plan(PERSONS, keys=quotient), replace(LIMITS, evaluations=10)).measures[0].keys[0].values.members
    cheap = judged(plan(PERSONS, keys=quotient), replace(LIMITS, evaluations=9)).measures[0].keys[0].values
    assert (cheap.lo, cheap.hi, cheap.members) == (192, 201, None)


def test_missing_facts_are_our_fault() -> None:
    with pytest.raises(Fault):
        check(plan(Join(PERSONS, CITIES, LEFT, unit=False, condition=None)), CARDS, {}, DOMAINS, LIMITS)


LOWERED = call("equal", call("lower", Ref("c12")), Literal(Type.TEXT, "x"))
DEAR = call("greater", Ref("c14"), whole(5))
BETWEEN = call("in", Ref("c14"), whole(1), whole(2), whole(3))
SUM, AVG = total(Ref("c14")), total(Ref("c14"), AggregateFunction.AVG)


@pytest.mark.parametrize(
    ("source", "keys", "aggregates", "work"),
    [
        (PERSONS, (), (COUNT,), 1 + 2),
        (VISITS, (), (COUNT,), 20 + 20 * 2),
        (VISITS, (), AVG, 20 + 20 * 4),
        (VISITS, key(Ref("c16")), SUM, 20 + 20 * (1 + 2)),
        (VISITS, key(DEAR), total(call("add", Ref("c14"), Ref("c14"))), 20 + 20 * (1 + 1 + 2 + 1)),
        (VISITS, (), (replace(COUNT, filter=call("not", DEAR)),), 20 + 20 * (2 + 2)),
        (Filter(VISITS, call("and", DEAR, DEAR, DEAR)), (), (COUNT,), 20 + 20 * (1 + 5) + 20 * 2),
        (Filter(VISITS, BETWEEN), (), (COUNT,), 20 + 20 * (1 + 3) + 20 * 2),
        (Filter(VISITS, equal("c12", "c12")), (), (COUNT,), 20 + 20 * (1 + 1) + 20 * 2),
        (Filter(VISITS, LOWERED), (), (COUNT,), 20 + 20 * (1 + 256 + 1) + 20 * 2),
        (Project(VISITS, (Output("c21", DEAR), Output("c22", DEAR))), (), (COUNT,), 20 + 20 * (1 + 2) + 20 * 2),
        (Join(PERSONS, VISITS, INNER, unit=True, condition=None), (), (COUNT,), 1 + 20 + 21 * 1 + 20 * 2),
        (Join(VISITS, AGAIN, INNER, unit=True, condition=DEAR), (), (COUNT,), 20 + 20 + 400 * (1 + 1) + 400 * 2),
        (Join(PERSONS, CITIES, INNER, unit=False, condition=equal("c4", "c51")), (), (COUNT,), 1 + (1 + 1) + 2),
        (Join(PERSONS, CITIES, INNER, unit=False, condition=TRUE), (), (COUNT,), 1 + 3 + 3 * 2),
    ],
)
def test_rule_2_work_of_one_unit(
    source: Relation, keys: tuple[Output, ...], aggregates: tuple[Aggregate, ...], work: int
) -> None:
    assert judged(plan(source, keys=keys, aggregates=aggregates)).measures[0].work == work


def test_rule_2_public_rows_are_no_units_work() -> None:
    found = judged(
        plan(Join(PERSONS, Filter(CITIES, equal("c51", "c51")), INNER, unit=False, condition=equal("c4", "c51")))
    )
    assert found.measures[0].work == 1 + (1 + 1) + 2


def test_rule_2_an_empty_public_table_leaves_a_unit_one_row() -> None:
    found = judged(plan(Join(PERSONS, Limit(CITIES, 0, 0), INNER, unit=False, condition=None))).measures[0]
    assert found.source.rows == 1
