"""From a checked measure to a bounded one: which integer statistics the engine computes, and what one unit can add.

Pure: card, request and plan in, bounded plan out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from policies.cards import Bounds
from sandbox.plan.check import CheckedMeasure
from sandbox.plan.nodes import Expression


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
    """Grid steps subtracted from each row; 0 for counts and SUM."""
    low: int
    """Least value of a row after centring, grid steps; 0 for counts."""
    high: int
    """Greatest value of a row after centring; 1 for counts."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How an aggregate follows from released statistics.

    Without a divisor: value = statistic × granularity. With one: (total / max(divisor, 1) + centre) × granularity.
    """

    aggregate: str
    statistic: str
    divisor: str | None


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
