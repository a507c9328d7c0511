"""Many releases of the same totals, noise and intervals without data or an engine: how often intervals cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.nodes import Aggregate, Call, Expression, Fold, Group, Literal, Output, Ref, Released, Scalar, Type
from sandbox.plan.origins import Exact, Made, Members, Membership, Rows, cell
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
from sandbox.privacy.statistics import Statistic, nearest
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, SUM_X, checked, key, number

DELTA = Fraction(1, 10**6)
UNITS, ROWS, COUNTED = 900, 1500, 1400
VALUES = (10, 50)
"""Of x, where it is not NULL: each half of the time."""
MEAN, DEVIATION = 30, 20
N, X, U, S, A, D = (cell("_m1", f"a{i}") for i in range(1, 7))
STDDEV_X = Aggregate("a6", AggregateFunction.STDDEV_POP, Ref("x"), None)
EVERYTHING = (COUNT_ROWS, COUNT_X, COUNT_UNITS, SUM_X, AVG_X, STDDEV_X)
GROUPS = 4
"""Of a release that is aggregated again."""


def drawn(
    notion: Notion,
    spend: Spend,
    runs: int,
    *,
    bounds: Bounds | ClipAt | None = None,
    aggregates: Sequence[Aggregate] = EVERYTHING,
) -> Noisy:
    """So many releases of one group's totals, one per key."""
    cells = key(list(range(runs)), per_unit=True)
    relation = checked(aggregates, rows=4, keys=[cells], x=number(0, 100))
    bounded = bound_by(relation, bounds, None, 10**6, norm_of(notion), minimum=1)
    (one,) = price([bounded], spend, notion, DELTA).measures
    totals = {each.name: _exact(one.bounded, each) for each in one.bounded.statistics}
    keys: tuple[tuple[Scalar, ...], ...] = tuple((index,) for index in range(runs))
    exact = Totals(keys, {name: (total,) * runs for name, total in totals.items()})
    return Noisy(one, release(one, measure(one.measurements, exact, [])))


def _exact(bounded: BoundedMeasure, statistic: Statistic) -> int:
    return bounded.fine(statistic.name) * _steps(statistic)


