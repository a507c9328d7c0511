"""How often intervals must cover: exact binomial tests of coverage at 95 %, with a false alarm of 10⁻⁹."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import comb

from sandbox.privacy.intervals import Interval

FALSE_ALARM = 1e-9
COVERAGE = Fraction(95, 100)


def chance_below(hits: int, runs: int, share: Fraction) -> float:
    """P[fewer than `hits` of `runs`] for events of this chance, exactly."""
    won, lost, whole = share.numerator, share.denominator - share.numerator, share.denominator
    return float(Fraction(sum(comb(runs, k) * won**k * lost ** (runs - k) for k in range(hits)), whole**runs))


@lru_cache(maxsize=64)
def needed(runs: int) -> int:
    """So many of `runs` intervals that each cover with 95 % do cover, but with probability `FALSE_ALARM`."""
    low, high = 0, runs
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if chance_below(middle, runs, COVERAGE) <= FALSE_ALARM else (low, middle - 1)
    return low


def covered(intervals: Sequence[Interval | None], truth: float) -> int:
    """How many cover it; what has no interval promises nothing."""
    return sum(each is None or each.low - 1e-6 <= truth <= each.high + 1e-6 for each in intervals)
