"""What the data department grants: who may ask what, for which scenario, until when, at which loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from policies.cards import OPTIONAL, Text


class Mode(StrEnum):
    """The licence modes of SD-2025 §9."""

    OVERALL = "overall"
    FIELD = "field"
    SCENARIO = "scenario"


class Notion(StrEnum):
    """The privacy notion that a licence's releases must satisfy."""

    ZCDP = "zcdp"
    PURE = "pure"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A purpose the licence was granted for."""

    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class Grant:
    """One table and the columns of it that may be read."""

    dataset: str
    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LicenceBudget:
    """The most this licence may ever lose. ZCDP: ρ and δ; PURE: ε alone."""

    rho: Fraction | None
    epsilon: Fraction | None
    delta: Fraction
    """δ at which a request's ε and the balance's ε are stated; also the most all thresholds may lose. 0 for PURE."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The grant as the department signed it; registry state only narrows it."""

    id: str
    institution: str
    mode: Mode
    agreement: str
    """SHA-256 of the signed agreement, hex."""
    grants: tuple[Grant, ...]
    scenarios: tuple[Scenario, ...]
    outputs: tuple[str, ...]
    """Of `query`, `model`, `verification`."""
    not_before: datetime
    not_after: datetime
    """Expiry, to the second, UTC."""
    notion: Notion
    budget: LicenceBudget
    minimum_frequency: int | None = field(default=None, metadata=OPTIONAL)
    """No group of fewer units is released under it (rule 24); the larger of this and the cards' holds. None: none."""
