"""The folds of the plan language: what is computed of the rows of a group, exactly."""

from __future__ import annotations

from enum import StrEnum


class FoldFunction(StrEnum):
    """What a fold can ask of the rows of a group: exact, and a function of their multiset alone (rule 13)."""

    ROWS = "rows"
    """COUNT(*), or COUNT(x) when there is an argument: rows where it is not NULL."""
    DISTINCT = "distinct"
    """COUNT(DISTINCT x)."""
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    VAR_POP = "var_pop"
    VAR_SAMP = "var_samp"
    STDDEV_POP = "stddev_pop"
    STDDEV_SAMP = "stddev_samp"
    QUANTILE_CONT = "quantile_cont"
    QUANTILE_DISC = "quantile_disc"
    ALL = "all"
    """BOOL_AND."""
    ANY = "any"
    """BOOL_OR."""
    FIRST = "first"
    """The argument of the first row in the fold's order, which a total one completes; NULL counts as a value."""
