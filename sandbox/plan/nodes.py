"""The plan language: what a query may be, as a closed set of frozen nodes.

A plan is untrusted until `check` has judged it. Nodes hold generated names only (`c1`, `k1`, `a1`, `m1`): an analyst's
identifier never stands in a node, except as a label of the answer. Every name is unique in the whole plan, so a join
concatenates the columns of its sides.

The text of each relation, and of `Measure`, says how SQL writes it, its rule, what it does to the rows of one unit, and
examples; docs/sql.md is made of them (`make docs`). One without them fails `tests/contract/test_sql_page.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.grouping_sets import Levels
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
    """Every row of one table, private or public as its card says.

    SQL: `FROM table`, `FROM dataset.table`
    Rule: a private table gives each unit at most the card's rows (rules 1, 5)
    Cost: the card's rows per unit; a public table: none
    Example: SELECT COUNT(*) FROM visits
    """

    dataset: str
    table: str
    columns: tuple[ScanColumn, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """The released relation of a measure: its group keys and aggregates under their names. Public.

    The public part reads it as it was released; the source of a later measure as `check` knows it (rule 26).

    SQL: a derived table or CTE with aggregates, `(SELECT AVG(x) FROM t)` in an expression
    Rule: what enters a later measure is held to its declared range (rule 26)
    Cost: that of its own measure; reading it again: none
    Example: SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) FROM persons)
    Example: SELECT MAX(n) FROM (SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别)
    """

    measure: str


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows for which `predicate` is true.

    SQL: `WHERE`, `HAVING`, `QUALIFY`
    Rule: a total function of the row (rules 2, 15); of a release, of noisy values alone
    Cost: rows per unit stay; a ROW_NUMBER of the unit's rows held to k leaves k
    Example: SELECT COUNT(*) FROM visits WHERE 科室 = '内科' AND 费用 > 100
    Example: SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别 HAVING COUNT(*) > 10
    """

    source: Relation
    predicate: Expression


@dataclass(frozen=True, slots=True)
class Project:
    """Row-local expressions over the source. The source's columns are not carried on; its unit is.

    SQL: the select list
    Rule: total functions of the row (rules 2, 15); the unit key passes as it is, never computed with (rule 9)
    Cost: rows per unit stay
    Example: SELECT AVG(m) FROM (SELECT pid, income / 12 AS m FROM persons)
    """

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

    SQL: `[INNER] JOIN`, `LEFT JOIN`, `RIGHT JOIN`, `FULL JOIN`, `CROSS JOIN`, `NATURAL JOIN`, comma; `ON`, `USING`
    Rule: two private sides: the equality of their unit keys is an AND term of ON (rule 10); a private and a public
        one: an outer join keeps the private side; never two persons in a row
    Cost: rows per unit: inner l·r; left l·max(1, r); full max(l·r, l + r), or max(1, l)·max(1, r) where ON is the
        units' equality alone; a side whose key ON covers counts 1 (rule 10)
    Example: SELECT 性别, SUM(费用) FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY 性别
    Example: SELECT COUNT(v.pid) FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.emergency
    Example: SELECT COUNT(*) FROM visits v JOIN drugs d ON v.visit_no = d.visit_no
    Example: SELECT c.name_zh, COUNT(*) FROM persons p JOIN cities c ON p.city = c.code GROUP BY c.name_zh
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

    SQL: `EXISTS (…)`, `x [NOT] IN (SELECT …)`, `(x, y) IN (SELECT …)`, `x = ANY (…)`, `x > ALL (…)`, `SEMI JOIN`,
        `ANTI JOIN`, `INTERSECT`, `EXCEPT`
    Rule: over private rows the subquery is of the same unit (rule 12); private rows of public ones: refused
    Cost: rows per unit stay
    Example: SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND v.emergency)
    Example: SELECT COUNT(*) FROM persons WHERE pid NOT IN (SELECT pid FROM visits)
    Example: SELECT COUNT(*) FROM visits WHERE (pid, 日期) IN (SELECT pid, MIN(日期) FROM visits GROUP BY pid)
    Example: SELECT COUNT(*) FROM persons WHERE city IN (SELECT code FROM cities WHERE population > 1000000)
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
    """UNION ALL: the rows of both branches, which are both public or both private in one unit domain.

    SQL: `UNION ALL`; `UNION` where the unit key is among the columns
    Rule: one unit domain (rule 7); rows are compared within a unit only
    Cost: rows per unit l + r
    Example: SELECT COUNT(*) FROM (SELECT pid FROM persons UNION ALL SELECT pid FROM visits)
    Example: SELECT COUNT(*) FROM (SELECT pid FROM persons UNION SELECT pid FROM visits)
    """

    left: Relation
    right: Relation
    columns: tuple[UnionColumn, ...]


