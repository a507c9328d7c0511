"""What an expression can mean in a SELECT: over its rows, or over its groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from query_gateway.sql.scalar import AGGREGATES, Scalars, Typed
from query_gateway.sql.schema import fold
from query_gateway.sql.scope import Column, Scope
from query_gateway.sql.state import State
from sandbox.plan.nodes import (
    Aggregate,
    AggregateFunction,
    Call,
    Expression,
    Literal,
    Output,
    Ref,
    Relation,
    Type,
)

_NO_VALUE = (Type.UNIT, Type.PRESENCE)


@dataclass(slots=True)
class Rows:
    """The rows of a FROM clause: names are its columns, then the aliases of the select list."""

    state: State
    scope: Scope
    aliases: Mapping[str, exp.Expr]
    """The select list's expressions by folded alias."""
    known: dict[str, Typed] = field(default_factory=dict)
    """Aliases lowered once and shared."""
    open: set[str] = field(default_factory=set)
    """Aliases being lowered: one that needs itself has no meaning."""

    def lower(self, node: exp.Expr) -> Typed:
        return Scalars(self.state, self).lower(node)

    def predicate(self, node: exp.Expr) -> Typed:
        return Scalars(self.state, self).predicate(node)

    def find(self, node: exp.Column) -> Column | None:
        return self.scope.find(node.table or None, node.name, self.state.places.span(node))

    def column(self, node: exp.Column) -> Typed:
        found = self.find(node)
        if found is not None:
            return self.read(found, node)
        alias = fold(node.name)
        if node.table or alias not in self.aliases or alias in self.open:
            raise self.unknown(node)
        if alias not in self.known:
            self.open.add(alias)
            self.known[alias] = self.lower(self.aliases[alias])
            self.open.discard(alias)
        self.state.spend(self.known[alias].size)
        return self.known[alias]

    def read(self, column: Column, node: exp.Expr) -> Typed:
        """A column as an expression."""
        origin = column.origin
        self.state.locate(column.ref if origin is None else origin.ref, node)
        if column.type is Type.UNIT and origin is not None:
            self.state.mentioned.add(origin.ref)
        return Typed(Ref(column.ref), column.type, 1)

    def unknown(self, node: exp.Column) -> Exception:
        return self.state.refuse("sql.unknown_column", node, column=node.name, near=self.scope.near(node.name))

    def special(self, node: exp.Expr) -> Typed | None:  # noqa: ARG002 a row has no nodes of its own
        return None


