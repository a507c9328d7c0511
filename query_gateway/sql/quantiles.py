"""Which value of an order an aggregate asks for: the median, a quantile, the least or the greatest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp

from query_gateway.sql.aggregates import NUMBERS, PAIRS
from query_gateway.sql.scalar import Typed
from query_gateway.sql.state import State
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import FINEST_FRACTION, QUANTILES
from sandbox.plan.nodes import Literal, Type

FUNCTIONS: Mapping[type[exp.Expr], AggregateFunction] = {
    exp.Max: AggregateFunction.MAX,
    exp.Median: AggregateFunction.QUANTILE_CONT,
    exp.Min: AggregateFunction.MIN,
    exp.PercentileCont: AggregateFunction.QUANTILE_CONT,
    exp.PercentileDisc: AggregateFunction.QUANTILE_DISC,
    exp.Quantile: AggregateFunction.QUANTILE_DISC,
}
RANKED = (exp.PercentileCont, exp.PercentileDisc, exp.Quantile)
"""Those that say which part of the rows is below."""
NO_FRACTION = "a quantile without its fraction"


@dataclass(frozen=True, slots=True)
class Quantile:
    """A call, told apart into what it is of and which part of the rows is below."""

    function: AggregateFunction
    argument: exp.Expr
    fraction: exp.Expr | None
    """None of a median, a least or a greatest value."""

    def type(self, argument: Type | None) -> Type:
        """Of the result: the argument's, or a real number where the rank may fall between two rows."""
        exact = self.function is not AggregateFunction.QUANTILE_CONT
        return (argument or Type.INTEGER) if exact else Type.DOUBLE


def quantile(call: exp.Expr, state: State) -> Quantile | None:
    """The quantile that a call is, if it is one. Refuses `sql.unsupported`."""
    named = call.this if isinstance(call, exp.WithinGroup) else call
    function = FUNCTIONS.get(type(named))
    if function is None:
        return None
    if isinstance(call, exp.WithinGroup):
        terms = call.expression.expressions
        if len(terms) != 1 or terms[0].args.get("desc"):
            raise state.refuse("sql.unsupported", call, what="this WITHIN GROUP")
        return Quantile(function, terms[0].this, named.this)
    fraction = named.args.get("quantile") if isinstance(named, exp.Quantile) else named.args.get("expression")
    if fraction is None and isinstance(named, RANKED):
        raise state.refuse("sql.unsupported", call, what=NO_FRACTION)
    return Quantile(function, named.this, fraction)


def fraction_of(call: exp.Expr, lower: Callable[[exp.Expr], Typed], state: State) -> Fraction | None:
    """The part of the rows below, of a quantile with one: a constant. Refuses `sql.literal_argument`."""
    ranked = quantile(call, state)
    if ranked is None or ranked.function not in QUANTILES:
        return None
    if ranked.fraction is None:
        return Fraction(1, 2)
    match lower(ranked.fraction).expression:
        case Literal(Type.INTEGER | Type.DOUBLE, (int() | Fraction()) as value) if (
            0 <= value <= 1 and Fraction(value).denominator <= FINEST_FRACTION
        ):
            return Fraction(value)
    raise state.refuse("sql.literal_argument", ranked.fraction, function="quantile", position="2")


def function_of(call: exp.Expr) -> AggregateFunction:
    """What an aggregate of numbers is in a measure; `mean` is no class of the parser."""
    named = call.this if isinstance(call, exp.WithinGroup) else call
    found = NUMBERS.get(type(named)) or PAIRS.get(type(named)) or FUNCTIONS.get(type(named))
    return found or AggregateFunction.AVG
