"""The folds of the plan language: what is computed of the rows of a group, exactly.

Each member's text says how SQL writes it, with an example; docs/sql.md is made of them (`make docs`).
"""

from __future__ import annotations

from enum import StrEnum


class FoldFunction(StrEnum):
    """What a fold can ask of the rows of a group: exact, and a function of their multiset alone (rule 13).

    Rule: of the multiset of the unit's own rows (rule 13)
    Cost: none of its own: what comes of it is measured like any column
    """

    ROWS = "rows"
    """Rows; with an argument, rows where it is not NULL.

    SQL: `COUNT(*)`, `COUNT(x)`, `COUNT_IF(c)`
    Example: SELECT AVG(n) FROM (SELECT pid, COUNT(*) AS n FROM visits GROUP BY pid)
    """
    DISTINCT = "distinct"
    """Different values; NULL is none.

    SQL: `COUNT(DISTINCT x)`
    Example: SELECT AVG(n) FROM (SELECT pid, COUNT(DISTINCT 科室) AS n FROM visits GROUP BY pid)
    """
    SUM = "sum"
    """The exact sum on the column's grid.

    SQL: `SUM(x)`
    Example: SELECT AVG(s) FROM (SELECT pid, SUM(费用) AS s FROM visits GROUP BY pid)
    """
    AVG = "avg"
    """The mean.

    SQL: `AVG(x)`, `MEAN(x)`
    Example: SELECT AVG(m) FROM (SELECT pid, AVG(费用) AS m FROM visits GROUP BY pid)
    """
    MIN = "min"
    """The least value.

    SQL: `MIN(x)`
    Example: SELECT date_trunc('month', d) AS m, COUNT(*) FROM (SELECT pid, MIN(日期) AS d FROM
        visits GROUP BY pid) GROUP BY m
    """
    MAX = "max"
    """The greatest value.

    SQL: `MAX(x)`
    Example: SELECT SUM(m) FROM (SELECT pid, MAX(费用) AS m FROM visits GROUP BY pid)
    """
    VAR_POP = "var_pop"
    """The variance over n.

    SQL: `VAR_POP(x)`
    Example: SELECT AVG(v) FROM (SELECT pid, VAR_POP(费用) AS v FROM visits GROUP BY pid)
    """
    VAR_SAMP = "var_samp"
    """The variance over n − 1.

    SQL: `VAR_SAMP(x)`, `VARIANCE(x)`
    Example: SELECT AVG(v) FROM (SELECT pid, VARIANCE(费用) AS v FROM visits GROUP BY pid)
    """
    STDDEV_POP = "stddev_pop"
    """The root of VAR_POP.

    SQL: `STDDEV_POP(x)`
    Example: SELECT AVG(v) FROM (SELECT pid, STDDEV_POP(费用) AS v FROM visits GROUP BY pid)
    """
    STDDEV_SAMP = "stddev_samp"
    """The root of VAR_SAMP.

    SQL: `STDDEV_SAMP(x)`, `STDDEV(x)`
    Example: SELECT AVG(v) FROM (SELECT pid, STDDEV(费用) AS v FROM visits GROUP BY pid)
    """
    QUANTILE_CONT = "quantile_cont"
    """The quantile between two values.

    SQL: `MEDIAN(x)`, `QUANTILE_CONT(x, q)`, `PERCENTILE_CONT(q) WITHIN GROUP (ORDER BY x)`
    Example: SELECT AVG(m) FROM (SELECT pid, MEDIAN(费用) AS m FROM visits GROUP BY pid)
    """
    QUANTILE_DISC = "quantile_disc"
    """The quantile that is one of the values.

    SQL: `QUANTILE_DISC(x, q)`, `QUANTILE(x, q)`, `PERCENTILE_DISC(q) WITHIN GROUP (ORDER BY x)`
    Example: SELECT AVG(m) FROM (SELECT pid, QUANTILE_DISC(费用, 0.9) AS m FROM visits GROUP BY pid)
    """
    ALL = "all"
    """Whether it is true in every row where it is not NULL.

    SQL: `BOOL_AND(c)`
    Example: SELECT COUNT_IF(e) FROM (SELECT pid, BOOL_AND(emergency) AS e FROM visits GROUP BY pid)
    """
    ANY = "any"
    """Whether it is true in some row.

    SQL: `BOOL_OR(c)`
    Example: SELECT COUNT_IF(e) FROM (SELECT pid, BOOL_OR(emergency) AS e FROM visits GROUP BY pid)
    """
    FIRST = "first"
    """The argument of the first row in the fold's order, which a total one completes; NULL counts as a value.

    SQL: `FIRST(x ORDER BY y)`, `LAST(x ORDER BY y)`, `ARG_MIN(x, y)`, `ARG_MAX(x, y)`
    Rule: the order ends in the stored order of the unit's rows, so that it is total (rule 13)
    Example: SELECT k, COUNT(*) FROM (SELECT pid, FIRST(科室 ORDER BY visit_no) AS k FROM visits
        GROUP BY pid) GROUP BY k
    """
