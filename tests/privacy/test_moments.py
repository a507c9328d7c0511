"""Variances, covariances and what follows: exact at a huge spend, covered at any other (rules 17, 27, 29)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import sqrt
from statistics import fmean

import pytest

from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.nodes import Aggregate, Literal, Ref, Scalar, Type
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.calibrate import PricedMeasure, price
from sandbox.privacy.clip import ClipAt, Norm
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.intervals import Interval, ReleasedMeasure, release
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import measure
from sandbox.privacy.moments import moment
from sandbox.privacy.sensitivity import sensitivity
from sandbox.privacy.statistics import CAPACITY, INTERMEDIATE, SQUARED, Moments
from tests.support.measures import AVG_X, COUNT_ROWS, SUM_X, checked, key, number
from tests.support.reference import Row, contributions, totals

DELTA = Fraction(1, 10**6)
RUNS = 2_000
NEEDED = 1837
"""Of `RUNS` intervals that each cover with 95 %, so many do but with probability 1e-9; see `test_intervals.py`."""
PAIRED = [each for each in AggregateFunction if each.startswith(("covar", "corr", "regr"))]
SINGLE = [each for each in AggregateFunction if each.startswith(("var", "stddev"))]
POINTS = [(x, (3 * x + 7 * (x % 5) + 11) % 101) for x in range(0, 101, 4)] + [(40, 40), (60, 61), (20, 22)] * 9
"""Pairs (x, y)."""


def asked(functions: Sequence[AggregateFunction]) -> list[Aggregate]:
    """One aggregate of each function, of x alone or of the pair (x, y) ."""
    return [
        Aggregate(f"a{index}", each, Ref("y" if each in PAIRED else "x"), None, Ref("x") if each in PAIRED else None)
        for index, each in enumerate(functions, 1)
    ]


def priced(functions: Sequence[AggregateFunction], notion: Notion, spend: Spend) -> PricedMeasure:
    """A measure of x and y."""
    cells = key(list(range(RUNS)), per_unit=True)
    y = number(0, 100, nullable=False)
    relation = checked(asked(functions), rows=1, keys=[cells], x=number(0, 100, nullable=False), y=y)
    (one,) = price([bound(relation, None, None, 10**6)], spend, notion, DELTA).measures
    return one


def exact(bounded: BoundedMeasure, copies: int) -> dict[str, int]:
    """The totals of one group."""
    rows = [Row(unit, {"y": y, "x": x, "k": 0}) for unit, (x, y) in enumerate(POINTS)]
    found = {each.name: 0 for each in bounded.statistics}
    for row in rows:
        for each in bounded.statistics:
            values = [row.values[one.argument.name] for one in each.factors if isinstance(one.argument, Ref)]
            if each.factors:
                product = 1
                for value, one in zip(values, each.factors, strict=True):
                    assert isinstance(value, int)
                    product *= value - one.centre
                found[each.name] += product - each.centre
            elif isinstance(each.argument, Ref) and each.kind == "sum":
                value = row.values[each.argument.name]
                assert isinstance(value, int)
                found[each.name] += value - each.centre
            else:
                found[each.name] += 1
    return {name: copies * total for name, total in found.items()}


def truths(copies: int) -> Mapping[AggregateFunction, float]:
    """What the functions are of the group, by their definitions."""
    n = copies * len(POINTS)
    xs, ys = [float(x) for x, _ in POINTS], [float(y) for _, y in POINTS]
    mx, my = fmean(xs), fmean(ys)
    vx, vy = fmean((x - mx) ** 2 for x in xs), fmean((y - my) ** 2 for y in ys)
    cov = fmean((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True))
    sample = n / (n - 1)
    of = AggregateFunction
    return {
        of.VAR_POP: vx,
        of.VAR_SAMP: vx * sample,
        of.STDDEV_POP: sqrt(vx),
        of.STDDEV_SAMP: sqrt(vx * sample),
        of.COVAR_POP: cov,
        of.COVAR_SAMP: cov * sample,
        of.CORR: cov / sqrt(vx * vy),
        of.REGR_COUNT: n,
        of.REGR_AVGX: mx,
        of.REGR_AVGY: my,
        of.REGR_SXX: n * vx,
        of.REGR_SYY: n * vy,
        of.REGR_SXY: n * cov,
        of.REGR_SLOPE: cov / vx,
        of.REGR_INTERCEPT: my - cov / vx * mx,
        of.REGR_R2: cov**2 / (vx * vy),
    }


def released(each: PricedMeasure, group: Mapping[str, int]) -> ReleasedMeasure:
    keys: tuple[tuple[Scalar, ...], ...] = tuple((index,) for index in range(RUNS))
    same = Totals(keys, {name: (total,) * RUNS for name, total in group.items()})
    return release(each, measure(each.measurements, same, []))


HUGE = Spend(None, Fraction(10**12))


def test_values_are_exact_where_the_spend_is_huge() -> None:
    functions = SINGLE + PAIRED
    each = priced(functions, Notion.ZCDP, HUGE)
    row = released(each, exact(each.bounded, 1)).rows[0]
    for value, function in zip(row[1:], functions, strict=True):
        assert float(value) == pytest.approx(truths(1)[function], rel=1e-12), function  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("notion", "spend", "copies"),
    [
        (Notion.ZCDP, Spend(None, Fraction(1, 50)), 40),
        (Notion.ZCDP, Spend(None, Fraction(4)), 4),
        (Notion.ZCDP, Spend(None, Fraction(400)), 1),
        (Notion.PURE, Spend(Fraction(1), None), 40),
        (Notion.PURE, Spend(Fraction(40), None), 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("functions", [SINGLE, PAIRED], ids=["single", "paired"])
def test_intervals_cover(notion: Notion, spend: Spend, copies: int, functions: Sequence[AggregateFunction]) -> None:
    """Rule 29, with the power that `test_intervals.py` shows."""
    each = priced(functions, notion, spend)
    answer = released(each, exact(each.bounded, copies))
    for position, function in enumerate(functions):
        intervals = [row[position] for row in answer.intervals]
        hits = sum(covers(one, truths(copies)[function]) for one in intervals)
        assert hits >= NEEDED, f"{function}: {hits} of {RUNS}"


def test_intervals_of_much_noise_are_mostly_there_and_not_wide() -> None:
    """The right noise's intervals do not cover much more than they say: ones shorter by a fifth are found out."""
    each = priced([AggregateFunction.VAR_POP], Notion.ZCDP, Spend(None, Fraction(1, 50)))
    truth = truths(1)[AggregateFunction.VAR_POP]
    answer = released(each, exact(each.bounded, 400))
    found = [row[0] for row in answer.intervals if row[0] is not None]
    assert len(found) == RUNS
    assert sum(covers(one, truth) for one in found) >= NEEDED
    shorter = [(one.low + 0.1 * (one.high - one.low), one.high - 0.1 * (one.high - one.low)) for one in found]
    assert sum(low <= truth <= high for low, high in shorter) < NEEDED