def _steps(statistic: Statistic) -> int:
    """The total of a statistic, in grid steps."""
    match statistic.kind:
        case "units":
            return UNITS
        case "rows":
            return ROWS if statistic.argument is None and statistic.filter is None else COUNTED
    if not statistic.factors:
        return COUNTED * (MEAN - statistic.centre)
    one, other = statistic.factors
    size = statistic.granularity / (one.granularity * other.granularity)
    products = [(value - one.centre) * (value - other.centre) for value in VALUES]
    return sum(COUNTED // 2 * (nearest(each, int(size)) - statistic.centre) for each in products)


def call(name: str, *arguments: Expression | int | str) -> Call:
    """A call; numbers stand for literals, INTEGER or DOUBLE."""
    return Call(name, tuple(_literal(each) if isinstance(each, int | str) else each for each in arguments))


def _literal(value: int | str) -> Literal:
    return Literal(Type.INTEGER, value) if isinstance(value, int) else Literal(Type.DOUBLE, Fraction(value))


def intervals(expression: Expression, found: Noisy, rows: Sequence[int | None] | None = None) -> list[Interval | None]:
    """Of an expression over the cells of each release, or of these."""
    chosen = range(len(found.released.rows)) if rows is None else rows
    made = Made({}, {"_m1": Rows("m1")}, {"_m1": 0})
    return _intervals(Cells({"m1": found}, {}, 10**9), expression, made, [(row,) for row in chosen])


def folded(
    function: FoldFunction,
    argument: Expression | None,
    found: Noisy,
    *,
    condition: Expression | None = None,
    chosen: Expression | None = None,
) -> list[Interval | None]:
    """Of a fold over every `GROUPS` releases, of those that meet the condition, where noise chose what is there."""
    node = Group(Released("m1"), (Output("g", Ref("k1")),), (Fold("f", function, argument, condition, None, ()),))
    runs = len(found.released.rows) // GROUPS
    markers = {"_m1": Rows("m1")}
    below = Made({} if argument is None else {"f": argument}, markers, {"_m1": 1})
    argued = frozenset() if argument is None else frozenset({"f"})
    conditions = {} if condition is None else {"f": condition}
    membership = Membership(below, conditions, () if chosen is None else (chosen,), argued, {"f": (0,)})
    rows = [(row // GROUPS, row) for row in range(runs * GROUPS)]
    type_ = Type.DOUBLE if function is FoldFunction.AVG else Type.INTEGER
    made = Made({}, {"_f": Members(node, "f", type_, ("_g",), None), "_g": Exact(Type.INTEGER)}, {"_g": 0})
    cells = Cells({"m1": found}, {node: (membership, rows)}, 10**9)
    return _intervals(cells, Ref("_f"), made, [(run,) for run in range(runs)])


def _intervals(
    cells: Cells, expression: Expression, made: Made, rows: Sequence[tuple[Scalar, ...]]
) -> list[Interval | None]:
    forms = [cells.form(expression, made, row) for row in rows]
    return [None if form is None else cells.propagation.interval(form) for form in forms]


def released(name: str) -> Callable[[Noisy], list[Interval | None]]:
    """An aggregate as it is."""
    return lambda found: [found.interval(row, name) for row in range(len(found.released.rows))]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cell, as releases show it."""

    intervals: Callable[[Noisy], list[Interval | None]]
    truth: float
    aggregates: Sequence[Aggregate]
    bounds: Bounds | ClipAt | None = None
    groups: int = 1
    """Releases that one cell is made of."""
    tight: bool = True
    """Whether the interval is as narrow as the noise allows."""

    def run(self, notion: Notion, spend: Spend, runs: int) -> list[Interval | None]:
        """The intervals of so many cells."""
        found = drawn(notion, spend, runs * self.groups, bounds=self.bounds, aggregates=self.aggregates)
        return self.intervals(found)


CLIP = ClipAt(Fraction(3, 2))
KINDS: Mapping[str, Kind] = {
    "count": Kind(released("a1"), ROWS, [COUNT_ROWS]),
    "sum": Kind(released("a4"), COUNTED * MEAN, [SUM_X]),
    "avg": Kind(released("a5"), MEAN, [AVG_X]),
    "ratio": Kind(lambda found: intervals(call("divide", X, N), found), COUNTED / ROWS, [COUNT_ROWS, COUNT_X]),
    "stddev": Kind(released("a6"), DEVIATION, [STDDEV_X]),
    "arithmetic": Kind(
        lambda found: intervals(call("subtract", call("multiply", 3, X), N), found),
        3 * COUNTED - ROWS,
        [COUNT_ROWS, COUNT_X],
    ),
    "product": Kind(
        lambda found: intervals(call("multiply", A, call("cast_double", N)), found), MEAN * ROWS, [COUNT_ROWS, AVG_X]
    ),
    "function": Kind(lambda found: intervals(call("sqrt", call("cast_double", U)), found), sqrt(UNITS), [COUNT_UNITS]),
    "sum over releases": Kind(
        lambda found: folded(FoldFunction.SUM, N, found), GROUPS * ROWS, [COUNT_ROWS], groups=GROUPS
    ),
    "average of averages": Kind(lambda found: folded(FoldFunction.AVG, A, found), MEAN, [AVG_X], groups=GROUPS),
    "largest of releases": Kind(
        lambda found: folded(FoldFunction.MAX, N, found), ROWS, [COUNT_ROWS], groups=GROUPS, tight=False
    ),
    "clipped count": Kind(released("a1"), ROWS, [COUNT_ROWS], CLIP),
    "clipped sum": Kind(released("a4"), COUNTED * MEAN, [SUM_X], CLIP),
    "clipped avg": Kind(released("a5"), MEAN, [AVG_X], CLIP),
}
"""Every kind of cell whose coverage is measured."""
