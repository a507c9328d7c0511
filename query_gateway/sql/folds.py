"""Exact groups of one SELECT: of each unit's rows where its key is a group key, and of public rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from sqlglot import exp

from query_gateway.sql.context import Groups, Rows
from query_gateway.sql.quantiles import NO_FRACTION, RANKED
from query_gateway.sql.scalar import Typed
from query_gateway.sql.scope import Origin
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.nodes import (
    Call,
    Expression,
    Fold,
    Group,
    Literal,
    Order,
    Output,
    Ref,
    Type,
)

_NO_VALUE = (Type.UNIT, Type.PRESENCE)
FUNCTIONS: Mapping[type[exp.Expr], FoldFunction] = {
    exp.Sum: FoldFunction.SUM,
    exp.Avg: FoldFunction.AVG,
    exp.Min: FoldFunction.MIN,
    exp.Max: FoldFunction.MAX,
    exp.Variance: FoldFunction.VAR_SAMP,
    exp.VariancePop: FoldFunction.VAR_POP,
    exp.Stddev: FoldFunction.STDDEV_SAMP,
    exp.StddevSamp: FoldFunction.STDDEV_SAMP,
    exp.StddevPop: FoldFunction.STDDEV_POP,
    exp.Median: FoldFunction.QUANTILE_CONT,
    exp.PercentileCont: FoldFunction.QUANTILE_CONT,
    exp.PercentileDisc: FoldFunction.QUANTILE_DISC,
    exp.Quantile: FoldFunction.QUANTILE_DISC,
    exp.LogicalAnd: FoldFunction.ALL,
    exp.LogicalOr: FoldFunction.ANY,
    exp.ArgMax: FoldFunction.FIRST,
    exp.ArgMin: FoldFunction.FIRST,
    exp.First: FoldFunction.FIRST,
    exp.Last: FoldFunction.FIRST,
}
_SAME = (FoldFunction.MIN, FoldFunction.MAX, FoldFunction.QUANTILE_DISC, FoldFunction.FIRST)
"""Whose result has the argument's type."""


def passed(context: Rows | Groups, expression: Expression) -> Origin | None:
    """The scan column that an expression is, unchanged: of rows, or a group key of one's own rows, but for the unit."""
    match context:
        case Rows():
            return context.scope.origin(expression)
        case Folds():
            keys = (key for key, (output, type_) in context.keys.items() if type_ is not Type.UNIT)
            own = next((key for key in keys if Ref(context.keys[key][0].name) == expression), None)
            return None if own is None else context.rows.scope.origin(own)
    return None


