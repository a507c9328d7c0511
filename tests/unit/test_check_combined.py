"""What `check` knows of FULL joins, marks, unions and constants, and what it refuses of them (rules 2, 9–12, 20)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from sandbox.errors import Refusal
from sandbox.plan.checked import ReadColumn
from sandbox.plan.nodes import (
    Constants,
    Expression,
    Filter,
    Join,
    JoinKind,
    Literal,
    Mark,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Type,
    Union,
    UnionColumn,
)
from tests.unit.test_check import (
    AGAIN,
    CITIES,
    COUNT,
    DRUGS,
    LIMITS,
    LINES,
    ORDERS,
    PERSONS,
    TRUE,
    UNITS,
    VISITS,
    call,
    equal,
    judged,
    key,
    plan,
    scan,
    whole,
)

FULL, INNER = JoinKind.FULL, JoinKind.INNER
LESS = call("less", Ref("c15"), Ref("c35"))
VISITED = Mark(PERSONS, VISITS, "c90", unit=True, condition=None)
TWO = Constants(("c91", "c92"), ((whole(1), Literal(Type.TEXT, "a")), (whole(1), Literal(Type.TEXT, "b"))))


def both(left: Relation, right: Relation, *columns: str) -> Union:
    """A union of columns given as `name left right`."""
    return Union(left, right, tuple(UnionColumn(*column.split()) for column in columns))


BOTH = both(VISITS, AGAIN, "c93 c11 c31", "c94 c12 c32", "c95 c15 c35")


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        # FULL: unit equality alone, then pairs and unmatched rows, then with the keys of either side covered.
        (Join(PERSONS, VISITS, FULL, unit=True, condition=None), 20),
        (Join(VISITS, AGAIN, FULL, unit=True, condition=None), 400),
        (Join(VISITS, AGAIN, FULL, unit=True, condition=LESS), 400),
        (Join(PERSONS, scan("census.persons", c21="age"), FULL, unit=True, condition=None), 1),
        (Join(PERSONS, scan("census.persons", c21="age"), FULL, unit=True, condition=equal("c3", "c21")), 2),
        (Join(VISITS, AGAIN, FULL, unit=True, condition=equal("c15", "c35")), 40),
        (Join(VISITS, DRUGS, FULL, unit=True, condition=equal("c15", "c41")), 80),
        # Marks keep the rows of their source.
        (VISITED, 1),
        (Mark(VISITS, AGAIN, "c90", unit=True, condition=LESS), 20),
        (Mark(PERSONS, CITIES, "c90", unit=False, condition=equal("c4", "c51")), 1),
        (Filter(VISITED, call("not", Ref("c90"))), 1),
        # UNION ALL adds.
        (BOTH, 40),
        (both(PERSONS, VISITS), 21),
    ],
)
def test_rows_per_unit_rule_10(source: Relation, rows: int) -> None:
    assert judged(plan(source)).measures[0].source.rows == rows


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        (Join(PERSONS, VISITS, FULL, unit=True, condition=None), {"c15"}),
        (Join(VISITS, AGAIN, FULL, unit=True, condition=LESS), {"c15 c35"}),
        (Join(VISITS, AGAIN, FULL, unit=True, condition=equal("c15", "c35")), {"c15", "c35", "c15 c35"}),
        (Join(PERSONS, scan("census.persons", c21="age"), FULL, unit=True, condition=equal("c3", "c21")), set()),
        (Mark(VISITS, AGAIN, "c90", unit=True, condition=LESS), {"c15"}),
        (BOTH, set()),
    ],
)
def test_keys_within_a_unit(source: Relation, keys: set[str]) -> None:
    found = judged(plan(source)).measures[0].source.unit_keys
    assert found == {frozenset(one.split()) for one in keys}


@pytest.mark.parametrize(
    ("expression", "source", "determined"),
    [
        (Ref("c90"), VISITED, True),
        (Ref("c90"), Mark(VISITS, AGAIN, "c90", unit=True, condition=None), True),
        (Ref("c90"), Mark(VISITS, AGAIN, "c90", unit=True, condition=LESS), False),
        (Ref("c90"), Mark(VISITS, CITIES, "c90", unit=False, condition=equal("c12", "c51")), False),
        (Ref("c3"), Join(PERSONS, VISITS, FULL, unit=True, condition=None), True),
        (Ref("c3"), Join(PERSONS, VISITS, FULL, unit=True, condition=call("greater", Ref("c14"), whole(9))), False),
        (Ref("c12"), Join(PERSONS, VISITS, FULL, unit=True, condition=None), False),
        (Ref("c96"), both(PERSONS, PERSONS_AGAIN := scan("clinic.persons", c97="birth_year"), "c96 c3 c97"), False),
    ],
)
def test_determined_by_the_unit_rule_20(expression: Expression, source: Relation, determined: bool) -> None:
    assert judged(plan(source, keys=key(expression))).measures[0].keys[0].values.per_unit is determined


def test_a_mark_is_true_or_false_rule_23() -> None:
    assert judged(plan(VISITED, keys=key(Ref("c90")))).measures[0].key_set.cells == ((False,), (True,))


def test_full_joins_leave_presence_on_either_side_rule_12() -> None:
    values = judged(plan(Join(PERSONS, VISITS, FULL, unit=True, condition=None))).measures[0].source.values
    assert {values[name].type for name in ("c1", "c11")} == {Type.PRESENCE}
    assert all(one.nullable for one in values.values())


def test_values_of_a_union_are_those_of_either_branch() -> None:
    left = Project(VISITS, (Output("c71", Ref("c11")), Output("c72", whole(5)), Output("c73", Ref("c12"))))
    right = Project(
        Join(PERSONS, AGAIN, JoinKind.LEFT, unit=True, condition=None),
        (Output("c81", Ref("c31")), Output("c82", Ref("c3")), Output("c83", Literal(Type.TEXT, "x"))),
    )
    found = judged(plan(both(left, right, "c84 c71 c81", "c85 c72 c82", "c86 c73 c83"))).measures[0].source.values
    assert found["c84"].type is Type.PRESENCE
    assert (found["c85"].lo, found["c85"].hi, found["c85"].granularity) == (5, 2010, Fraction(1))
    assert found["c86"].members == ("x", "儿科", "其他", "内科", "外科")
    assert judged(plan(BOTH)).measures[0].source.values["c93"].type is Type.UNIT


@pytest.mark.parametrize(
    ("column", "rows"),
    [("c91", 2), ("c92", 1)],
)
def test_matches_of_constants(column: str, rows: int) -> None:
    read = Ref("c3") if column == "c91" else Ref("c4")
    joined = Join(PERSONS, TWO, INNER, unit=False, condition=call("equal", read, Ref(column)))
    assert judged(plan(joined)).measures[0].source.rows == rows


def test_joining_and_counting_units_reads_the_unit_keys() -> None:
    marked = Mark(scan("clinic.persons", c3="birth_year"), scan("clinic.visits"), "c90", unit=True, condition=None)
    names = {("persons", "pid"), ("persons", "birth_year"), ("visits", "pid")}
    assert {(one.table, one.column) for one in judged(plan(marked)).reads} == names
    found = judged(plan(both(scan("clinic.persons", c3="birth_year"), scan("clinic.visits", c12="科室"))))
    assert ReadColumn("clinic", "persons", "pid") not in found.reads
    counted = plan(both(scan("clinic.persons", c3="birth_year"), scan("clinic.visits")), aggregates=UNITS)
    assert ReadColumn("clinic", "persons", "pid") in judged(counted).reads


STRANGERS = scan("strangers.t", c99="sid")
REFUSED: dict[str, tuple[str, Relation]] = {
    "private mark without the unit": ("plan.join_unit", replace(VISITED, unit=False)),
    "mark by public rows on the unit": ("plan.join_unit", Mark(PERSONS, CITIES, "c90", unit=True, condition=None)),
    "mark by another domain": ("plan.domains", Mark(PERSONS, STRANGERS, "c90", unit=True, condition=None)),
    "public rows marked by private ones": (
        "plan.exists_private",
        Join(PERSONS, Mark(CITIES, VISITS, "c90", unit=False, condition=None), INNER, unit=False, condition=None),
    ),
    "mark that is no predicate": ("plan.type", replace(VISITED, condition=Ref("c14"))),
    "mark by comparing unit keys": ("plan.unit_value", replace(VISITED, condition=equal("c1", "c11"))),
    "marked column out of reach": ("plan.invalid", Filter(VISITED, Ref("c16"))),
    "mark whose name is taken": ("plan.invalid", replace(VISITED, name="c1")),
    "mark of too many pairs": (
        "plan.too_large",
        Mark(
            Join(VISITS, DRUGS, INNER, unit=True, condition=None),
            scan("wide.t", c21="big"),
            "c90",
            unit=True,
            condition=call("less", Ref("c15"), Ref("c21")),
        ),
    ),
    "full join with public rows": ("plan.join_preserved", Join(PERSONS, CITIES, FULL, unit=False, condition=None)),
    "union of two domains": ("plan.domains", both(PERSONS, STRANGERS)),
    "union of private and public rows": ("plan.union_kinds", both(PERSONS, CITIES)),
    "union of two types": ("plan.type", both(PERSONS, AGAIN, "c93 c3 c32")),
    "union of a unit with a number": ("plan.type", both(PERSONS, AGAIN, "c93 c1 c35")),
    "union of what is not there": ("plan.invalid", both(PERSONS, AGAIN, "c93 c31 c31")),
    "constants of unequal rows": ("plan.invalid", Constants(("c91",), ((whole(1),), (whole(1), whole(2))))),
    "constants of two types": ("plan.invalid", Constants(("c91",), ((whole(1),), (Literal(Type.TEXT, "a"),)))),
    "no constants": ("plan.invalid", Constants((), ())),
    "constant of a unit": ("plan.invalid", Constants(("c91",), ((Literal(Type.UNIT, 1),),))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    code, source = REFUSED[name]
    if isinstance(source, Constants):
        source = Join(PERSONS, source, INNER, unit=False, condition=None)
    with pytest.raises(Refusal) as refused:
        judged(plan(source))
    assert refused.value.code == code


def test_public_unions_and_marks_after_the_release() -> None:
    released = Released("m1")
    marked = Mark(both(released, TWO, "c98 a1 c91"), CITIES, "c90", unit=False, condition=equal("c98", "c53"))
    assert judged(plan(PERSONS, answer=marked, shown="c98 c90")).answer == {"c98": Type.INTEGER, "c90": Type.BOOLEAN}


@pytest.mark.parametrize(
    ("source", "work"),
    [
        (VISITED, 1 + 20 + 21 + 2),
        (Mark(VISITS, AGAIN, "c90", unit=True, condition=LESS), 20 + 20 + 400 * (1 + 1) + 20 * 2),
        (Mark(VISITS, CITIES, "c90", unit=False, condition=equal("c12", "c51")), 20 + 20 * (1 + 1) + 20 * 2),
        (Mark(VISITS, CITIES, "c90", unit=False, condition=TRUE), 20 + 20 + 20 * 2),
        (Join(ORDERS, LINES, FULL, unit=True, condition=equal("c61", "c71")), 60 + 420 + 480 * (1 + 1) + 480 * 2),
        (BOTH, 20 + 20 + 40 + 40 * 2),
    ],
)
def test_rule_2_work_of_one_unit(source: Relation, work: int) -> None:
    assert judged(plan(source, aggregates=(COUNT,))).measures[0].work == work


def test_marks_count_as_joins() -> None:
    with pytest.raises(Refusal, match=r"plan\.too_large"):
        judged(plan(VISITED), replace(LIMITS, joins=0))
