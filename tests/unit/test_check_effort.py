"""Judging a plan takes effort within fixed limits, whatever the plan says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from fractions import Fraction
from types import FrameType

import pytest

from policies.cards import ColumnType
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.canonical import encode
from sandbox.plan.check import check
from sandbox.plan.checked import PublicFacts
from sandbox.plan.decoding import decode
from sandbox.plan.expressions import Judge
from sandbox.plan.limits import standard
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Expression,
    Filter,
    Join,
    JoinKind,
    Literal,
    Measure,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    ScanColumn,
    Type,
)
from sandbox.plan.plan import Label, Plan
from sandbox.plan.values import Values
from tests.support.cards import card, column, domain, integer, private, public, unit, words

LIMITS = standard(cells=10_000)
CARD = card(
    "d",
    private(
        "v",
        unit("pid"),
        integer("age", 0, 9998),
        column(
            "ts",
            ColumnType.TIMESTAMP,
            span=(datetime.fromisoformat("2020-01-01T00:00:00"), datetime.fromisoformat("2021-01-01T00:00:00")),
        ),
        path="pid",
        rows=5,
    ),
    public("codes", words("code"), key=("code",)),
)
CODES = tuple(f"{one:06}" for one in range(10_000))
FACTS = {("d", "codes"): PublicFacts(len(CODES), {"code": CODES}, {"code": 1})}
DOMAIN = domain(max_units=1000)
VISITS = Scan("d", "v", (ScanColumn("c1", "age"), ScanColumn("c2", "ts")))
AGE, TS = Ref("c1"), Ref("c2")
COUNT = Aggregate("a1", AggregateFunction.ROWS, None, None)


def call(function: str, *arguments: Expression) -> Call:
    return Call(function, arguments)


def real(value: Fraction) -> Literal:
    return Literal(Type.DOUBLE, value)


def whole(value: int) -> Literal:
    return Literal(Type.INTEGER, value)


def where(terms: Iterable[Expression]) -> Relation:
    return Filter(VISITS, call("or", Literal(Type.BOOLEAN, value=False), *terms))


def positive(term: Expression) -> Expression:
    return call("greater", term, whole(2))


def tree(leaves: list[Expression], function: str) -> Expression:
    """A balanced tree of calls of two arguments."""
    while len(leaves) > 1:
        pairs = zip(leaves[::2], leaves[1::2], strict=True)
        leaves = [call(function, one, other) for one, other in pairs]
    return leaves[0]


def truncated(unit_: str, shift: int) -> Expression:
    moved = call("date_add_days", TS, whole(shift))
    return call("equal", call("date_trunc", Literal(Type.TEXT, unit_), moved), TS)


def chosen(half: int) -> Expression:
    other = call("multiply", AGE, real(Fraction(half, 2)))
    return call("case", call("greater", AGE, whole(half)), AGE, other)


def scanned(columns: int) -> Relation:
    return Scan("d", "codes", tuple(ScanColumn(f"c{100 + one}", "code") for one in range(columns)))


def passed(relation: Relation, times: int) -> Relation:
    for _ in range(times):
        relation = Filter(relation, Literal(Type.BOOLEAN, value=True))
    return relation


ODD = range(1, 1001, 2)
LONG_NAME = "1" + "7" * 390
PLANS: dict[str, Relation] = {
    "equal terms": where([positive(call("add", AGE, real(Fraction(3, 2))))] * 600),
    "converted ranges": where([positive(call("add", AGE, real(Fraction(one, 2)))) for one in ODD]),
    "truncated moments": where([truncated("hour", one) for one in range(500)]),
    "choices": where([positive(chosen(one)) for one in range(1, 400, 2)]),
    "choices of many": where([positive(call("coalesce", *(chosen(one) for one in range(1, 600, 2)), AGE))]),
    "least of many": where([positive(call("least", AGE, *(real(Fraction(one, 2)) for one in ODD)))]),
    "texts of many": Join(
        VISITS,
        Filter(
            scanned(1),
            call(
                "or",
                *(
                    call("equal", call("concat", *[Ref("c100")] * 9, Literal(Type.TEXT, str(one))), Ref("c100"))
                    for one in range(200)
                ),
            ),
        ),
        JoinKind.INNER,
        unit=False,
        condition=None,
    ),
    "wide rows of texts": Join(VISITS, passed(scanned(1000), 60), JoinKind.INNER, unit=False, condition=None),
    "long fractions": where(
        [
            positive(
                tree(
                    [call("add", AGE, real(Fraction(1, int(LONG_NAME[:200]) + one))) for one in range(512)], "multiply"
                )
            )
        ]
    ),
    "projected often": Filter(
        Project(VISITS, tuple(Output(f"c{100 + one}", call("multiply", AGE, real(Fraction(one, 2)))) for one in ODD)),
        Literal(Type.BOOLEAN, value=True),
    ),
}


class TooMuchEffortError(Exception):
    """More calls than allowed."""


def calls(of: Callable[[], object], most: int) -> int:
    """How many Python functions a call calls; raises beyond `most`."""
    made = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal made
        made += event == "call"
        if made > most:
            raise TooMuchEffortError

    sys.setprofile(count)
    try:
        of()
    finally:
        sys.setprofile(None)
    return made


@pytest.mark.parametrize("name", PLANS)
def test_rule_2_effort_of_judging_is_limited(name: str) -> None:
    plan = Plan((Measure("m1", PLANS[name], (), (COUNT,)),), Released("m1"), (Label("a1", "a"),))
    content = encode(plan)

    def judged() -> None:
        check(decode(content), {"d": CARD}, FACTS, {DOMAIN.name: DOMAIN}, LIMITS)

    assert calls(judged, 20 * LIMITS.evaluations) > 0


def test_equal_expressions_are_judged_once() -> None:
    columns = {"c1": Values(Type.INTEGER, nullable=False, lo=0, hi=9998)}
    once, often = Judge(LIMITS), Judge(LIMITS)
    term = call("add", AGE, real(Fraction(3, 2)))
    once.judge(positive(term), columns)
    often.judge(call("or", *[positive(term)] * 600), columns)
    assert 0 < once.evaluations == often.evaluations


@pytest.mark.parametrize(
    ("expression", "built"),
    [
        (AGE, 0),
        (positive(AGE), 0),
        (call("add", AGE, whole(1)), 2 * 101),
        (call("add", AGE, real(Fraction(1, 2))), 2 * 101),
        (call("add", AGE, AGE), 0),
        (call("case", positive(AGE), whole(1), whole(2)), 2),
        (call("case", positive(AGE), AGE, whole(2)), 3 * 2 * 101),
        (call("coalesce", whole(1), AGE), 1),
        (call("date_trunc", Literal(Type.TEXT, "day"), TS), 31),
    ],
)
def test_built_members_are_charged_and_ranges_stay(expression: Expression, built: int) -> None:
    columns = {
        "c1": Values(Type.INTEGER, nullable=False, lo=0, hi=100),
        "c2": Values(
            Type.TIMESTAMP,
            nullable=False,
            lo=datetime.fromisoformat("2020-01-01T00:00:00"),
            hi=datetime.fromisoformat("2020-01-31T00:00:00"),
        ),
    }
    judge, none_left = Judge(LIMITS), Judge(LIMITS, evaluations=LIMITS.evaluations)
    found, poorer = judge.judge(expression, columns).values, none_left.judge(expression, columns).values
    assert judge.evaluations == built
    assert none_left.evaluations == LIMITS.evaluations
    assert (poorer.lo is None) == (found.lo is None)
    assert poorer.members is None or not built
