"""What is known of an expression's values from cards alone: range, value set, granularity, NULL, lineage.

Nothing here was read off the data (rule 5). An absent fact is None and means unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias

from sandbox.plan.nodes import Scalar, Type

Bound: TypeAlias = int | Fraction | date | datetime


@dataclass(frozen=True, slots=True)
class Values:
    """The values an expression can take."""

    type: Type
    nullable: bool = True
    lo: Bound | None = None
    hi: Bound | None = None
    granularity: Fraction | None = None
    """Grid of the fixed-point sum; 1 for integers; None when unknown."""
    members: tuple[Scalar, ...] | None = None
    """The finite value set, without NULL, sorted and distinct; None when there is none."""
    per_unit: bool = False
    """Determined by the unit: all rows of one unit agree (rule 20)."""
