"""The aggregates of the plan language.

Each member's text says how SQL writes it, its privacy rule, what it costs and an example; docs/sql.md is made of them
(`make docs`). To add an aggregate, write such a text under it: one without fails `tests/contract/test_sql_page.py`.
"""

from __future__ import annotations

from enum import StrEnum


class AggregateFunction(StrEnum):
    """What a measure can ask of each group.

    Rule: each value clamped on a grid (rule 16), a noise per total (rule 18)
    """

    ROWS = "rows"
    """Rows; with an argument, rows where it is not NULL.

    SQL: `COUNT(*)`, `COUNT(x)`, `COUNT_IF(c)`
    Rule: a unit's rows are cut to the bounds, or its whole vector scaled (rules 11, 19)
    Cost: one total, to which a row adds 1
    Example: SELECT 性别, COUNT(*), COUNT(income), COUNT_IF(income > 50000) FROM persons GROUP BY 性别
    """
    UNITS = "units"
    """Privacy units that have such a row.

    SQL: `COUNT(DISTINCT unit)`, `COUNT(DISTINCT CASE WHEN c THEN unit END)`
    Rule: one unit counts once per group (rule 20)
    Cost: one total, to which a unit adds 1 per group whatever its rows
    Example: SELECT 科室, COUNT(DISTINCT pid) FROM visits GROUP BY 科室
    """
    DISTINCT = "distinct"
    """Different values of any expression; NULL and what is no finite number are none; −0 is 0.

    SQL: `COUNT(DISTINCT x)`
    Rule: each unit keeps at most r values per group, by a keyed digest (rules 14, 21); a clip does not cut it
    Cost: one total, to which a unit adds at most r per group, fewer where its value set has fewer
    Example: SELECT COUNT(DISTINCT 科室) FROM visits
    """
    SUM = "sum"
    """The sum of numbers whose range is known; else `clamp(x, lo, hi)`.

    SQL: `SUM(x)`
    Cost: one total, to which a row adds at most the end of the range that is farther from 0
    Example: SELECT SUM(income) FROM persons
    """
    AVG = "avg"
    """The mean, held to the range of its argument.

    SQL: `AVG(x)`, `MEAN(x)`
    Rule: sums are centred on the range's middle and scaled to the bound of rows (rule 17)
    Cost: the rows, and a sum to which a row adds at most half the range
    Example: SELECT 性别, AVG(income) FROM persons GROUP BY 性别
    """
    VAR_POP = "var_pop"
    """Of numbers whose range is known: never below 0 nor above what the range allows; NULL where the noisy count is too
    small.

    SQL: `VAR_POP(x)`
    Cost: rows, centred sum and centred sum of squares, shared by all variances and deviations of x
    Example: SELECT VAR_POP(income) FROM persons
    """
    VAR_SAMP = "var_samp"
    """As VAR_POP, over n − 1.

    SQL: `VAR_SAMP(x)`, `VARIANCE(x)`
    Cost: as VAR_POP
    Example: SELECT VARIANCE(income) FROM persons
    """
    STDDEV_POP = "stddev_pop"
    """The root of VAR_POP.

    SQL: `STDDEV_POP(x)`
    Cost: as VAR_POP
    Example: SELECT STDDEV_POP(income) FROM persons
    """
    STDDEV_SAMP = "stddev_samp"
    """The root of VAR_SAMP.

    SQL: `STDDEV_SAMP(x)`, `STDDEV(x)`
    Cost: as VAR_POP
    Example: SELECT AVG(income), STDDEV(income) FROM persons
    """
    COVAR_POP = "covar_pop"
    """This and the following are of pairs (y, x), over the rows where neither is NULL: y is the argument.

    SQL: `COVAR_POP(y, x)`
    Cost: rows of pairs, both centred sums and the sum of products
    Example: SELECT COVAR_POP(income, birth_year) FROM persons
    """
    COVAR_SAMP = "covar_samp"
    """As COVAR_POP, over n − 1.

    SQL: `COVAR_SAMP(y, x)`
    Cost: as COVAR_POP
    Example: SELECT COVAR_SAMP(income, birth_year) FROM persons
    """
    CORR = "corr"
    """A correlation: in [−1, 1], NULL where a noisy variance is not positive.

    SQL: `CORR(y, x)`
    Cost: rows of pairs, both sums, all three sums of products
    Example: SELECT CORR(income, birth_year) FROM persons
    """
    REGR_COUNT = "regr_count"
    """Pairs.

    SQL: `REGR_COUNT(y, x)`
    Cost: one total, to which a row adds 1
    Example: SELECT REGR_COUNT(income, birth_year) FROM persons
    """
    REGR_AVGX = "regr_avgx"
    """The mean of x.

    SQL: `REGR_AVGX(y, x)`
    Rule: as AVG (rule 17)
    Cost: rows of pairs, and the centred sum of x
    Example: SELECT REGR_AVGX(income, birth_year) FROM persons
    """
    REGR_AVGY = "regr_avgy"
    """The mean of y.

    SQL: `REGR_AVGY(y, x)`
    Rule: as AVG (rule 17)
    Cost: rows of pairs, and the centred sum of y
    Example: SELECT REGR_AVGY(income, birth_year) FROM persons
    """
    REGR_SXX = "regr_sxx"
    """The sum of squares of x around its mean.

    SQL: `REGR_SXX(y, x)`
    Cost: rows of pairs, sum and sum of squares of x
    Example: SELECT REGR_SXX(income, birth_year) FROM persons
    """
    REGR_SYY = "regr_syy"
    """The sum of squares of y around its mean.

    SQL: `REGR_SYY(y, x)`
    Cost: rows of pairs, sum and sum of squares of y
    Example: SELECT REGR_SYY(income, birth_year) FROM persons
    """
    REGR_SXY = "regr_sxy"
    """The sum of products around both means.

    SQL: `REGR_SXY(y, x)`
    Cost: as COVAR_POP
    Example: SELECT REGR_SXY(income, birth_year) FROM persons
    """
    REGR_SLOPE = "regr_slope"
    """The slope of the line through the pairs; NULL where the noisy variance of x is not positive.

    SQL: `REGR_SLOPE(y, x)`
    Cost: rows of pairs, both sums, the squares of x and the products
    Example: SELECT REGR_SLOPE(income, birth_year) FROM persons
    """
    REGR_INTERCEPT = "regr_intercept"
    """Where that line meets x = 0.

    SQL: `REGR_INTERCEPT(y, x)`
    Cost: as REGR_SLOPE
    Example: SELECT REGR_INTERCEPT(income, birth_year) FROM persons
    """
    REGR_R2 = "regr_r2"
    """The share of the variance of y that the line explains.

    SQL: `REGR_R2(y, x)`
    Cost: as CORR
    Example: SELECT REGR_R2(income, birth_year) FROM persons
    """
    QUANTILE_CONT = "quantile_cont"
    """The value of a public grid at which that part of the rows lies: of the two rows between which the rank falls, the
    lower one's.

    SQL: `MEDIAN(x)`, `QUANTILE_CONT(x, q)`, `PERCENTILE_CONT(q) WITHIN GROUP (ORDER BY x)`
    Rule: rows of a unit in a group weigh at most r together (rule 22)
    Cost: two choices per group, the value and its interval; a unit changes the ranks of one by at most r·max(q, 1 − q)
    Example: SELECT 性别, MEDIAN(income) FROM persons GROUP BY 性别
    """
    QUANTILE_DISC = "quantile_disc"
    """The same, of the row that the rank falls on.

    SQL: `QUANTILE_DISC(x, q)`, `QUANTILE(x, q)`, `PERCENTILE_DISC(q) WITHIN GROUP (ORDER BY x)`
    Rule: as QUANTILE_CONT (rule 22)
    Cost: as QUANTILE_CONT; equal quantiles are one
    Example: SELECT QUANTILE_DISC(income, 0.9) FROM persons
    """
    MIN = "min"
    """Approximate: a value that a few rows, as many as stand out from the noise, are below.

    SQL: `MIN(x)`
    Rule: as QUANTILE_CONT at 0 (rule 22)
    Cost: one choice per group
    Example: SELECT MIN(birth_year) FROM persons
    """
    MAX = "max"
    """Approximate: a value that a few rows are above.

    SQL: `MAX(x)`
    Rule: as QUANTILE_CONT at 1 (rule 22)
    Cost: one choice per group
    Example: SELECT MAX(费用) FROM visits
    """
