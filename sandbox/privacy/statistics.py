"""The integer statistics that aggregates are estimated from, each on a grid on which no total can overflow.

Pure: an aggregate and what is known of its values in, statistics out. How a unit is cut is `bounding.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from sandbox.errors import Fault, Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedAggregate
from sandbox.plan.nodes import Call, Expression, Type
from sandbox.plan.values import Values

GRID_STEPS = 2**30
"""Where no granularity is known, a range is cut into at least this many grid steps (design §3, division)."""

OPEN_STEP = Fraction(1, 2**10)
"""The grid step of real values of which neither granularity nor range is known."""

CAPACITY = 2**62
"""No total that reaches OpenDP's 64-bit integers may be this large (rule 27)."""

INTERMEDIATE = 2**126
"""No value in grid steps may be this large before it is centred: the engine's integers have 128 bits (rule 27)."""

SLIP = Fraction(1, 2**20)
"""Of a grid step: how far the rounding of real numbers can have moved the end of a range off the grid."""

FINEST = Fraction(1, 2**999)
"""No grid that is chosen here is finer."""

SQUARED = 2**200
"""No value, no grid step and no reciprocal of one may be this large where products are taken: products of products are
still real numbers."""

SCALING = 2**1000
"""No grid step's denominator, nor a value times it, may be this large: the engine's real numbers end at 2**1024."""

REAL = 2**900
"""No value of a row, and no grid step, may be this large, so that every total, noise and interval is a real number."""


class StatisticKind(StrEnum):
    """What the engine adds up per group key."""

    ROWS = "rows"
    """Rows of the group that pass the filter and where the argument, if any, is not NULL."""
    UNITS = "units"
    """Units with at least one row in the group that passes the filter."""
    DISTINCT = "distinct"
    """Values of the argument over the rows that ROWS would count: of each unit's at most `high` per group key (rule
    21)."""
    SUM = "sum"
    """Σ of clamped grid values (rule 16); each unit's partial sum clipped to its bound when folding."""
    SCALED_SUM = "scaled_sum"
    """As SUM, each unit's partial sum S of n counted rows scaled to trunc(S·r/n) when n > r (rule 17)."""


