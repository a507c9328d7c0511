"""The budgets that may be written: what the ledger's integers hold, and no less than one of its units."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from policies.cards import Budget

LARGEST_LOSS = Fraction(2**22)
"""ρ or ε that the ledger's 64-bit numbers surely hold (units of 2⁻⁴⁰)."""
SMALLEST_LOSS = Fraction(1, 2**40)
SMALLEST_DELTA = Fraction(1, 2**60)


MOST_UNITS = 2**20
"""The largest minimum frequency."""


def frequency_problems(minimum: int | None) -> Iterator[str]:
    if minimum is not None and not 2 <= minimum <= MOST_UNITS:
        yield "minimum_frequency: lies from 2 to 2^20"


def budget_problems(budget: Budget) -> Iterator[str]:
    if not SMALLEST_LOSS <= budget.rho <= LARGEST_LOSS:
        yield "budget.rho: lies from 2^-40 to 2^22"
    if not 0 <= budget.delta < 1:
        yield "budget.delta: lies from 0 to below 1"