@dataclass(frozen=True, slots=True)
class Constants:
    """VALUES: rows written out in the query. Public.

    SQL: `VALUES (…), (…)`, a SELECT without FROM
    Rule: public
    Cost: joined, rows per unit grow by what may match, as by any public relation
    Example: SELECT w.g, COUNT(*) FROM persons p JOIN (VALUES ('女', 1), ('男', 2)) AS w(s, g) ON
        p.性别 = w.s GROUP BY w.g
    """

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
    """The source's rows in order. Public relations only.

    SQL: `ORDER BY`
    Rule: released values alone decide the order
    Cost: none
    Example: SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室 ORDER BY n DESC, 科室
    """

    source: Relation
    terms: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The first `count` rows after `offset`. Public relations only.

    SQL: `LIMIT n`, `OFFSET n`
    Rule: as Sort; of private rows refused, for one unit would move another's
    Cost: none: all groups are measured
    Example: SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室 ORDER BY n DESC LIMIT 2
    """

    source: Relation
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different rows of the source; of a private one, of each unit (rule 10).

    SQL: `SELECT DISTINCT unit, x`, `UNION`
    Rule: over private rows the unit key is among the columns (rule 13)
    Cost: rows per unit: at most the different rows that value sets allow
    Example: SELECT 科室, COUNT(*) FROM (SELECT DISTINCT pid, 科室 FROM visits) GROUP BY 科室
    """

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

    SQL: `GROUP BY unit[, x]` in a derived table or CTE, a scalar subquery tied by the unit; `GROUP BY` over releases
    Rule: exact functions of the multiset of the unit's own rows (rule 13)
    Cost: rows per unit: 1, or as many as x has values
    Example: SELECT COUNT(*) FROM visits v WHERE 费用 > (SELECT AVG(w.费用) FROM visits w WHERE w.pid = v.pid)
    Example: SELECT 科室, AVG(s) FROM (SELECT pid, 科室, SUM(费用) AS s FROM visits GROUP BY pid, 科室) GROUP BY 科室
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
    """The source's rows and columns, with a column more for each window function.

    SQL: `f(…) OVER (PARTITION BY unit[, x] ORDER BY … ROWS …)`; over releases any partition
    Rule: over private rows PARTITION BY names the unit key; orders are completed to total ones (rule 13)
    Cost: rows per unit stay
    Example: SELECT AVG(d) FROM (SELECT 日期 - LAG(日期) OVER (PARTITION BY pid ORDER BY 日期) AS d FROM visits)
    Example: SELECT 科室, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM visits GROUP BY 科室
    """

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
    fraction: Fraction | None = None
    """Of a quantile: the part of the rows that is below."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The one crossing from private to public: group, aggregate, add noise, pay. What is released has the columns of
    `keys`, then that of `levels`, if any, then those of `aggregates`.

    SQL: `SELECT k, SUM(x) FROM … GROUP BY k`, `SELECT DISTINCT k`
    Rule: bounds per unit (rules 11, 19), exact integers (rules 16, 17), a noise per total (rule 18); group keys of a
        value set all appear, others above a threshold that costs δ (rule 23); not by the unit key (rule 9)
    Cost: the only operator with a price: the spend is split over its totals
    Example: SELECT 科室, date_trunc('month', 日期) AS m, COUNT(*), SUM(费用) FROM visits GROUP BY 科室, m
    Example: SELECT DISTINCT 科室 FROM visits
    """

    name: str
    source: Relation
    keys: tuple[Output, ...]
    aggregates: tuple[Aggregate, ...]
    levels: Levels | None = None
