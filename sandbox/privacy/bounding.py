"""From a checked measure to a bounded one: which integer statistics the engine computes, and what one unit can add.

Pure: card, request and plan in, bounded plan out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from policies.cards import Bounds
from sandbox.errors import Fault, Refusal
from sandbox.plan.checked import CheckedAggregate, CheckedMeasure
from sandbox.plan.limits import ANSWER_ROWS, KEY_BYTES
from sandbox.plan.nodes import AggregateFunction, Expression, Ref, Type
from sandbox.plan.relations import HIDDEN_BYTES, width
from sandbox.plan.values import Values

GRID_STEPS = 2**30
"""Where no granularity is known, a range is cut into at least this many grid steps (design §3, division)."""

CAPACITY = 2**62
"""No total that reaches OpenDP's 64-bit integers may be this large (rule 27)."""

INTERMEDIATE = 2**126
"""No value in grid steps may be this large before it is centred: the engine's integers have 128 bits (rule 27)."""

FINEST = Fraction(1, 2**999)
"""No grid that is chosen here is finer."""

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
    SUM = "sum"
    """Σ of clamped grid values (rule 16); each unit's partial sum clipped to its bound when folding."""
    SCALED_SUM = "scaled_sum"
    """As SUM, each unit's partial sum S of n counted rows scaled to trunc(S·r/n) when n > r (rule 17)."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One integer total per group key.

    Per row of SUM kinds: v = clamp(round(argument / granularity) − centre, low, high), all in grid steps; NULL and
    non-finite arguments add 0 and are not counted.
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
    """Greatest value of a row after centring; 1 for counts."""

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


@dataclass(frozen=True, slots=True)
class BoundedMeasure:
    """A checked measure with its contribution bounds, ready to be rendered and priced."""

    checked: CheckedMeasure
    bounds: Bounds
    """g and r that hold for every unit after bounding."""
    fold: bool
    """Whether the engine must fold per (unit, group keys) and cut to `bounds`; else the structure guarantees them."""
    statistics: tuple[Statistic, ...]
    """Distinct; shared by aggregates that need the same total."""
    estimates: tuple[Estimate, ...]
    """One per aggregate, in order."""
    existence: str | None
    """With private keys: the UNITS statistic without filter that decides which keys are released (rule 23)."""
    minimum: int
    """Private keys with fewer units never leave the engine (rule 24), so that the declared units can make no more keys
    than are looked at: how many there are does not decide whether an answer leaves (rule 2). Else 1."""

    def statistic(self, name: str) -> Statistic:
        """The statistic of that name."""
        return next(statistic for statistic in self.statistics if statistic.name == name)


def bound(checked: CheckedMeasure, requested: Bounds | None, default: Bounds | None, max_units: int) -> BoundedMeasure:
    """The measure bounded as the request asks, else as the card says, never looser than what its structure allows.

    Postcondition: no total over all group keys of any statistic reaches `CAPACITY` with `max_units` units; every number
    that is made of a grid, a total and their noise is a finite real one.
    Refuses: `plan.overflow` where no grid is coarse enough, `plan.too_large` where declared sizes allow more private
    keys than an engine can hold. Source: rules 2, 16–20, 23, 24, 27.
    """
    structure = _structure(checked)
    asked = requested or default or structure
    bounds = Bounds(min(structure.groups, asked.groups), min(structure.rows, asked.rows))
    fold = bounds != structure
    room = max_units * min(checked.source.rows, bounds.groups * bounds.rows)
    draft = _Draft(checked.measure.name, fold=fold, room=(CAPACITY - 1) // room)
    if draft.room < 1:
        raise Refusal("plan.overflow", {"aggregate": AggregateFunction.ROWS}, subject=checked.measure.name)
    existence = draft.add(_units(None)).name if checked.key_set.cells is None else None
    if existence is not None and max_units * bounds.groups * _key_bytes(checked) > KEY_BYTES:
        raise Refusal(
            "plan.too_large", {"what": "bytes of group keys", "limit": str(KEY_BYTES)}, subject=checked.measure.name
        )
    estimates = {each.aggregate.name: draft.estimate(each) for each in _sums_last(checked.aggregates)}
    return BoundedMeasure(
        checked=checked,
        bounds=bounds,
        fold=fold,
        statistics=tuple(draft.statistics),
        estimates=tuple(estimates[each.aggregate.name] for each in checked.aggregates),
        existence=existence,
        minimum=1 if existence is None else ceil(Fraction(max_units * bounds.groups, ANSWER_ROWS)),
    )


def _key_bytes(checked: CheckedMeasure) -> int:
    """The most that one group takes while the engine counts, by the types of its keys."""
    return HIDDEN_BYTES + sum(width(key.values) for key in checked.keys)


def _structure(checked: CheckedMeasure) -> Bounds:
    """The tightest (g, r) that every unit obeys without any cut, from declared facts alone."""
    rows = checked.source.rows
    named = {output.expression.name for output in checked.measure.keys if isinstance(output.expression, Ref)}
    fixed = {
        name
        for name, values in checked.source.values.items()
        if not values.nullable and (name in named or values.per_unit)
    }
    one_row = any(columns <= fixed for columns in checked.source.unit_keys)
    return Bounds(groups=min(rows, _groups(checked)), rows=1 if one_row else rows)


def _groups(checked: CheckedMeasure) -> int:
    """Group keys that one unit can touch: parts determined by the unit count 1 (rule 20)."""
    varying = [index for index, key in enumerate(checked.keys) if not key.values.per_unit]
    if not varying:
        return 1
    if checked.key_set.cells is None:
        return checked.source.rows
    return max(1, len({tuple(cell[index] for index in varying) for cell in checked.key_set.cells}))


def _sums_last(aggregates: Sequence[CheckedAggregate]) -> list[CheckedAggregate]:
    """Counts and averages first, so that a sum finds the totals it can share."""
    return sorted(aggregates, key=lambda each: each.aggregate.function is AggregateFunction.SUM)


class _Draft:
    """Statistics collected so far: equal ones are one."""

    def __init__(self, measure: str, *, fold: bool, room: int) -> None:
        self.measure = measure
        self.fold = fold
        self.room = room
        """The most that one row may add without a total ever reaching `CAPACITY`."""
        self.statistics: list[Statistic] = []

    def estimate(self, checked: CheckedAggregate) -> Estimate:
        """How the aggregate is computed; adds the statistics it needs."""
        aggregate = checked.aggregate
        match aggregate.function:
            case AggregateFunction.UNITS:
                return Estimate(aggregate.name, self.add(_units(aggregate.filter)).name, None, None, Type.INTEGER)
            case AggregateFunction.ROWS:
                return Estimate(aggregate.name, self.add(_rows(checked)).name, None, None, Type.INTEGER)
            case AggregateFunction.AVG:
                divisor = self.add(_rows(checked))
                total = self.add(_sum(checked, self.room, centred=True, scaled=self.fold))
                return Estimate(aggregate.name, total.name, divisor.name, None, Type.DOUBLE)
            case AggregateFunction.SUM:
                own = _sum(checked, self.room, centred=False, scaled=False)
                centred = _sum(checked, self.room, centred=True, scaled=False)
                rows = self._find(_rows(checked))
                shared = rows is not None and not self.fold and own.granularity == centred.granularity
                total = self.add(centred if shared else own)
                weight = rows.name if rows is not None and shared else None
                return Estimate(aggregate.name, total.name, None, weight, _type(checked, total))

    def add(self, statistic: Statistic) -> Statistic:
        """The statistic under its name, which an equal one may already have."""
        found = self._find(statistic)
        if found is None:
            found = replace(statistic, name=f"{self.measure}s{len(self.statistics) + 1}")
            self.statistics.append(found)
        return found

    def _find(self, statistic: Statistic) -> Statistic | None:
        return next((each for each in self.statistics if replace(each, name=statistic.name) == statistic), None)


def _units(condition: Expression | None) -> Statistic:
    return Statistic("", StatisticKind.UNITS, None, condition, Fraction(1), 0, 0, 1)


def _rows(checked: CheckedAggregate) -> Statistic:
    """The rows an aggregate counts; an argument that cannot be NULL is none, so that COUNT(x) and COUNT(*) are one."""
    argument = None if _never_null(checked.values) else checked.aggregate.argument
    return Statistic("", StatisticKind.ROWS, argument, checked.aggregate.filter, Fraction(1), 0, 0, 1)


def _never_null(values: Values | None) -> bool:
    if values is None or values.nullable or values.type in {Type.UNIT, Type.PRESENCE}:
        return False
    return values.type is not Type.DOUBLE or (values.lo is not None and values.hi is not None)


def _sum(checked: CheckedAggregate, room: int, *, centred: bool, scaled: bool) -> Statistic:
    """The sum on the finest grid, from the declared one up, on which no total reaches `CAPACITY`.

    Refuses: `plan.overflow` where no value is on such a grid, or where numbers are too large to be real ones.
    """
    lo, hi, granularity = _grid(checked)
    while True:
        low, high = ceil(lo / granularity), floor(hi / granularity)
        centre = (low + high) // 2 if centred else 0
        low, high = low - centre, high - centre
        if low > high:
            raise _overflow(checked)
        ends = max(abs(low + centre), abs(high + centre))
        if max(abs(low), abs(high)) <= room and ends < INTERMEDIATE:
            break
        granularity *= 2
    if not _scales(lo, hi, granularity) or max(abs(lo), abs(hi), granularity) >= REAL:
        raise _overflow(checked)
    kind = StatisticKind.SCALED_SUM if scaled else StatisticKind.SUM
    aggregate = checked.aggregate
    return Statistic("", kind, aggregate.argument, aggregate.filter, granularity, centre, low, high)


def _overflow(checked: CheckedAggregate) -> Refusal:
    return Refusal("plan.overflow", {"aggregate": checked.aggregate.function}, subject=checked.aggregate.name)


def _scales(lo: Fraction, hi: Fraction, granularity: Fraction) -> bool:
    """Whether values of the range, brought to the grid by two real numbers, stay real on the way."""
    return granularity.denominator * max(abs(lo), abs(hi), Fraction(1)) < SCALING


def _grid(checked: CheckedAggregate) -> tuple[Fraction, Fraction, Fraction]:
    """Range and granularity of a row: the declared grid, else a power of two (exact in floats) below range × 2⁻³⁰.

    A declared grid that the engine's real numbers cannot scale to counts as none.
    """
    values = checked.values
    if values is None or not isinstance(values.lo, int | Fraction) or not isinstance(values.hi, int | Fraction):
        raise Fault(f"the range of {checked.aggregate.name} is unknown after check")
    lo, hi = Fraction(values.lo), Fraction(values.hi)
    declared = Fraction(1) if values.type is Type.INTEGER else values.granularity
    if declared is not None and ceil(lo / declared) <= floor(hi / declared) and _scales(lo, hi, declared):
        return lo, hi, declared
    if lo == hi:
        return lo, hi, abs(lo) or Fraction(1)
    fine = (hi - lo) / GRID_STEPS
    exponent = fine.numerator.bit_length() - fine.denominator.bit_length() - 1
    return lo, hi, max(Fraction(2) ** exponent, FINEST)


def _type(checked: CheckedAggregate, total: Statistic) -> Type:
    """INTEGER sums of INTEGER values, unless their grid had to be coarsened."""
    whole = checked.values is not None and checked.values.type is Type.INTEGER and total.granularity == 1
    return Type.INTEGER if whole else Type.DOUBLE