def covers(interval: Interval | None, truth: float) -> bool:
    slack = 1e-9 * (1 + abs(truth))
    return interval is None or interval.low - slack <= truth <= interval.high + slack


def test_few_rows_give_null_and_no_interval() -> None:
    functions = [each for each in SINGLE + PAIRED if not each.startswith(("regr_c", "regr_a"))]
    each = priced(functions, Notion.ZCDP, Spend(None, Fraction(1, 1000)))
    nothing = dict.fromkeys(exact(each.bounded, 1), 0)
    answer = released(each, nothing)
    for row, intervals in zip(answer.rows, answer.intervals, strict=True):
        assert all(one is None for one in intervals)
        for value, function in zip(row[1:], functions, strict=True):
            assert value is None or possible(function, float(value))  # type: ignore[arg-type]
    assert any(None in row for row in answer.rows)


def possible(function: AggregateFunction, value: float) -> bool:
    """Whether values between 0 and 100 can have this."""
    if function is AggregateFunction.CORR:
        return -1 <= value <= 1
    if function is AggregateFunction.REGR_R2:
        return 0 <= value <= 1
    if function.startswith("var"):
        return 0 <= value <= (5000 if function.endswith("samp") else 2500)
    return not function.startswith(("stddev", "regr_sxx", "regr_syy")) or value >= 0


