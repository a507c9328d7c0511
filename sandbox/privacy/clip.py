"""A clip: a unit's vector of parts, one per group key and statistic, scaled down to a norm (rule 19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import floor, isqrt

from policies.licences import Notion

WEIGHT = 4
"""Steps in which a unit's weight is counted when C is chosen: quarters of its mass over its norm."""


class Norm(StrEnum):
    """How long a vector is: that of the noise it is measured with."""

    L1 = "l1"
    """Laplace noise, pure differential privacy."""
    L2 = "l2"
    """Gaussian noise, zero-concentrated."""


def norm_of(notion: Notion) -> Norm:
    """The norm that a notion's noise is calibrated to."""
    match notion:
        case Notion.PURE:
            return Norm.L1
        case Notion.ZCDP:
            return Norm.L2


@dataclass(frozen=True, slots=True)
class ClipAt:
    """The clip that a request asks for."""

    rows: Fraction | None
    """Norm in rows: a row adds at most 1 to each statistic of its group key. None: chosen privately, at a price."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Every unit's vector has a norm of at most `most`, over all group keys and the clip's statistics together.

    Where a measure has several levels, the vector is that of all of them: the groups by all keys are scaled, and what
    they add to a group of any level is counted by magnitude, so that the norm holds of sums of rounded parts too.

    The engine's parts x are whole numbers of grid steps; on the finer grid they are v = fine·x, so that a row adds at
    most `row` to whichever statistic. The unit's released vector is y = v where ‖v‖ ≤ C, else y = trunc(v·C / N) with N
    the norm rounded up to a whole number. Then |y| ≤ |v|·C/N ≤ |v|·C/‖v‖ in every coordinate, hence ‖y‖ ≤ C. A unit
    added or removed changes the totals by its own y, so Δ = C exactly, for the whole vector at once.
    """

    norm: Norm
    most: int
    """C, in steps of the finer grid."""
    row: int
    """The most that one row adds to one statistic, in steps of the finer grid."""
    fine: Mapping[str, int]
    """Per statistic of the vector: steps of the finer grid in one of its own."""
    candidates: tuple[int, ...] = ()
    """What `most` is to be chosen from, each twice the one before; until then it is the last. Empty: it is fixed."""
    levels: int = 1
    """How often each row counts in the norm: once on every level of the measure."""

    @property
    def undecided(self) -> bool:
        """Whether C is still to be chosen."""
        return bool(self.candidates)

    @property
    def rows(self) -> Fraction:
        """C in rows, so that one row has the norm 1; under L2 a root of levels is taken to 20 binary digits."""
        match self.norm:
            case Norm.L1:
                return Fraction(self.most, self.row * self.levels)
            case Norm.L2:
                return Fraction(self.most * 2**20, self.row * isqrt(self.levels * 2**40))

    def length(self, rows: Fraction) -> int:
        """The norm of so many rows of one group, in steps of the finer grid, rounded down."""
        match self.norm:
            case Norm.L1:
                return floor(rows * self.row * self.levels)
            case Norm.L2:
                return isqrt(floor((rows * self.row) ** 2 * self.levels))