@dataclass(slots=True)
class Folds(Groups):
    """The groups of one SELECT, each computed exactly: names are its group keys and aggregates."""

    private: bool = False
    folds: dict[Fold, Fold] = field(default_factory=dict)

    def relation(self) -> Group:
        """The groups, once everything of the SELECT is lowered."""
        return Group(
            self.rows.attached(self.source),
            tuple(output for output, _ in self.keys.values()),
            tuple(self.folds.values()),
        )

    def add_key(self, node: exp.Expr) -> None:
        """Groups by an expression over the rows, or by the unit. Refuses `sql.unit_value`."""
        key = self.rows.lower(node)
        if key.type is not Type.UNIT or not self.private:
            Groups.add_key(self, node)
        elif key.expression not in self.keys:
            read = self._scanned(key.expression)
            by = key.expression if read else Literal(Type.BOOLEAN, value=True)
            self.keys[key.expression] = Output(self.rows.state.fresh("k", node), by), Type.UNIT

    def _scanned(self, key: Expression) -> bool:
        """Whether a unit key is a column of a table as it is, and not one of two that an outer join can leave out, for
        which a constant stands: rows are of one unit all the same.
        """
        columns = [column for source in self.rows.scope.sources for column in source.columns]
        return any(Ref(column.ref) == key and column.origin is not None for column in columns)

    def _over_keys(self, expression: Expression, node: exp.Expr) -> Expression:
        """Any unit key of the rows is the one that they are grouped by."""
        if isinstance(expression, Ref) and expression not in self.keys:
            columns = [column for source in self.rows.scope.sources for column in source.columns]
            units = [output for output, type_ in self.keys.values() if type_ is Type.UNIT]
            if units and any(column.ref == expression.name and column.type is Type.UNIT for column in columns):
                return Ref(units[0].name)
        return Groups._over_keys(self, expression, node)  # noqa: SLF001 its own base

    def _aggregate(self, node: exp.Expr) -> Typed:
        call, condition = node, None
        if isinstance(node, exp.Filter):
            call, condition = node.this, self.rows.predicate(node.expression.this).expression
        found, type_ = self._fold(call)
        terms = [one for one in (condition, found.filter) if one is not None]
        filter_ = terms[0] if len(terms) == 1 else Call("and", tuple(terms)) if terms else None
        found = replace(found, filter=filter_)
        if found not in self.folds:
            name = self.rows.state.fresh("f", node)
            self.rows.state.locate(f"{name}.argument", call.this if isinstance(call.this, exp.Expr) else node)
            self.folds[found] = replace(found, name=name)
        return Typed(Ref(self.folds[found].name), type_, 1)

    def _fold(self, call: exp.Expr) -> tuple[Fold, Type]:
        """The fold, without a name, and its type."""
        inner = call.expressions[0] if isinstance(call, exp.Anonymous) and call.expressions else call.this
        match call:
            case exp.Count(this=None | exp.Star()):
                return self._made(FoldFunction.ROWS, None), Type.INTEGER
            case exp.Count(this=exp.Distinct(expressions=[counted])):
                return self._made(FoldFunction.DISTINCT, self._argument(counted).expression), Type.INTEGER
            case exp.Count():
                return self._counted(inner), Type.INTEGER
            case exp.CountIf():
                return self._made(FoldFunction.ROWS, None, self.rows.predicate(inner).expression), Type.INTEGER
            case exp.WithinGroup(this=(exp.PercentileCont() | exp.PercentileDisc()) as quantile):
                term = call.expression.expressions[0]
                if len(call.expression.expressions) != 1 or term.args.get("desc"):
                    raise self.rows.state.refuse("sql.unsupported", call, what="this WITHIN GROUP")
                return self._valued(FUNCTIONS[type(quantile)], term.this, quantile.this)
            case exp.ArgMax() | exp.ArgMin():
                return self._extreme(call)
            case exp.First() | exp.Last():
                return self._first(call)
        function = FoldFunction.AVG if isinstance(call, exp.Anonymous) else FUNCTIONS.get(type(call))
        if function is None or isinstance(inner, exp.Distinct) or not isinstance(inner, exp.Expr):
            raise self.rows.state.refuse("sql.unsupported", call, what="this form of an aggregate")
        share = call.args.get("quantile") if isinstance(call, exp.Quantile) else call.args.get("expression")
        if share is None and isinstance(call, RANKED):
            raise self.rows.state.refuse("sql.unsupported", call, what=NO_FRACTION)
        return self._valued(function, inner, share)

    def _valued(self, function: FoldFunction, node: exp.Expr, quantile: exp.Expr | None) -> tuple[Fold, Type]:
        argument = self._argument(node)
        fraction = None
        if function in (FoldFunction.QUANTILE_CONT, FoldFunction.QUANTILE_DISC):
            fraction = Fraction(1, 2) if quantile is None else self._fraction(quantile)
        if function in (FoldFunction.ALL, FoldFunction.ANY):
            return self._made(function, self.rows.predicate(node).expression), Type.BOOLEAN
        numbers = (Type.INTEGER, Type.DOUBLE)
        if function not in _SAME and argument.type not in numbers:
            raise self.rows.state.refuse("plan.type", node, function=function.value, types=argument.type or "NULL")
        whole = function is FoldFunction.SUM or function in _SAME
        type_ = argument.type if whole and argument.type is not None else Type.DOUBLE
        return replace(self._made(function, argument.expression), fraction=fraction), type_

    def _fraction(self, node: exp.Expr) -> Fraction:
        match self.rows.lower(node).expression:
            case Literal(Type.INTEGER | Type.DOUBLE, (int() | Fraction()) as value) if 0 <= value <= 1:
                return Fraction(value)
        raise self.rows.state.refuse("sql.literal_argument", node, function="quantile", position="2")

    def _argument(self, node: exp.Expr) -> Typed:
        found = self.rows.lower(node)
        if found.type in _NO_VALUE:
            raise self.rows.state.refuse("sql.unit_value", node)
        if found.type is None:
            raise self.rows.state.refuse("plan.type", node, function="aggregate", types="NULL")
        return found

    def _counted(self, node: exp.Expr) -> Fold:
        """COUNT(x): rows where x is not NULL."""
        found = self.rows.lower(node)
        match found:
            case Typed(expression=Literal(value=None)):
                raise self.rows.state.refuse("sql.unsupported", node, what="COUNT(NULL)")
            case Typed(expression=Literal()) | Typed(type=Type.UNIT):
                return self._made(FoldFunction.ROWS, None)
            case Typed(type=Type.PRESENCE):
                return self._made(FoldFunction.ROWS, None, Call("is_not_null", (found.expression,)))
        return self._made(FoldFunction.ROWS, found.expression)

    def _extreme(self, call: exp.Expr) -> tuple[Fold, Type]:
        """The value where another one is greatest or least, of the rows where both are there."""
        value, by = self._argument(call.this), self._argument(call.expression)
        there = Call("and", tuple(Call("is_not_null", (one.expression,)) for one in (value, by)))
        order = Order(by.expression, isinstance(call, exp.ArgMax), nulls_first=False)
        found = replace(self._made(FoldFunction.FIRST, value.expression, there), order=(order,))
        return found, value.type or Type.INTEGER

    def _first(self, call: exp.Expr) -> tuple[Fold, Type]:
        """FIRST in an order, LAST in its reverse."""
        if not isinstance(call.this, exp.Order):
            raise self.rows.state.refuse("sql.unsupported", call, what="FIRST or LAST without ORDER BY")
        last = isinstance(call, exp.Last)
        value, terms = self._argument(call.this.this), []
        for term in call.this.expressions:
            by = self._argument(term.this)
            descending, nulls = bool(term.args.get("desc")), bool(term.args.get("nulls_first"))
            terms.append(Order(by.expression, descending is not last, nulls is not last))
        found = replace(self._made(FoldFunction.FIRST, value.expression), order=tuple(terms))
        return found, value.type or Type.INTEGER

    @staticmethod
    def _made(function: FoldFunction, argument: Expression | None, condition: Expression | None = None) -> Fold:
        return Fold("", function, argument, condition, None, ())
