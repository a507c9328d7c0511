"""When an answer leaves: at the time class that follows from plan and declared sizes alone (rule 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policies.domains import UnitDomain
from sandbox.plan.checked import CheckedPlan


def time_class(
    checked: CheckedPlan,
    domains: Mapping[str, UnitDomain],
    row_nanoseconds: int,
    tick_milliseconds: int,
    readings: Sequence[int],
) -> int:
    """The time class of a plan: the least tick × 2ᵏ that the row operations of its declared units need.

    `readings` tells how often each measure reads its rows: once, once for the choice of bounds, and once for each
    notice.
    Unit: milliseconds.
    """
    operations = sum(
        domains[measure.source.domain].max_units * measure.work * times
        for measure, times in zip(checked.measures, readings, strict=True)
    )
    needed = -(-operations * row_nanoseconds // 1_000_000)
    allowed = tick_milliseconds
    while allowed < needed:
        allowed *= 2
    return allowed


def remaining(passed: float, milliseconds: int) -> float:
    """How long an answer still waits: to the end of its time class; a run that was not done by then, by doublings.

    The class covers what declared sizes can cause, so that lateness tells of the machine, not of records.
    Unit: seconds.
    """
    period = milliseconds / 1000
    while period < passed:
        period *= 2
    return period - passed
