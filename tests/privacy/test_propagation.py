"""Intervals of what the public part computes: coverage of at least 95 %, no needless width, none but honest ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import exp, isfinite, sqrt

import pytest

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.nodes import Call, Expression, Literal, Scalar, Type
from sandbox.plan.origins import Made, Rows, cell
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import price
from sandbox.privacy.cells import Cells
from sandbox.privacy.clip import ClipAt, norm_of
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.forms import Noisy
from sandbox.privacy.intervals import Interval, release
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import measure
from tests.privacy.test_intervals import DELTA, NEEDED, RUNS, SPENDS
from tests.support.coverage import covered
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, SUM_X, checked, key, number
from tests.support.released_noise import drawn, folded

UNITS, ROWS, COUNTED, MEAN = 900, 1500, 1400, 30
N, X, U, S, A = (cell("_m1", f"a{i}") for i in range(1, 6))
KEY = cell("_m1", "k1")
TRUE = {N: ROWS, X: COUNTED, U: UNITS, S: COUNTED * MEAN, A: MEAN}


def call(name: str, *arguments: Expression | int | str) -> Call:
    """A call; numbers stand for literals, INTEGER or DOUBLE."""
    return Call(name, tuple(_literal(each) if isinstance(each, int | str) else each for each in arguments))


def _literal(value: int | str) -> Literal:
    return Literal(Type.INTEGER, value) if isinstance(value, int) else Literal(Type.DOUBLE, Fraction(value))


def double(one: Expression) -> Call:
    return call("cast_double", one)


EXPRESSIONS: dict[str, tuple[Expression, float]] = {
    "a sum": (call("add", N, U), ROWS + UNITS),
    "a difference, weighted": (call("subtract", call("multiply", 3, X), N), 3 * COUNTED - ROWS),
    "a total and a count that share": (call("add", S, call("multiply", 7, X)), COUNTED * (MEAN + 7)),
    "a multiple": (call("divide", N, 12), ROWS / 12),
    "a ratio": (call("divide", X, N), COUNTED / ROWS),
    "a share of a sum, in percent": (
        call("multiply", "100", call("divide", double(X), call("nullif", call("add", X, U), 0))),
        100 * COUNTED / (COUNTED + UNITS),
    ),
    "a ratio of what shares noise": (call("divide", S, X), MEAN),
    "a rounded ratio": (
        call("round", call("multiply", call("divide", S, U), "10"), 0),
        round(10 * COUNTED * MEAN / UNITS),
    ),
    "a function of a count": (call("sqrt", double(U)), sqrt(UNITS)),
    "an average, scaled": (call("add", call("multiply", A, "2"), "1"), 2 * MEAN + 1),
    "an average times a count": (call("multiply", A, double(N)), MEAN * ROWS),
    "a product of counts": (call("multiply", N, U), ROWS * UNITS),
    "a choice that is clear": (
        call("case", call("greater", N, 500), double(U), "0"),
        UNITS,
    ),
    "a choice that is not": (call("case", call("greater", N, ROWS), N, U), UNITS),
    "the larger": (call("greatest", X, N), ROWS),
    "an exponential": (call("exp", call("divide", N, "-1500")), exp(-1)),
}
"""Over counts, units, a sum and an average of one group: the expression and its true value."""


def noisy(notion: Notion, spend: Spend, *, bounds: Bounds | ClipAt | None = None) -> Noisy:
    """`RUNS` releases of the same totals: one per key."""
    cells = key(list(range(RUNS)), per_unit=True)
    aggregates = [COUNT_ROWS, COUNT_X, COUNT_UNITS, SUM_X, AVG_X]
    relation = checked(aggregates, rows=4, keys=[cells], x=number(0, 100))
    bounded = bound_by(relation, bounds, None, 10**6, norm_of(notion), minimum=1)
    assert bool(bounded.clips) is isinstance(bounds, ClipAt)
    (one,) = price([bounded], spend, notion, DELTA).measures
    exact = {each.name: _exact(one.bounded, each.name) for each in one.bounded.statistics}
    keys: tuple[tuple[Scalar, ...], ...] = tuple((index,) for index in range(RUNS))
    totals = Totals(keys, {name: (total,) * RUNS for name, total in exact.items()})
    return Noisy(one, release(one, measure(one.measurements, totals, [])))


def _exact(bounded: BoundedMeasure, name: str) -> int:
    statistic = bounded.statistic(name)
    counted = ROWS if statistic.argument is None else COUNTED
    return (
        bounded.fine(name)
        * {
            "units": UNITS,
            "rows": counted,
            "sum": COUNTED * (MEAN - statistic.centre),
            "scaled_sum": COUNTED * (MEAN - statistic.centre),
        }[statistic.kind]
    )


def intervals(expression: Expression, found: Noisy, rows: Sequence[int | None] = range(RUNS)) -> list[Interval | None]:
    cells = Cells({"m1": found}, {}, 10**6)
    made = Made({}, {"_m1": Rows("m1")}, {"_m1": 0})
    forms = [cells.form(expression, made, (row,)) for row in rows]
    return [None if form is None else cells.propagation.interval(form) for form in forms]


@pytest.fixture(scope="module", params=list(SPENDS.values()), ids=list(SPENDS))
def found(request: pytest.FixtureRequest) -> Noisy:
    return noisy(*request.param)


@pytest.mark.parametrize(("expression", "truth"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_intervals_cover(found: Noisy, expression: Expression, truth: float) -> None:
    """Rule 29."""
    said = intervals(expression, found)
    hits = covered(said, truth)
    assert hits >= NEEDED, f"{hits} of {RUNS}"
    assert sum(each is not None for each in said) > RUNS // 2


@pytest.mark.parametrize("bounds", [Bounds(1, 2), ClipAt(Fraction(3, 2))], ids=["folded", "clipped"])
@pytest.mark.parametrize("terms", [SPENDS["zcdp"], SPENDS["pure"]], ids=["zcdp", "pure"])
def test_intervals_cover_when_cut(terms: tuple[Notion, Spend], bounds: Bounds | ClipAt) -> None:
    folded = noisy(*terms, bounds=bounds)
    for expression, truth in EXPRESSIONS.values():
        assert covered(intervals(expression, folded), truth) >= NEEDED


def half(each: Interval | None) -> float:
    assert each is not None
    return (each.high - each.low) / 2


WIDTHS: dict[str, tuple[Expression, Callable[[dict[str, float]], float]]] = {
    "a sum": (EXPRESSIONS["a sum"][0], lambda s: sqrt(s["n"] ** 2 + s["u"] ** 2)),
    "a difference": (EXPRESSIONS["a difference, weighted"][0], lambda s: sqrt(9 * s["x"] ** 2 + s["n"] ** 2)),
    "a shared total": (
        EXPRESSIONS["a total and a count that share"][0],
        lambda s: sqrt(s["s"] ** 2 + ((s["centre"] + 7) * s["x"]) ** 2),
    ),
    "a ratio": (
        EXPRESSIONS["a ratio"][0],
        lambda s: sqrt(s["x"] ** 2 + (COUNTED / ROWS * s["n"]) ** 2) / ROWS,
    ),
    "a ratio of what shares noise": (
        EXPRESSIONS["a ratio of what shares noise"][0],
        lambda s: sqrt(s["s"] ** 2 + ((s["centre"] - MEAN) * s["x"]) ** 2) / COUNTED,
    ),
}
"""Per expression its standard error, to first order in the noise."""


@pytest.mark.parametrize(("expression", "error"), WIDTHS.values(), ids=WIDTHS)
def test_intervals_are_not_wide(expression: Expression, error: Callable[[dict[str, float]], float]) -> None:
    """At most 1.1 of nominal, where noise is large beside a step and small beside the totals."""
    calm = noisy(Notion.ZCDP, Spend(None, Fraction(1, 20)))
    scale = {step.statistic: step.scale for step in calm.priced.measurements}
    kinds = {}
    for each in calm.priced.bounded.statistics:
        kinds[{"units": "u", "sum": "s"}.get(each.kind, "n" if each.argument is None else "x")] = scale[each.name]
        if each.kind == "sum":
            kinds["centre"] = float(each.centre)
    said = sorted(half(each) for each in intervals(expression, calm))
    nominal = 1.96 * error(kinds)
    assert 0.95 * nominal <= said[RUNS // 2] <= 1.1 * nominal


def test_what_cannot_be_said_has_none() -> None:
    loud = noisy(Notion.ZCDP, Spend(None, Fraction(1, 10**7)))
    for expression in (call("divide", S, N), call("ln", double(call("subtract", N, U))), call("divide", 1, U)):
        said = intervals(expression, loud)
        assert any(each is None for each in said)
        assert all(each is None or (isfinite(each.low) and isfinite(each.high)) for each in said)


def test_a_group_key_is_exact_and_no_noise_cancels_by_chance() -> None:
    found = noisy(*SPENDS["zcdp"])
    scaled = intervals(call("add", call("subtract", N, N), KEY), found)
    assert [(each.low, each.high) for each in scaled[:3] if each is not None] == [(0, 0), (1, 1), (2, 2)]


def test_a_missing_row_has_none_and_counts_as_null() -> None:
    found = noisy(*SPENDS["zcdp"])
    for expression in (N, call("add", N, 1), A, call("divide", N, U), call("multiply", N, KEY)):
        assert intervals(expression, found, [None]) == [None]
    (there, missing) = intervals(call("coalesce", N, 0), found, [3, None])
    assert there == intervals(N, found, [3])[0] != missing
    assert missing == Interval(0.0, 0.0)


def test_noise_that_two_releases_share_is_not_taken_to_cancel() -> None:
    """What was made of one earlier release twice: its noise may be added up, or be gone."""
    found = noisy(*SPENDS["zcdp"])
    other = replace(found, released=replace(found.released, measure="m2"))
    shared = {name: ("earlier", name) for name in found.priced.steps}
    made = Made({}, {"_m1": Rows("m1"), "_m2": Rows("m2")}, {"_m1": 0, "_m2": 1})
    widths = list[float]()
    for families in ({}, shared):
        sides = {"m1": replace(found, families=families), "m2": replace(other, families=families)}
        cells = Cells(sides, {}, 10**6)
        for name in ("add", "divide"):
            form = cells.form(call(name, N, cell("_m2", "a1")), made, (3, 3))
            assert form is not None
            widths.append(half(cells.propagation.interval(form)))
    alone = half(found.interval(3, "a1"))
    assert 1.3 * alone < widths[0] < 1.5 * alone
    assert widths[2] >= 2 * alone
    assert widths[3] >= widths[1]


def exactly(*counts: int) -> Noisy:
    """A release of these counts as they are, with the noise that would have been in them."""
    found = drawn(Notion.ZCDP, Spend(None, Fraction(1, 50)), len(counts), aggregates=[COUNT_ROWS])
    bounded = found.priced.bounded
    keys: tuple[tuple[Scalar, ...], ...] = tuple((place,) for place in range(len(counts)))
    return Noisy(found.priced, release(found.priced, Totals(keys, {bounded.statistics[0].name: counts})))


def test_rows_that_noise_may_have_chosen_leave_none() -> None:
    """What is made of chosen rows has an interval only where each is clear of the choice; how many there are, never."""
    far, near = exactly(500, 900, 700, 800), exactly(500, 900, 700, 220)
    above = call("greater", N, 200)
    assert folded(FoldFunction.SUM, N, far, chosen=above) == folded(FoldFunction.SUM, N, far) != [None]
    assert folded(FoldFunction.SUM, N, near, chosen=above) == [None]
    assert folded(FoldFunction.ROWS, None, far, chosen=above) == [None]


def test_a_noisy_condition_counts_what_is_sure_and_what_may_be() -> None:
    near = exactly(500, 900, 210, 80)
    above = call("greater", N, 200)
    assert folded(FoldFunction.ROWS, None, near, condition=above) == [Interval(2.0, 3.0)]
    assert folded(FoldFunction.SUM, N, near, condition=above) == [None]
    (sum_,) = folded(FoldFunction.SUM, N, exactly(500, 900, 700, 80), condition=above)
    assert sum_ is not None
    assert sum_.low < 2100 < sum_.high


def test_the_largest_is_one_of_them() -> None:
    """Below, all intervals hold at once; above, that of the largest does."""
    alone = half(exactly(900).interval(0, "a1"))
    (largest,) = folded(FoldFunction.MAX, N, exactly(500, 900, 700, 80))
    (least,) = folded(FoldFunction.MIN, N, exactly(500, 900, 700, 480))
    assert largest is not None
    assert least is not None
    assert largest.high == pytest.approx(900 + alone, abs=1)
    assert 1.1 * alone < 900 - largest.low < 1.5 * alone
    assert least.low == pytest.approx(480 - alone, abs=1)
    assert 1.1 * alone < least.high - 480 < 1.5 * alone
