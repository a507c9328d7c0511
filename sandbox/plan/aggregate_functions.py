"""The aggregates of the plan language."""

from __future__ import annotations

from enum import StrEnum


class AggregateFunction(StrEnum):
    """What a measure can ask of each group."""

    ROWS = "rows"
    """COUNT(*), or COUNT(x) when there is an argument: rows where it is not NULL."""
    UNITS = "units"
    """COUNT(DISTINCT unit key)."""
    DISTINCT = "distinct"
    """COUNT(DISTINCT x): values of the argument; NULL is none."""
    SUM = "sum"
    AVG = "avg"
    VAR_POP = "var_pop"
    VAR_SAMP = "var_samp"
    STDDEV_POP = "stddev_pop"
    STDDEV_SAMP = "stddev_samp"
    COVAR_POP = "covar_pop"
    """This and the following are of pairs (y, x), over the rows where neither is NULL: y is the argument."""
    COVAR_SAMP = "covar_samp"
    CORR = "corr"
    REGR_COUNT = "regr_count"
    REGR_AVGX = "regr_avgx"
    REGR_AVGY = "regr_avgy"
    REGR_SXX = "regr_sxx"
    REGR_SYY = "regr_syy"
    REGR_SXY = "regr_sxy"
    REGR_SLOPE = "regr_slope"
    REGR_INTERCEPT = "regr_intercept"
    REGR_R2 = "regr_r2"
