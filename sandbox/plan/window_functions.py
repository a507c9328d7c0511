"""The window functions of the plan language, and the frames of rows that they see.

Each member's text says how SQL writes it, with an example; docs/sql.md is made of them (`make docs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WindowFunction(StrEnum):
    """What a window can ask of the rows around one.

    Rule: over private rows PARTITION BY names the unit key (rule 13)
    Cost: none of its own: what comes of it is measured like any column
    """

    ROW_NUMBER = "row_number"
    """The place in a total order: `= 1` leaves one row per unit, `<= k` at most k.

    SQL: `ROW_NUMBER() OVER (PARTITION BY unit ORDER BY …)`
    Rule: the order is completed to a total one (rule 13)
    Cost: a filter of it bounds the rows per unit without a cut
    Example: SELECT SUM(c) FROM
        (SELECT 费用 AS c FROM visits QUALIFY ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1)
    """
    RANK = "rank"
    """The place, equal where the order does not tell apart.

    SQL: `RANK() OVER (…)`
    Example: SELECT COUNT_IF(r = 1) FROM (SELECT RANK() OVER (PARTITION BY pid ORDER BY 费用) AS r FROM visits)
    """
    DENSE_RANK = "dense_rank"
    """As RANK, without gaps.

    SQL: `DENSE_RANK() OVER (…)`
    Example: SELECT MAX(r) FROM (SELECT 科室, DENSE_RANK() OVER (ORDER BY COUNT(*)) AS r FROM visits GROUP BY 科室)
    """
    PERCENT_RANK = "percent_rank"
    """(RANK − 1) / (rows − 1).

    SQL: `PERCENT_RANK() OVER (…)`
    Example: SELECT AVG(r) FROM (SELECT PERCENT_RANK() OVER (PARTITION BY pid ORDER BY 费用) AS r FROM visits)
    """
    CUME_DIST = "cume_dist"
    """The share of rows up to this one and those that tie with it.

    SQL: `CUME_DIST() OVER (…)`
    Example: SELECT AVG(r) FROM (SELECT CUME_DIST() OVER (PARTITION BY pid ORDER BY 费用) AS r FROM visits)
    """
    NTILE = "ntile"
    """The number of the tile, of so many of equal size.

    SQL: `NTILE(n) OVER (…)`
    Rule: the order is completed to a total one (rule 13)
    Example: SELECT t, COUNT(*) FROM (SELECT NTILE(4) OVER (PARTITION BY pid ORDER BY visit_no) AS
        t FROM visits) GROUP BY t
    """
    LAG = "lag"
    """The value so many rows before.

    SQL: `LAG(x[, n[, default]]) OVER (…)`
    Rule: the order is completed to a total one (rule 13)
    Example: SELECT AVG(d) FROM (SELECT 日期 - LAG(日期) OVER (PARTITION BY pid ORDER BY 日期) AS d FROM visits)
    """
    LEAD = "lead"
    """The value so many rows after.

    SQL: `LEAD(x[, n[, default]]) OVER (…)`
    Rule: the order is completed to a total one (rule 13)
    Example: SELECT AVG(d) FROM (SELECT LEAD(日期) OVER (PARTITION BY pid ORDER BY 日期) - 日期 AS d FROM visits)
    """
    FIRST_VALUE = "first_value"
    """The value of the frame's first row.

    SQL: `FIRST_VALUE(x) OVER (…)`
    Rule: the order is completed to a total one (rule 13)
    Example: SELECT COUNT_IF(费用 > f) FROM (SELECT 费用, FIRST_VALUE(费用) OVER (PARTITION BY pid ORDER
        BY visit_no) AS f FROM visits)
    """
    LAST_VALUE = "last_value"
    """The value of the frame's last row.

    SQL: `LAST_VALUE(x) OVER (…)`
    Rule: the order is completed to a total one (rule 13)
    Example: SELECT COUNT_IF(费用 = f) FROM (SELECT 费用, LAST_VALUE(费用) OVER (PARTITION BY pid ORDER
        BY visit_no) AS f FROM visits)
    """
    NTH_VALUE = "nth_value"
    """The value of the frame's n-th row.

    SQL: `NTH_VALUE(x, n) OVER (…)`
    Rule: the order is completed to a total one (rule 13)
    Example: SELECT COUNT(f) FROM (SELECT NTH_VALUE(费用, 2) OVER (PARTITION BY pid ORDER BY
        visit_no) AS f FROM visits)
    """
    ROWS = "rows"
    """Rows of the frame; with an argument, those where it is not NULL.

    SQL: `COUNT(*) OVER (…)`, `COUNT(x) OVER (…)`, `COUNT_IF(c) OVER (…)`
    Example: SELECT COUNT_IF(n >= 3) FROM (SELECT COUNT(*) OVER (PARTITION BY pid) AS n FROM visits)
    """
    SUM = "sum"
    """The sum over the frame, on the column's grid.

    SQL: `SUM(x) OVER (…)`
    Example: SELECT COUNT_IF(s > 1000) FROM (SELECT SUM(费用) OVER (PARTITION BY pid ORDER BY 日期) AS s FROM visits)
    """
    AVG = "avg"
    """The mean over the frame.

    SQL: `AVG(x) OVER (…)`
    Example: SELECT COUNT_IF(费用 > m) FROM (SELECT 费用, AVG(费用) OVER (PARTITION BY pid) AS m FROM visits)
    """
    MIN = "min"
    """The least value of the frame.

    SQL: `MIN(x) OVER (…)`
    Example: SELECT AVG(费用 - m) FROM (SELECT 费用, MIN(费用) OVER (PARTITION BY pid) AS m FROM visits)
    """
    MAX = "max"
    """The greatest value of the frame.

    SQL: `MAX(x) OVER (…)`
    Example: SELECT AVG(m - 费用) FROM (SELECT 费用, MAX(费用) OVER (PARTITION BY pid) AS m FROM visits)
    """


class FrameUnit(StrEnum):
    """What the ends of a frame count."""

    ROWS = "rows"
    """Rows, in a total order."""
    RANGE = "range"
    """The distance of the order's one value: whole numbers, or days."""
    GROUPS = "groups"
    """Groups of rows that the order does not tell apart."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows around one that a window function sees."""

    unit: FrameUnit
    start: int | None
    """From so many after the current one, before it where negative; None: from the first of the partition."""
    end: int | None
    """To so many after the current one; None: to the last of the partition."""
