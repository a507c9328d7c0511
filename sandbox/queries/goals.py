"""What a named accuracy, or weight, of columns of the answer means for the aggregates in them: from card, plan and
request alone (rules 3 and 29).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedAggregate, CheckedPlan
from sandbox.plan.lineage import measured
from sandbox.plan.plan import Label
from sandbox.privacy.accuracy import Goal
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.loss import Accuracy
from sandbox.privacy.quantiles import Chosen
from sandbox.privacy.statistics import Estimate, Moments


def goals(
    asked: Accuracy, plans: Sequence[CheckedPlan], measures: Sequence[BoundedMeasure], sizes: Mapping[str, int | None]
) -> tuple[Goal, ...]:
    """One goal per released aggregate that a column meant shows, of any of the queries.

    `sizes` are the rows that a measure's groups are assumed to have. Refuses: `spend.column` where no column is meant,
    `spend.expected_size` where a column's error is not known without, `spend.expected_value` where a relative one is of
    an unknown value.
    """
    origins = _origins(plans)
    meant = [label for label in _labels(plans) if asked.column in (None, label.label) and label.name in origins]
    if not meant:
        raise Refusal("spend.column", {"column": asked.column or "*"})
    if asked.expected_value is not None and len({origins[label.name] for label in meant}) > 1:
        raise Refusal("spend.expected_value", {"column": meant[1].label})
    return tuple(_goal(asked, label.label, origins[label.name], measures, sizes) for label in meant)


def _origins(plans: Sequence[CheckedPlan]) -> Mapping[str, str]:
    return {name: origin for each in plans for name, origin in measured(each.plan).items()}


def _labels(plans: Sequence[CheckedPlan]) -> list[Label]:
    return [label for each in plans for label in each.plan.labels]


def weighed(plans: Sequence[CheckedPlan], weights: Sequence[tuple[str, Fraction]]) -> Mapping[str, Fraction]:
    """What the aggregates weigh that are columns of these names.

    Refuses: `spend.column` for a name that is no column which is an aggregate as measured.
    """
    origins, found = _origins(plans), dict[str, Fraction]()
    for column, weight in weights:
        meant = [label for label in _labels(plans) if label.label == column and label.name in origins]
        if not meant:
            raise Refusal("spend.column", {"column": column})
        found |= {origins[label.name]: weight for label in meant}
    return found


def _goal(
    asked: Accuracy, label: str, name: str, measures: Sequence[BoundedMeasure], sizes: Mapping[str, int | None]
) -> Goal:
    bounded, estimate = next(_found(measures, name))
    if isinstance(estimate, Moments | Chosen):
        raise Refusal("spend.column", {"column": label})
    size = sizes[bounded.checked.measure.name]
    if estimate.divisor is not None and size is None:
        raise Refusal("spend.expected_size", {"column": label})
    if asked.half_width is not None:
        return Goal(name, asked.half_width, size)
    aggregate = next(each for each in bounded.checked.aggregates if each.aggregate.name == name)
    value = asked.expected_value or _least(aggregate, size)
    if asked.relative is None or not value:
        raise Refusal("spend.expected_value", {"column": label})
    return Goal(name, asked.relative * value, size)


def _found(
    measures: Sequence[BoundedMeasure], name: str
) -> Iterator[tuple[BoundedMeasure, Estimate | Moments | Chosen]]:
    return ((bounded, each) for bounded in measures for each in bounded.estimates if each.aggregate == name)


def _least(checked: CheckedAggregate, size: int | None) -> Fraction | None:
    """What the aggregate is at least, either way: of the range alone, or of it and the assumed size."""
    match checked.aggregate.function:
        case AggregateFunction.AVG:
            return _nearest(checked)
        case AggregateFunction.SUM if size is not None:
            return size * _nearest(checked)
        case AggregateFunction.ROWS if size is not None:
            return Fraction(size)
    return None


def _nearest(checked: CheckedAggregate) -> Fraction:
    """How near a value of the argument can come to 0."""
    values = checked.values
    if values is None or not isinstance(values.lo, int | Fraction) or not isinstance(values.hi, int | Fraction):
        return Fraction(0)
    return max(Fraction(values.lo), -Fraction(values.hi), Fraction(0))