@dataclass(slots=True)
class Groups:
    """The groups of one SELECT, which become one measure: names are its group keys and aggregates."""

    measure: str
    place: exp.Select
    rows: Rows
    source: Relation
    keys: dict[Expression, tuple[Output, Type]] = field(default_factory=dict)
    aggregates: dict[tuple[AggregateFunction, Expression | None, Expression | None], Aggregate] = field(
        default_factory=dict
    )
    known: dict[str, Typed] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def lower(self, node: exp.Expr) -> Typed:
        return Scalars(self.rows.state, self).lower(node)

    def predicate(self, node: exp.Expr) -> Typed:
        return Scalars(self.rows.state, self).predicate(node)

    def add_key(self, node: exp.Expr) -> None:
        """Groups by an expression over the rows. Refuses `sql.unit_value`."""
        state = self.rows.state
        key = self.rows.lower(node)
        if key.type in _NO_VALUE:
            raise state.refuse("sql.unit_value", node)
        if key.type is None or isinstance(key.expression, Literal):
            raise state.refuse("sql.unsupported", node, what="GROUP BY a constant")
        if key.expression not in self.keys:
            self.keys[key.expression] = Output(state.fresh("k", node), key.expression), key.type

    def measured(self, node: exp.Expr) -> bool:
        """Whether the node needs an aggregate, itself or by an alias."""
        for part in node.walk():
            if aggregates(part) or (isinstance(part, exp.Column) and self._alias(part) is not None):
                return True
        return False

    def column(self, node: exp.Column) -> Typed:
        raise self.rows.unknown(node)

    def special(self, node: exp.Expr) -> Typed | None:
        if not self.measured(node):
            return self._grouped(self.rows.lower(node), node)
        if aggregates(node) or isinstance(node, exp.Filter):
            return self._aggregate(node)
        if isinstance(node, exp.Column):
            alias = self._alias(node)
            return None if alias is None else self._shared(alias)
        return None

    def _shared(self, alias: str) -> Typed:
        if alias not in self.known:
            self.open.add(alias)
            self.known[alias] = self.lower(self.rows.aliases[alias])
            self.open.discard(alias)
        self.rows.state.spend(self.known[alias].size)
        return self.known[alias]

    def _alias(self, node: exp.Column) -> str | None:
        """The alias with an aggregate that a name means, unless it means a group key."""
        alias = fold(node.name)
        if node.table or alias not in self.rows.aliases or alias in self.open:
            return None
        found = self.rows.find(node)
        if found is not None and Ref(found.ref) in self.keys:
            return None
        self.open.add(alias)
        needed = self.measured(self.rows.aliases[alias])
        self.open.discard(alias)
        return alias if needed else None

    def _grouped(self, typed: Typed, node: exp.Expr) -> Typed:
        """An expression over the rows as one over the group keys. Refuses `sql.not_grouped`."""
        expression = self._over_keys(typed.expression, node)
        key = self.keys.get(typed.expression)
        return Typed(expression, typed.type if key is None else key[1], typed.size)

    def _over_keys(self, expression: Expression, node: exp.Expr) -> Expression:
        if expression in self.keys:
            return Ref(self.keys[expression][0].name)
        match expression:
            case Ref(name):
                raise self._not_grouped(name, node)
            case Call(function, arguments):
                return Call(function, tuple(self._over_keys(one, node) for one in arguments))
        return expression

    def _not_grouped(self, ref: str, node: exp.Expr) -> Exception:
        columns = [column for source in self.rows.scope.sources for column in source.columns if column.ref == ref]
        column = columns[0]
        named = [one for one in node.find_all(exp.Column) if fold(one.name) == fold(column.name)]
        place = named[0] if named else node
        code = "sql.unit_value" if column.type in _NO_VALUE else "sql.not_grouped"
        return self.rows.state.refuse(code, place, column=column.name)

    def _aggregate(self, node: exp.Expr) -> Typed:
        state = self.rows.state
        call, condition = node, None
        if isinstance(node, exp.Filter):
            call, condition = node.this, self.rows.predicate(node.expression.this).expression
            if not aggregates(call):
                raise state.refuse("sql.unsupported", node, what="FILTER here")
        function, argument, extra, type_ = self._asked(call)
        terms = [one for one in (condition, extra) if one is not None]
        filter_ = terms[0] if len(terms) == 1 else Call("and", tuple(terms)) if terms else None
        asked = function, argument, filter_
        if asked not in self.aggregates:
            name = state.fresh("a", node)
            self.aggregates[asked] = Aggregate(name, function, argument, filter_)
            if isinstance(inner := call.this, exp.Expr):
                state.locate(f"{name}.argument", inner)
            elif call.expressions:
                state.locate(f"{name}.argument", call.expressions[0])
            if isinstance(node, exp.Filter):
                state.locate(f"{name}.filter", node.expression.this)
        return Typed(Ref(self.aggregates[asked].name), type_, 1)

    def _asked(self, call: exp.Expr) -> tuple[AggregateFunction, Expression | None, Expression | None, Type]:
        """Function, argument, filter of its own, and type of an aggregate."""
        inner = call.expressions[0] if isinstance(call, exp.Anonymous) and call.expressions else call.this
        match call:
            case exp.Count(this=exp.Distinct(expressions=counted)):
                return AggregateFunction.UNITS, None, self._units(call, counted), Type.INTEGER
            case exp.Count(this=None | exp.Star()):
                return AggregateFunction.ROWS, None, None, Type.INTEGER
            case exp.Count():
                return *self._rows(inner), Type.INTEGER
            case exp.CountIf():
                return AggregateFunction.ROWS, None, self.rows.predicate(inner).expression, Type.INTEGER
        if isinstance(inner, exp.Distinct) or not isinstance(inner, exp.Expr):
            raise self.rows.state.refuse("sql.unsupported", call, what="DISTINCT here")
        argument = self.rows.lower(inner)
        if argument.type in _NO_VALUE:
            raise self.rows.state.refuse("sql.unit_value", inner)
        if argument.type not in (Type.INTEGER, Type.DOUBLE):
            name = "sum" if isinstance(call, exp.Sum) else "avg"
            raise self.rows.state.refuse("plan.type", inner, function=name, types=argument.type or "NULL")
        if isinstance(call, exp.Sum):
            return AggregateFunction.SUM, argument.expression, None, argument.type
        return AggregateFunction.AVG, argument.expression, None, Type.DOUBLE

    def _rows(self, inner: exp.Expr) -> tuple[AggregateFunction, Expression | None, Expression | None]:
        """COUNT(x): rows where x is not NULL."""
        counted = self.rows.lower(inner)
        match counted:
            case Typed(expression=Literal(value=None)):
                raise self.rows.state.refuse("sql.unsupported", inner, what="COUNT(NULL)")
            case Typed(expression=Literal()) | Typed(type=Type.UNIT):
                return AggregateFunction.ROWS, None, None
            case Typed(type=Type.PRESENCE):
                return AggregateFunction.ROWS, None, Call("is_not_null", (counted.expression,))
        return AggregateFunction.ROWS, counted.expression, None

    def _units(self, call: exp.Expr, counted: Sequence[exp.Expr]) -> Expression | None:
        """The filter of COUNT(DISTINCT unit), of its CASE form too. Refuses `sql.count_distinct`."""
        inner = counted[0].unnest() if len(counted) == 1 else None
        match inner:
            case exp.Case(this=None) if len(inner.args["ifs"]) == 1 and inner.args.get("default") is None:
                branch = inner.args["ifs"][0]
                extra = self._presence(branch.args["true"].unnest(), call)
                condition = self.rows.predicate(branch.this).expression
                return condition if extra is None else Call("and", (condition, extra))
            case exp.Expr():
                return self._presence(inner, call)
        raise self.rows.state.refuse("sql.count_distinct", call)

    def _presence(self, node: exp.Expr, call: exp.Expr) -> Expression | None:
        unit = self.rows.lower(node)
        if unit.type is Type.UNIT:
            return None
        if unit.type is Type.PRESENCE:
            return Call("is_not_null", (unit.expression,))
        raise self.rows.state.refuse("sql.count_distinct", call)


def aggregates(node: exp.Expr) -> bool:
    """Whether the node is an aggregate."""
    named = isinstance(node, exp.Anonymous) and node.name.lower() == "mean"
    return named or isinstance(node, AGGREGATES)