def test_statistics_are_shared() -> None:
    """Item 8: rows and sums once, whichever aggregates need them."""
    one = checked([COUNT_ROWS, SUM_X, AVG_X, *asked(SINGLE)], x=number(0, 100, nullable=False))
    assert [each.kind for each in bound(one, None, None, 10).statistics] == ["rows", "sum", "sum"]
    pairs = checked(asked(PAIRED), x=number(0, 100), y=number(0, 50))
    bounded = bound(pairs, None, None, 10)
    assert len(bounded.statistics) == 6
    assert sum(len(each.factors) == 2 for each in bounded.statistics) == 3


@pytest.mark.parametrize("hi", [10**3, 10**9, 2**61])
@pytest.mark.parametrize("units", [10**3, 10**9])
def test_no_total_of_products_reaches_the_capacity(hi: int, units: int) -> None:
    """Rule 27: what reaches OpenDP is below 2⁶², every product and its rounding below 2¹²⁶."""
    x, y = number(-hi, hi), number(0, hi)
    relation = checked([*asked(SINGLE), *asked(PAIRED)], rows=3, x=x, y=y)
    bounded = bound(relation, None, None, units)
    for statistic in bounded.statistics:
        assert sensitivity(bounded, statistic).l1 * units < CAPACITY
        if statistic.factors:
            one, other = (max(-each.low, each.high) for each in statistic.factors)
            step = statistic.granularity / (statistic.factors[0].granularity * statistic.factors[1].granularity)
            assert 2 * one * other + step < INTERMEDIATE
            assert step.denominator == 1


@pytest.mark.parametrize("hi", [Fraction(SQUARED), Fraction(1, SQUARED)])
def test_products_beyond_real_numbers_are_refused(hi: Fraction) -> None:
    """Rule 27: before the charge."""
    relation = checked(asked(SINGLE), x=number(Fraction(0), hi, kind=Type.DOUBLE, granularity=None))
    with pytest.raises(Refusal) as refused:
        bound(relation, None, None, 10)
    assert refused.value.code == "plan.overflow"


def test_a_filter_and_a_missing_other_leave_a_row_out_of_every_statistic() -> None:
    """A pair counts where both are there: rows, sums and products are over the same rows (rule 17)."""
    aggregate = Aggregate("a1", AggregateFunction.CORR, Ref("y"), Literal(Type.BOOLEAN, value=True), Ref("x"))
    bounded = bound(checked([aggregate], rows=1, x=number(), y=number()), None, None, 10)
    (estimate,) = bounded.estimates
    assert isinstance(estimate, Moments)
    half = [Row("u", {"y": 3, "x": None}), Row("v", {"y": None, "x": 3})]
    assert totals(bounded, half) == {(): (0,) * 6}
    assert totals(bounded, [*half, Row("w", {"y": 7, "x": 3})])[()] != (0,) * 6


def test_a_clip_cuts_a_moment_s_totals_together() -> None:
    """Rules 17 and 19: a frequent unit weighs less, its own variance stays; its totals come on finer grids."""
    relation = checked([*asked(SINGLE[:1])], rows=60, x=number(0, 100, nullable=False))
    bounded = bound_by(relation, ClipAt(Fraction(3)), None, 1000, Norm.L2, 1)
    (clip,) = bounded.clips
    assert set(clip.fine) == {each.name for each in bounded.statistics}
    (found,) = contributions(bounded, [Row("u", {"x": x, "y": 0}) for x in (10, 30) for _ in range(30)]).values()
    vector = dict(zip((each.name for each in bounded.statistics), found[()], strict=True))
    (estimate,) = bounded.estimates
    assert isinstance(estimate, Moments)
    (one,) = price([bounded], HUGE, Notion.ZCDP, DELTA).measures
    assert vector[estimate.rows] < 60 * clip.fine[estimate.rows]
    value = moment(bounded, estimate, one.steps, {name: 1000 * total for name, total in vector.items()}).value
    assert value is not None
    assert abs(float(value) - 100) < 0.1