@dataclass(frozen=True, slots=True)
class Factor:
    """An argument on a grid of its own: clamp(round(argument / granularity) − centre, low, high)."""

    argument: Expression
    granularity: Fraction
    centre: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Statistic:
    """One integer total per group key.

    Per row of SUM kinds: v = clamp(round(argument / granularity) − centre, low, high), all in grid steps; NULL and
    non-finite arguments add 0 and are not counted. With factors v = round(product of both factors / q) − centre, where
    q = granularity / product of the factors' granularities is a power of two, halves rounded away from zero.
    """

    name: str
    kind: StatisticKind
    argument: Expression | None
    filter: Expression | None
    granularity: Fraction
    """Size of a grid step; 1 for counts."""
    centre: int
    """Grid steps subtracted from each row; 0 for counts and for a SUM of its own."""
    low: int
    """Least value of a row after centring, grid steps; 0 for counts."""
    high: int
    """Greatest value of a row after centring; 1 for counts; of DISTINCT, the values of one unit that count for one
    group key."""
    factors: tuple[Factor, ...] = ()
    """The two whose product a row adds; `argument` is None then."""

    @property
    def magnitude(self) -> int:
        """The most that one row can add, either way; at least 1, so that a constant is measured like anything else."""
        return max(abs(self.low), abs(self.high), 1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """How an aggregate follows from released statistics.

    Count: total. Sum: (total + centre × rows) × granularity, `rows` being 0 where `weight` is None. With a divisor, an
    average: (total / max(divisor, 1) + centre) × granularity, clamped to the range of a row.
    """

    aggregate: str
    statistic: str
    divisor: str | None
    """The ROWS statistic an average divides by."""
    weight: str | None
    """The ROWS statistic that gives a sum back what centring took."""
    type: Type
    """INTEGER or DOUBLE."""

    @property
    def parts(self) -> frozenset[str]:
        """The statistics it follows from."""
        return frozenset(each for each in (self.statistic, self.divisor, self.weight) if each is not None)


@dataclass(frozen=True, slots=True)
class Moments:
    """How a variance, a covariance or what follows from them is computed from released statistics; see `moments.py`."""

    aggregate: str
    function: AggregateFunction
    rows: str
    """The ROWS statistic: rows that count for all others here."""
    sums: Mapping[str, str]
    """Of `y` and `x`, as far as they are needed: the centred sum."""
    products: Mapping[str, str]
    """Of `yy`, `xx` and `xy`: the sum of products of the two centred factors."""
    type: Type = Type.DOUBLE

    @property
    def parts(self) -> frozenset[str]:
        """The statistics it follows from."""
        return frozenset({self.rows, *self.sums.values(), *self.products.values()})


def unit_count(condition: Expression | None) -> Statistic:
    return Statistic("", StatisticKind.UNITS, None, condition, Fraction(1), 0, 0, 1)


def row_count(checked: CheckedAggregate) -> Statistic:
    """The rows an aggregate counts; an argument that cannot be NULL is none, so that COUNT(x) and COUNT(*) are one."""
    argument = None if _never_null(checked.values) else checked.aggregate.argument
    return Statistic("", StatisticKind.ROWS, argument, checked.aggregate.filter, Fraction(1), 0, 0, 1)


def distinct_count(checked: CheckedAggregate, rows: int) -> Statistic:
    """The values of an argument, of each unit's at most `rows` per group key, and no more than it can have: one where
    the unit determines it, else as many as its value set has (rules 20 and 21).
    """
    most, values, aggregate = rows, checked.values, checked.aggregate
    if values is not None and values.members is not None:
        most = min(most, max(1, len(values.members)))
    if values is not None and values.per_unit:
        most = 1
    return Statistic("", StatisticKind.DISTINCT, aggregate.argument, aggregate.filter, Fraction(1), 0, 0, most)


def _never_null(values: Values | None) -> bool:
    if values is None or values.nullable or values.type in {Type.UNIT, Type.PRESENCE}:
        return False
    return values.type is not Type.DOUBLE or (values.lo is not None and values.hi is not None)


def open_sum(checked: CheckedAggregate, room: int) -> Statistic:
    """The sum of values of unknown range: on the declared grid, or `OPEN_STEP`, with all the room that there is to
    either side, but for an end that is known. Never centred, for most values are near 0 beside that; a clip will be
    chosen for it.

    Refuses: `plan.overflow` where numbers are too large to be real ones.
    """
    values, aggregate = checked.values, checked.aggregate
    if values is None:
        raise Fault(f"{aggregate.name} has no argument after check")
    granularity = Fraction(1) if values.type is Type.INTEGER else values.granularity or OPEN_STEP
    low = max(-room, ceil(values.lo / granularity)) if isinstance(values.lo, int | Fraction) else -room
    high = min(room, floor(values.hi / granularity)) if isinstance(values.hi, int | Fraction) else room
    ends = room * granularity
    if low > high or not scales(-ends, ends, granularity) or max(ends, granularity) >= REAL:
        raise _overflow(checked)
    return Statistic("", StatisticKind.SUM, aggregate.argument, aggregate.filter, granularity, 0, low, high)


def grid_sum(checked: CheckedAggregate, room: int, *, centred: bool, scaled: bool) -> Statistic:
    """The sum on the finest grid, from the declared one up, on which no total reaches `CAPACITY`.

    Refuses: `plan.overflow` where no value is on such a grid, or where numbers are too large to be real ones.
    """
    lo, hi, granularity = value_grid(checked)
    while True:
        low, high = _steps(lo / granularity, ceil), _steps(hi / granularity, floor)
        centre = (low + high) // 2 if centred else 0
        low, high = low - centre, high - centre
        if low > high:
            raise _overflow(checked)
        ends = max(abs(low + centre), abs(high + centre))
        if max(abs(low), abs(high)) <= room and ends < INTERMEDIATE:
            break
        granularity *= 2
    if not scales(lo, hi, granularity) or max(abs(lo), abs(hi), granularity) >= REAL:
        raise _overflow(checked)
    kind = StatisticKind.SCALED_SUM if scaled else StatisticKind.SUM
    aggregate = checked.aggregate
    return Statistic("", kind, aggregate.argument, aggregate.filter, granularity, centre, low, high)


def _steps(end: Fraction, inwards: Callable[[Fraction], int]) -> int:
    """The last step of the grid within a range (rule 16); the one that its end is, but for the rounding of the engine's
    real numbers: 2/7 as one of them is below two sevenths.
    """
    whole = round(end)
    return whole if abs(end - whole) <= SLIP else inwards(end)


def _overflow(checked: CheckedAggregate) -> Refusal:
    return Refusal("plan.overflow", {"aggregate": checked.aggregate.function}, subject=checked.aggregate.name)


def scales(lo: Fraction, hi: Fraction, granularity: Fraction) -> bool:
    """Whether values of the range, brought to the grid by two real numbers, stay real on the way."""
    return granularity.denominator * max(abs(lo), abs(hi), Fraction(1)) < SCALING


def value_grid(checked: CheckedAggregate) -> tuple[Fraction, Fraction, Fraction]:
    """Range and granularity of a row: the declared grid, else a power of two (exact in floats) below range × 2⁻³⁰.

    A declared grid that the engine's real numbers cannot scale to counts as none.
    """
    values = checked.values
    if values is None or not isinstance(values.lo, int | Fraction) or not isinstance(values.hi, int | Fraction):
        raise Fault(f"the range of {checked.aggregate.name} is unknown after check")
    lo, hi = Fraction(values.lo), Fraction(values.hi)
    declared = Fraction(1) if values.type is Type.INTEGER else values.granularity
    if declared is not None and ceil(lo / declared) <= floor(hi / declared) and scales(lo, hi, declared):
        return lo, hi, declared
    if lo == hi:
        return lo, hi, abs(lo) or Fraction(1)
    fine = (hi - lo) / GRID_STEPS
    exponent = fine.numerator.bit_length() - fine.denominator.bit_length() - 1
    return lo, hi, max(Fraction(2) ** exponent, FINEST)


def paired(checked: CheckedAggregate) -> tuple[CheckedAggregate, CheckedAggregate]:
    """A function of pairs as one of y and one of x, each over the rows where the other is not NULL."""
    aggregate = checked.aggregate
    if aggregate.argument is None or aggregate.other is None:
        raise Fault(f"{aggregate.name} has no pair after check")
    of_y = replace(aggregate, filter=_with(aggregate.filter, aggregate.other, checked.other))
    there = _with(aggregate.filter, aggregate.argument, checked.values)
    of_x = replace(aggregate, argument=aggregate.other, filter=there)
    return replace(checked, aggregate=of_y), CheckedAggregate(of_x, checked.other)


def pair_count(checked: CheckedAggregate) -> Statistic:
    """The rows where both of a pair are there; the same statistic whichever comes first."""
    aggregate = checked.aggregate
    condition, both = aggregate.filter, [(aggregate.argument, checked.values), (aggregate.other, checked.other)]
    for argument, values in sorted(both, key=lambda each: repr(each[0])):
        condition = condition if argument is None else _with(condition, argument, values)
    return Statistic("", StatisticKind.ROWS, None, condition, Fraction(1), 0, 0, 1)


def _with(condition: Expression | None, argument: Expression, values: Values | None) -> Expression | None:
    """The condition and that the argument is not NULL, where it can be."""
    if _never_null(values):
        return condition
    present = Call("is_not_null", (argument,))
    return present if condition is None else Call("and", (condition, present))


def product(checked: CheckedAggregate, one: Statistic, other: Statistic, room: int) -> Statistic:
    """The sum of products of two centred sums' rows, on the finest grid on which no total reaches `CAPACITY`.

    Refuses: `plan.overflow` where a product of products is no real number. Source: rule 27.
    """
    for each in (one, other):
        sizes = (each.granularity, 1 / each.granularity, (abs(each.centre) + each.magnitude) * each.granularity)
        if max(sizes) >= SQUARED:
            raise _overflow(checked)
    corners = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
    square = one.argument == other.argument
    ends, size = (0 if square else min(corners), max(corners)), 1
    if 2 * max(map(abs, corners)) >= INTERMEDIATE // 2:
        raise _overflow(checked)
    while True:
        low, high = (nearest(end, size) for end in ends)
        centre = (low + high) // 2
        low, high = low - centre, high - centre
        if max(-low, high) <= room:
            break
        size *= 2
    factors = tuple(_factor(each) for each in (one, other))
    granularity = one.granularity * other.granularity * size
    condition = one.filter if square else checked.aggregate.filter
    return Statistic("", one.kind, None, condition, granularity, centre, low, high, factors)


def _factor(statistic: Statistic) -> Factor:
    if statistic.argument is None:
        raise Fault("a factor without an argument")
    return Factor(statistic.argument, statistic.granularity, statistic.centre, statistic.low, statistic.high)


def nearest(value: int, size: int) -> int:
    """The value in steps of this size, halves rounded away from zero."""
    steps = (2 * abs(value) + size) // (2 * size)
    return steps if value >= 0 else -steps
