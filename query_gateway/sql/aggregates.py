"""Which SQL aggregate of numbers is which aggregate of a measure."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sandbox.plan.aggregate_functions import AggregateFunction

NUMBERS: Mapping[type[exp.Expr], AggregateFunction] = {
    exp.Sum: AggregateFunction.SUM,
    exp.Avg: AggregateFunction.AVG,
    exp.Variance: AggregateFunction.VAR_SAMP,
    exp.VariancePop: AggregateFunction.VAR_POP,
    exp.Stddev: AggregateFunction.STDDEV_SAMP,
    exp.StddevPop: AggregateFunction.STDDEV_POP,
    exp.StddevSamp: AggregateFunction.STDDEV_SAMP,
}
"""Of one number."""

PAIRS: Mapping[type[exp.Expr], AggregateFunction] = {
    exp.Corr: AggregateFunction.CORR,
    exp.CovarPop: AggregateFunction.COVAR_POP,
    exp.CovarSamp: AggregateFunction.COVAR_SAMP,
    exp.RegrAvgx: AggregateFunction.REGR_AVGX,
    exp.RegrAvgy: AggregateFunction.REGR_AVGY,
    exp.RegrCount: AggregateFunction.REGR_COUNT,
    exp.RegrIntercept: AggregateFunction.REGR_INTERCEPT,
    exp.RegrR2: AggregateFunction.REGR_R2,
    exp.RegrSlope: AggregateFunction.REGR_SLOPE,
    exp.RegrSxx: AggregateFunction.REGR_SXX,
    exp.RegrSxy: AggregateFunction.REGR_SXY,
    exp.RegrSyy: AggregateFunction.REGR_SYY,
}
"""Of pairs (y, x)."""

MEASURED: tuple[type[exp.Expr], ...] = (*NUMBERS, *PAIRS)

EXACT: tuple[type[exp.Expr], ...] = (
    exp.Min,
    exp.Max,
    exp.Median,
    exp.PercentileCont,
    exp.PercentileDisc,
    exp.Quantile,
    exp.WithinGroup,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.ArgMax,
    exp.ArgMin,
    exp.First,
    exp.Last,
)
"""Of public rows and of each unit's own alone: no measure has them."""

GROUPING: tuple[type[exp.Expr], ...] = (exp.Grouping, exp.GroupingId)
"""What tells which keys the groups of a row are by."""

AGGREGATES: tuple[type[exp.Expr], ...] = (exp.Count, exp.CountIf, *MEASURED, *EXACT, *GROUPING)

NAMES = (
    "avg corr count count_if covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope"
    " max median min percentile_cont percentile_disc quantile quantile_cont quantile_disc"
    " regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp sum var_pop var_samp variance"
)
"""As SQL writes them."""


def aggregates(node: exp.Expr) -> bool:
    """Whether the node is an aggregate."""
    named = isinstance(node, exp.Anonymous) and node.name.lower() == "mean"
    return named or isinstance(node, AGGREGATES)
