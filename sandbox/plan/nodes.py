"""The plan language: what a query may be, as a closed set of frozen nodes.

A plan is untrusted until `check` has judged it. Nodes hold generated names only (`c1`, `k1`, `a1`, `m1`): an analyst's
identifier never stands in a node, except as a label of the answer. Every name is unique in the whole plan, so a join
concatenates the columns of its sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

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
    """One term of an order: NULLs come last in either direction."""

    expression: Expression
    descending: bool


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


Relation: TypeAlias = Scan | Released | Constants | Filter | Project | Join | Mark | Union | Sort | Limit


class AggregateFunction(StrEnum):
    """What a measure can ask of each group."""

    ROWS = "rows"
    """COUNT(*), or COUNT(x) when there is an argument: rows where it is not NULL."""
    UNITS = "units"
    """COUNT(DISTINCT unit key)."""
    SUM = "sum"
    AVG = "avg"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate over the rows for which `filter` is true (all, when there is none)."""

    name: str
    function: AggregateFunction
    argument: Expression | None
    filter: Expression | None


@dataclass(frozen=True, slots=True)
class Measure:
    """The one crossing from private to public: group, aggregate, add noise, pay.

    Its released relation has the columns of `keys`, then those of `aggregates`.
    """

    name: str
    source: Relation
    keys: tuple[Output, ...]
    aggregates: tuple[Aggregate, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """The analyst's name for a column of the answer: shown, never executed."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Measures in topological order, then the public part over what they release.

    A measure's source may read what measures before it release, as it reads any public relation: a scalar subquery is
    one row of it, joined on no condition.
    """

    measures: tuple[Measure, ...]
    answer: Relation
    """The public part: no private scan stands in it."""
    labels: tuple[Label, ...]
    """The answer's columns in order."""


def sources(relation: Relation) -> tuple[Relation, ...]:
    """The relations that an operator reads, from left to right."""
    match relation:
        case Scan() | Released() | Constants():
            return ()
        case Filter(source) | Project(source) | Sort(source) | Limit(source):
            return (source,)
        case Join(left, right) | Mark(left, right) | Union(left, right):
            return (left, right)


def scans(relation: Relation) -> tuple[Scan, ...]:
    """Every scan that the relation reads, from left to right."""
    if isinstance(relation, Scan):
        return (relation,)
    return tuple(scan for source in sources(relation) for scan in scans(source))


def releases(relation: Relation) -> tuple[str, ...]:
    """Every measure whose released relation is read, from left to right."""
    if isinstance(relation, Released):
        return (relation.measure,)
    return tuple(measure for source in sources(relation) for measure in releases(source))


def matched(relation: Relation) -> tuple[Scan, ...]:
    """Every scan below a join of equal units."""
    if isinstance(relation, Join | Mark) and relation.unit:
        return scans(relation)
    return tuple(scan for source in sources(relation) for scan in matched(source))


def measured(plan: Plan) -> Mapping[str, str]:
    """The columns of the public part's result that are a released aggregate as it is, and which one."""
    aggregates = {measure.name: {each.name: each.name for each in measure.aggregates} for measure in plan.measures}
    return _measured(plan.answer, aggregates)


def _measured(relation: Relation, aggregates: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    match relation:
        case Released(measure):
            return aggregates[measure]
        case Scan() | Constants() | Union():
            return {}
        case Filter(source) | Mark(source) | Sort(source) | Limit(source):
            return _measured(source, aggregates)
        case Join(left, right):
            return {**_measured(left, aggregates), **_measured(right, aggregates)}
        case Project(source, outputs):
            known = _measured(source, aggregates)
            refs = {each.name: each.expression.name for each in outputs if isinstance(each.expression, Ref)}
            return {name: known[origin] for name, origin in refs.items() if origin in known}
