"""What an aggregate of a measure takes, and what is known of what it releases."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedAggregate
from sandbox.plan.nodes import Aggregate, Type
from sandbox.plan.ranges import magnitude, span
from sandbox.plan.signatures import NUMBERS, VALUES
from sandbox.plan.values import Values

CAPACITY = 2**62
"""No total may reach this (rule 27)."""


STATISTICS: Mapping[AggregateFunction, int] = {
    AggregateFunction.AVG: 2,
    AggregateFunction.VAR_POP: 3,
    AggregateFunction.VAR_SAMP: 3,
    AggregateFunction.STDDEV_POP: 3,
    AggregateFunction.STDDEV_SAMP: 3,
    AggregateFunction.REGR_COUNT: 1,
    AggregateFunction.REGR_AVGX: 2,
    AggregateFunction.REGR_AVGY: 2,
    AggregateFunction.REGR_SXX: 3,
    AggregateFunction.REGR_SYY: 3,
    AggregateFunction.REGR_SXY: 4,
    AggregateFunction.COVAR_POP: 4,
    AggregateFunction.COVAR_SAMP: 4,
    AggregateFunction.REGR_SLOPE: 5,
    AggregateFunction.REGR_INTERCEPT: 5,
    AggregateFunction.CORR: 6,
    AggregateFunction.REGR_R2: 6,
}
"""Totals that an aggregate is estimated from, where more than one; what needs more than two can be NULL."""

OPEN = (AggregateFunction.SUM, AggregateFunction.AVG)
"""What can be of values without a known range, where a clip is chosen for it."""

PAIR_FUNCTIONS = frozenset(each for each in AggregateFunction if each.value.startswith(("covar_", "corr", "regr_")))
"""Aggregates of pairs (y, x)."""

QUANTILES = frozenset({AggregateFunction.QUANTILE_CONT, AggregateFunction.QUANTILE_DISC})
"""Aggregates with a fraction."""

CHOSEN = QUANTILES | {AggregateFunction.MIN, AggregateFunction.MAX}
"""Aggregates that choose a value among those of a public grid."""

FINEST_FRACTION = 10_000
"""A fraction has no greater denominator: it multiplies every rank."""


def released_type(aggregate: Aggregate, values: Values | None) -> Type:
    """The type of an aggregate's released column."""
    match aggregate.function:
        case (
            AggregateFunction.ROWS | AggregateFunction.UNITS | AggregateFunction.DISTINCT | AggregateFunction.REGR_COUNT
        ):
            return Type.INTEGER
        case (
            AggregateFunction.SUM | AggregateFunction.QUANTILE_DISC | AggregateFunction.MIN | AggregateFunction.MAX
        ) if values is not None and values.type is Type.INTEGER:
            return Type.INTEGER
        case _:
            return Type.DOUBLE


def can_be_null(aggregate: Aggregate) -> bool:
    """Whether the released value can be NULL: of what follows from more than a quotient, and of what is chosen for so
    many groups alone."""
    return STATISTICS.get(aggregate.function, 1) > 2 or aggregate.function in CHOSEN


def is_open(checked: CheckedAggregate) -> bool:
    """Whether it is a sum or average of values whose range is unknown."""
    summed = checked.aggregate.function in OPEN
    return summed and checked.values is not None and span(checked.values) is None


def judged_aggregate(
    aggregate: Aggregate, values: Values | None, other: Values | None, rows: int, *, open_ranges: bool = False
) -> CheckedAggregate:
    """The aggregate over arguments of these values, and at most so many rows of all units together; their range may be
    unknown where it is said so.

    Refuses: `plan.invalid`, `plan.type`, `plan.unit_value`, `plan.unbounded_sum`, `plan.overflow`.
    """
    subject = f"{aggregate.name}.argument"
    if other is not None and aggregate.function not in PAIR_FUNCTIONS:
        raise Refusal("plan.invalid", {"what": "two arguments of a function of one"})
    if (aggregate.fraction is None) is (aggregate.function in QUANTILES):
        raise Refusal("plan.invalid", {"what": "a fraction, or none where there must be one"})
    if aggregate.fraction is not None and not (
        0 <= aggregate.fraction <= 1 and aggregate.fraction.denominator <= FINEST_FRACTION
    ):
        raise Refusal("plan.invalid", {"what": "a fraction of a quantile"})
    match aggregate.function:
        case AggregateFunction.ROWS:
            pass
        case AggregateFunction.UNITS if values is not None:
            raise Refusal("plan.invalid", {"what": "an argument of a count of units"})
        case AggregateFunction.UNITS:
            pass
        case AggregateFunction.DISTINCT:
            _valued(aggregate, values, subject)
        case function if function in PAIR_FUNCTIONS:
            _summed(aggregate, values, rows, subject)
            _summed(aggregate, other, rows, f"{aggregate.name}.other")
        case function:
            _summed(aggregate, values, rows, subject, may_be_open=open_ranges and function in OPEN)
    return CheckedAggregate(aggregate, values, other)


def aggregate_cost(function: AggregateFunction, rows: int) -> int:
    """What an aggregate costs for one of at most so many rows of a unit: two for each statistic; a digest and a sort
    where a unit's values are chosen. Unit: row operations.
    """
    chosen = 4 + 2 * rows.bit_length() if function is AggregateFunction.DISTINCT else 0
    return 2 * STATISTICS.get(function, 1) + chosen


def _valued(aggregate: Aggregate, values: Values | None, subject: str) -> Values:
    """An argument that has a value, and not only NULL."""
    if values is not None and values.type not in VALUES:
        raise Refusal("plan.unit_value", {"function": aggregate.function}, subject=subject)
    if values is None or values.members == ():
        types = "none" if values is None else "NULL"
        raise Refusal("plan.type", {"function": aggregate.function, "types": types}, subject=subject)
    return values


def _summed(
    aggregate: Aggregate, argument: Values | None, rows: int, subject: str, *, may_be_open: bool = False
) -> None:
    """A number of known range, whose exact total an answer can hold."""
    values = _valued(aggregate, argument, subject)
    if values.type not in NUMBERS:
        raise Refusal("plan.type", {"function": aggregate.function, "types": values.type}, subject=subject)
    found = span(values)
    if found is None and may_be_open:
        return
    if found is None:
        raise Refusal("plan.unbounded_sum", {"aggregate": aggregate.function}, subject=subject)
    most = rows * max(map(magnitude, found))
    if values.type is Type.INTEGER and most >= CAPACITY:
        raise Refusal("plan.overflow", {"aggregate": aggregate.function}, subject=subject)
