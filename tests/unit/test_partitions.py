"""What `check` knows of groups, windows and distinct rows, inside units and of public relations."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sandbox.errors import Refusal
from sandbox.plan.check import check
from sandbox.plan.checked import CheckedMeasure, Folded, Grid, PublicFacts
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.limits import standard
from sandbox.plan.nodes import (
    Call,
    Distinct,
    Expression,
    Filter,
    Fold,
    Group,
    Join,
    JoinKind,
    Literal,
    Measure,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Scan,
    ScanColumn,
    Type,
    Window,
    Windowed,
)
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction
from tests.support.cards import CLINIC, card, domain, double, integer, private, public, unit
from tests.unit.test_check import COUNT, FACTS, VISITS, plan, scan, whole

ODD = card(
    "odd",
    private(
        "t",
        unit("pid"),
        integer("free"),
        integer("wide", -(2**62), 2**62),
        double("odd", "-1", "1", "1/3"),
        path="pid",
        rows=100,
    ),
    public("notes", integer("n", 0, 9)),
)
CARDS = {"clinic": CLINIC, "odd": ODD}
KNOWN = FACTS | {("odd", "notes"): PublicFacts(5, {}, {"n": 2})}
ODDS = scan("odd.t", c1="pid", c2="free", c3="wide", c4="odd")
NOTES = scan("odd.notes", c9="n")
BY_DAY = (Order(Ref("c13"), descending=False, nulls_first=False),)
WHOLE = Frame(FrameUnit.RANGE, None, None)


def judged(source: Relation) -> CheckedMeasure:
    """The measure of a relation."""
    return check(plan(source), CARDS, KNOWN, {"people": domain()}, standard(cells=1000)).measures[0]


def fold(
    function: FoldFunction, argument: Expression | None = None, *, fraction: Fraction | None = None, name: str = "f1"
) -> Fold:
    return Fold(name, function, argument, None, fraction, ())


def window(
    function: WindowFunction,
    argument: Expression | None = None,
    *,
    number: int | None = None,
    default: Literal | None = None,
    partition: tuple[Expression, ...] = (),
    order: tuple[Order, ...] = (),
    frame: Frame | None = None,
) -> Windowed:
    return Windowed("w1", function, argument, None, number, default, partition, order, frame)


def folded(source: Relation, one: Fold) -> Folded:
    return judged(Group(source, (), (one,))).folded["f1"]


def test_a_group_by_the_unit_has_one_row_per_unit() -> None:
    """Rule 10; and every column of it is determined by the unit (rule 20)."""
    found = judged(Group(VISITS, (Output("k1", Ref("c11")),), (fold(FoldFunction.ROWS),))).source
    assert found.rows == 1
    assert frozenset() in found.unit_keys
    assert found.values["f1"].per_unit
    assert (found.values["f1"].lo, found.values["f1"].hi) == (0, 20)
    assert found.values["k1"].type is Type.UNIT


def test_a_group_by_more_has_a_row_per_key_at_most() -> None:
    """Rule 10: no more than there are rows, or values of the keys."""
    ward, day = Output("k1", Ref("c12")), Output("k2", Ref("c13"))
    assert judged(Group(VISITS, (ward,), ())).source.rows == 4
    found = judged(Group(VISITS, (ward, day), ())).source
    assert found.rows == 20
    assert found.unit_keys == {frozenset({"k1", "k2"})}


def test_distinct_rows_tell_themselves_apart() -> None:
    wards = Project(VISITS, (Output("o1", Ref("c11")), Output("o2", Ref("c12"))))
    found = judged(Distinct(wards)).source
    assert (found.rows, found.unit_keys) == (4, frozenset({frozenset({"o2"})}))


@pytest.mark.parametrize(
    ("function", "lo", "hi"),
    [
        (FoldFunction.SUM, 0, 40_000),
        (FoldFunction.AVG, 0, 2_000),
        (FoldFunction.MIN, 0, 2_000),
        (FoldFunction.MAX, 0, 2_000),
        (FoldFunction.VAR_POP, 0, 1_000_000),
        (FoldFunction.VAR_SAMP, 0, 2_000_000),
        (FoldFunction.STDDEV_POP, 0, 1_000),
    ],
)
def test_ranges_follow_from_the_source(function: FoldFunction, lo: int, hi: int) -> None:
    values = folded(VISITS, fold(function, Ref("c14"))).values
    assert values.lo is not None
    assert values.hi is not None
    assert values.lo == lo
    assert hi <= values.hi <= hi * (1 + Fraction(1, 2**20))  # type: ignore[operator]


def test_sums_inside_a_unit_stand_on_the_declared_grid() -> None:
    assert folded(VISITS, fold(FoldFunction.SUM, Ref("c14"))).grid == Grid(Fraction(1, 100), 0, 200_000)
    assert folded(ODDS, fold(FoldFunction.AVG, Ref("c4"))).grid == Grid(Fraction(1, 3), -3, 3)


def test_whole_numbers_need_no_range_to_be_added_up() -> None:
    values = folded(ODDS, fold(FoldFunction.SUM, Ref("c2"))).values
    assert (values.lo, values.hi, values.nullable) == (None, None, True)


def test_a_whole_number_held_equal_to_a_real_names_no_row() -> None:
    """Two whole numbers beyond 2⁵³ can have the same nearest 64-bit real."""
    numbered = Window(VISITS, (window(WindowFunction.ROW_NUMBER, order=BY_DAY),))
    for literal, rows in ((Literal(Type.INTEGER, 1), 1), (Literal(Type.DOUBLE, Fraction(1)), 20)):
        for terms in ((Ref("w1"), literal), (literal, Ref("w1"))):
            assert judged(Filter(numbered, Call("equal", terms))).source.rows == rows


def test_a_row_number_names_a_row_and_bounds_a_filter() -> None:
    """QUALIFY ROW_NUMBER() … = 1 leaves one row per unit, <= 3 leaves three."""
    numbered = Window(VISITS, (window(WindowFunction.ROW_NUMBER, order=BY_DAY),))
    assert frozenset({"w1"}) in judged(numbered).source.unit_keys
    first = judged(Filter(numbered, Call("equal", (Ref("w1"), whole(1))))).source
    assert first.rows == 1
    assert first.values["c14"].per_unit
    assert judged(Filter(numbered, Call("less_equal", (Ref("w1"), whole(3))))).source.rows == 3
    assert judged(Filter(numbered, Call("less", (Ref("w1"), whole(3))))).source.rows == 2
    ranked = Window(VISITS, (window(WindowFunction.RANK, order=BY_DAY),))
    assert judged(Filter(ranked, Call("less_equal", (Ref("w1"), whole(3))))).source.rows == 20


def test_a_number_within_a_part_bounds_nothing_of_the_whole() -> None:
    numbered = Window(VISITS, (window(WindowFunction.ROW_NUMBER, order=BY_DAY, partition=(Ref("c12"),)),))
    found = judged(Filter(numbered, Call("equal", (Ref("w1"), whole(1))))).source
    assert found.rows == 20
    assert frozenset({"c12"}) in found.unit_keys


@pytest.mark.parametrize(
    ("one", "lo", "hi", "nullable"),
    [
        (window(WindowFunction.RANK, order=BY_DAY), 1, 20, False),
        (window(WindowFunction.NTILE, number=4), 1, 4, False),
        (window(WindowFunction.NTILE, number=400), 1, 20, False),
        (window(WindowFunction.ROWS, frame=WHOLE), 0, 20, False),
        (window(WindowFunction.SUM, Ref("c14"), frame=WHOLE), 0, 40_000, True),
        (window(WindowFunction.LAG, Ref("c15"), number=1), None, None, True),
        (window(WindowFunction.LEAD, Ref("f1"), number=1, default=whole(99)), 0, 99, False),
    ],
    ids=lambda one: one.function if isinstance(one, Windowed) else None,
)
def test_ranges_of_windows(one: Windowed, lo: int, hi: int, nullable: bool) -> None:
    source: Relation = VISITS
    if one.argument == Ref("f1"):
        source = Group(VISITS, (Output("k1", Ref("c13")),), (fold(FoldFunction.ROWS),))
    values = judged(Window(source, (one,))).folded["w1"].values
    assert (values.lo, values.hi, values.nullable) == (lo, hi, nullable)


def test_what_is_done_within_units_reads_the_unit_keys() -> None:
    found = check(
        plan(Group(scan("clinic.visits", c1="费用"), (), (fold(FoldFunction.ROWS),))),
        CARDS,
        KNOWN,
        {"people": domain()},
        standard(cells=10),
    )
    assert [one.column for one in found.reads] == ["pid", "费用"]


def test_an_order_reads_the_key_that_completes_it() -> None:
    """Rule 13: the key of a public table below."""
    cities = Scan("clinic", "cities", (ScanColumn("c51", "name_en"),))
    joined = Join(VISITS, cities, JoinKind.INNER, unit=False, condition=None)
    for function, expected in ((WindowFunction.ROW_NUMBER, True), (WindowFunction.RANK, False)):
        numbered = plan(Window(joined, (window(function, order=BY_DAY),)))
        found = check(numbered, CARDS, KNOWN, {"people": domain()}, standard(cells=10))
        assert (("cities", "code") in [(one.table, one.column) for one in found.reads]) is expected


WRONG = {
    "a real sum without a range": (
        "plan.unbounded_sum",
        Group(ODDS, (), (fold(FoldFunction.SUM, Call("cast_double", (Ref("c2"),))),)),
    ),
    "a variance of squares beyond 128 bits": (
        "plan.overflow",
        Group(ODDS, (), (fold(FoldFunction.VAR_POP, Ref("c3")),)),
    ),
    "a unit key added up": ("plan.unit_value", Group(ODDS, (), (fold(FoldFunction.MAX, Ref("c1")),))),
    "a text added up": ("plan.type", Group(VISITS, (), (fold(FoldFunction.SUM, Ref("c12")),))),
    "a quantile without a fraction": (
        "plan.invalid",
        Group(VISITS, (), (fold(FoldFunction.QUANTILE_CONT, Ref("c14")),)),
    ),
    "a quantile beyond 1": (
        "plan.invalid",
        Group(VISITS, (), (fold(FoldFunction.QUANTILE_CONT, Ref("c14"), fraction=Fraction(2)),)),
    ),
    "a unit key as an order": (
        "plan.unit_value",
        Window(VISITS, (window(WindowFunction.RANK, order=(Order(Ref("c11"), False, False),)),)),
    ),
    "a frame of a rank": ("plan.invalid", Window(VISITS, (window(WindowFunction.RANK, frame=WHOLE),))),
    "a frame that ends before it starts": (
        "plan.invalid",
        Window(VISITS, (window(WindowFunction.ROWS, frame=Frame(FrameUnit.ROWS, 1, 0)),)),
    ),
    "a distance by texts": (
        "plan.invalid",
        Window(
            VISITS,
            (
                window(
                    WindowFunction.ROWS,
                    order=(Order(Ref("c12"), descending=False, nulls_first=False),),
                    frame=Frame(FrameUnit.RANGE, -1, 0),
                ),
            ),
        ),
    ),
    "tiles without a number": ("plan.invalid", Window(VISITS, (window(WindowFunction.NTILE),))),
    "rows in no order of their own": (
        "plan.row_order",
        Window(
            Join(ODDS, NOTES, JoinKind.INNER, unit=False, condition=None),
            (window(WindowFunction.ROW_NUMBER),),
        ),
    ),
}


@pytest.mark.parametrize(("code", "source"), WRONG.values(), ids=WRONG)
def test_refused(code: str, source: Relation) -> None:
    with pytest.raises(Refusal) as caught:
        judged(source)
    assert caught.value.code == code


def test_ranks_need_no_order_of_their_own() -> None:
    """Rule 13: what the order leaves equal is equal to a rank; and groups make rows that tell themselves apart."""
    joined = Join(ODDS, NOTES, JoinKind.INNER, unit=False, condition=None)
    assert judged(Window(joined, (window(WindowFunction.RANK),))).source.rows == 500
    grouped = Group(joined, (Output("k1", Ref("c9")),), ())
    assert judged(Window(grouped, (window(WindowFunction.ROW_NUMBER),))).source.rows == 10


def test_a_measure_counts_the_work_of_windows() -> None:
    plain, more = judged(VISITS), judged(Window(VISITS, (window(WindowFunction.RANK, order=BY_DAY),)))
    assert more.work > plain.work


def test_names_are_distinct() -> None:
    with pytest.raises(Refusal):
        judged(Group(VISITS, (Output("c11", Ref("c12")),), ()))
    assert isinstance(plan(VISITS, aggregates=(COUNT,)).measures[0], Measure)
