"""What the data provider signs: the data set, its tables and columns, and the bounds enforced at load.

Anything that is not on a card does not exist. Ranges, value sets and bounds come from codebooks or law, never from the
file that is loaded (rule 5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

OPTIONAL = {"optional": True}
"""Metadata of a field that canonical JSON leaves out when it is None, so that what was signed before it keeps its
digest."""

CardValue: TypeAlias = bool | int | Fraction | str | date | datetime


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence or title in both languages."""

    zh: str
    en: str


class ColumnType(StrEnum):
    """The type of a column."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DOUBLE = "double"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UNIT = "unit"
    """A unit key: pseudonymised at load, it has no value (rule 9)."""


class Violation(StrEnum):
    """What load does with a value outside the declared domain (rule 5)."""

    CLAMP = "clamp"
    """The nearer end of the range; ranges only."""
    NULL = "null"
    """NULL, which a column that is not nullable refuses as it refuses any NULL: the file breaks its schema."""
    OTHER = "other"
    """The declared member of a value set or key; where the column is not nullable, for a missing value too."""


@dataclass(frozen=True, slots=True)
class ColumnCard:
    """One column: its type and the domain that load enforces."""

    name: str
    title: Text
    type: ColumnType
    nullable: bool
    lo: CardValue | None
    hi: CardValue | None
    """Range, both ends included; both or neither."""
    values: tuple[CardValue, ...] | None
    """Value set. At most one of range, value set and `key_of`; a DOUBLE has no value set."""
    key_of: str | None
    """The public table of the same data set whose one-column key is this column's value set."""
    granularity: Fraction | None
    """Grid of fixed-point sums; required for DOUBLE with a range; 1 for INTEGER."""
    violation: Violation
    other: CardValue | None
    """The member of `values` or of the key that stands for any other value, with Violation.OTHER."""


@dataclass(frozen=True, slots=True)
class UnitPath:
    """How a private table's rows belong to units: its own unit key column, or a foreign key to a table that has one."""

    columns: tuple[str, ...]
    """The unit key column (one), or the foreign key's columns."""
    references: str | None
    """The private table whose `key` the columns refer to; None when they are the unit key."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Contribution bounds of a measure: at most `groups` group keys per unit and `rows` rows per unit and group key."""

    groups: int
    rows: int


@dataclass(frozen=True, slots=True)
class TableCard:
    """One table: public, or private with a path to the privacy unit."""

    name: str
    title: Text
    columns: tuple[ColumnCard, ...]
    unit: UnitPath | None
    """None for a public table."""
    key: tuple[str, ...]
    """Columns that name at most one row of the table (load refuses duplicates); empty when there is none."""
    unit_key: tuple[str, ...] | None
    """Columns that name at most one row within a unit; () means one row per unit; None when there are none."""
    rows_per_unit: int | None
    """Enforced at load: rows with `_rank` beyond it are dropped. None for a public table."""
    bounds: Bounds | None
    """Default contribution bounds of measures over this table; None: what the structure allows."""
    expected_size: int | None = field(default=None, metadata=OPTIONAL)
    """Rows that a group of this table is assumed to have where a request does not say; errors and prices of averages
    before the run rest on it, nothing else."""

    @property
    def private(self) -> bool:
        return self.unit is not None


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may ever be lost: ρ of zCDP and δ. It never refills."""

    rho: Fraction
    delta: Fraction


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The attributes of the unified catalogue (ZB-2024 §10, SD-2022 §10, LYG-2020 §11, SD-2025 §6)."""

    provider: Text
    category: Text
    format: str
    sharing: str
    """unconditional | conditional | none"""
    opening: str
    """unconditional | conditional | none"""
    security_level: str
    usage: Text
    update_cycle: str
    source: Text
    acquired: date


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A data set: the tables, the people they are about, and the budget over all licences."""

    name: str
    version: int
    title: Text
    description: Text
    unit_domain: str
    tables: tuple[TableCard, ...]
    budget: Budget
    catalogue: Catalogue
    minimum_frequency: int | None = field(default=None, metadata=OPTIONAL)
    """No group of fewer units is released of any table (rule 24); None: the card demands none."""

    def table(self, name: str) -> TableCard | None:
        return next((table for table in self.tables if table.name == name), None)
