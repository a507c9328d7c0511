"""The plan language: what a query may be, as a closed set of frozen nodes.

A plan is untrusted until `check` has judged it. Nodes hold generated names only (`c1`, `k1`, `a1`, `m1`): an analyst's
identifier never stands in a node, except as a label of the answer. Every name is unique in the whole plan, so a join
concatenates the columns of its sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.window_functions import Frame, WindowFunction

Scalar: TypeAlias = bool | int | Fraction | str | date | datetime | None
"""A literal. Numbers are exact: int for INTEGER, Fraction for DOUBLE."""


class Type(StrEnum):
    """The type of an expression."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    """64-bit."""
    DOUBLE = "double"
    """64-bit floating point, row-local only: sums are taken on a fixed-point grid."""
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    """Without time zone; UTC."""
    UNIT = "unit"
    """The unit key of the relation's own unit: it has no value (rule 9)."""
    PRESENCE = "presence"
    """A unit key read from a NULL-extended side: only `is_null` may use it (rule 12)."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A column of the source relation."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; NULL when `value` is None."""

    type: Type
    value: Scalar


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function of the function table (`functions.py`); every operator is a call."""

    function: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Ref | Literal | Call


@dataclass(frozen=True, slots=True)
class Output:
    """A named expression."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class ScanColumn:
    """A column of a card's table, under its generated name."""

    name: str
    column: str
    """Name on the card; a unit key column has type UNIT."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Every row of one table, private or public as its card says."""

    dataset: str
    table: str
    columns: tuple[ScanColumn, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """The released relation of a measure: its group keys and aggregates under their names. Public.

    The public part reads it as it was released; the source of a later measure as `check` knows it (rule 26).
    """

    measure: str


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows for which `predicate` is true."""

    source: Relation
    predicate: Expression


@dataclass(frozen=True, slots=True)
class Project:
    """Row-local expressions over the source. The source's columns are not carried on; its unit is."""

    source: Relation
    outputs: tuple[Output, ...]


class JoinKind(StrEnum):
    """How a join treats rows without a match."""

    INNER = "inner"
    LEFT = "left"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Join:
    """Pairs of rows for which `condition` is true, and the two sides' units are equal where `unit` is set.

    Private with private demands `unit`; any other pair forbids it. A LEFT join preserves the left side, a FULL one
    both: a row's unit is that of whichever side is there.
    """

    left: Relation
    right: Relation
    kind: JoinKind
    unit: bool
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Every row of `source`, and as one more column whether `condition` is true of it and of some row of `other`.

    Semi and anti joins are filters by it. Units and kinds as in a join; the columns of `other` are in reach of the
    condition alone. The mark is true or false, never NULL.
    """

    source: Relation
    other: Relation
    name: str
    unit: bool
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class UnionColumn:
    """A column of a union: what it is in either branch. Types are equal; UNIT with PRESENCE is PRESENCE."""

    name: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Union:
    """UNION ALL: the rows of both branches, which are both public or both private in one unit domain."""

    left: Relation
    right: Relation
    columns: tuple[UnionColumn, ...]


@dataclass(frozen=True, slots=True)
class Constants:
    """VALUES: rows written out in the query. Public."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Literal, ...], ...]
    """A literal per column each; the types of a column are equal."""


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an order."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Sort:
    """The source's rows in order. Public relations only."""

    source: Relation
    terms: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The first `count` rows after `offset`. Public relations only."""

    source: Relation
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different rows of the source; of a private one, of each unit (rule 10)."""

    source: Relation


@dataclass(frozen=True, slots=True)
class Fold:
    """One exact aggregate over the rows of a group for which `filter` is true (all, when there is none)."""

    name: str
    function: FoldFunction
    argument: Expression | None
    filter: Expression | None
    fraction: Fraction | None
    """Of a quantile."""
    order: tuple[Order, ...]
    """Of FIRST."""


@dataclass(frozen=True, slots=True)
class Group:
    """One row per group of the source; of a private one, per unit and group. Without keys public rows are one group.

    Its columns are those of `keys`, then those of `folds`. A key may be the unit key: it is one value of each unit.
    """

    source: Relation
    keys: tuple[Output, ...]
    folds: tuple[Fold, ...]


@dataclass(frozen=True, slots=True)
class Windowed:
    """One window function over the rows of a partition; of a private relation, of the unit's part of it."""

    name: str
    function: WindowFunction
    argument: Expression | None
    filter: Expression | None
    """Of the functions that have a frame of rows to count, add up or compare."""
    number: int | None
    """Tiles of NTILE, rows of LAG and LEAD, place of NTH_VALUE."""
    default: Literal | None
    """Of LAG and LEAD, where there is no such row."""
    partition: tuple[Expression, ...]
    order: tuple[Order, ...]
    frame: Frame | None
    """Of the functions that have one."""


@dataclass(frozen=True, slots=True)
class Window:
    """The source's rows and columns, with a column more for each window function."""

    source: Relation
    functions: tuple[Windowed, ...]


Relation: TypeAlias = (
    Scan | Released | Constants | Filter | Project | Join | Mark | Union | Sort | Limit | Distinct | Group | Window
)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate over the rows for which `filter` is true (all, when there is none)."""

    name: str
    function: AggregateFunction
    argument: Expression | None
    filter: Expression | None
    other: Expression | None = None
    """The x of a function of pairs (y, x)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The one crossing from private to public: group, aggregate, add noise, pay.

    Its released relation has the columns of `keys`, then those of `aggregates`.
    """

    name: str
    source: Relation
    keys: tuple[Output, ...]
    aggregates: tuple[Aggregate, ...]
