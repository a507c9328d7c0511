"""The people a budget protects, over every data set that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.cards import Budget, Text


class Canonical(StrEnum):
    """How a unit key is written before it is digested: one person, one key (rule 7)."""

    INTEGER = "integer"
    """Decimal digits without sign of plus, spaces or leading zeros."""
    TRIMMED = "trimmed"
    """Text without surrounding white space, Unicode NFKC."""
    UPPER = "upper"
    """As TRIMMED, in upper case."""


@dataclass(frozen=True, slots=True)
class UnitDomain:
    """One kind of privacy unit, its people, and their budget over all data sets."""

    name: str
    title: Text
    canonical: Canonical
    max_units: int
    """Declared, for sizes and overflow proofs; public."""
    budget: Budget
