"""What an expression can mean in a SELECT: over its rows, or over its groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from sqlglot import exp

from query_gateway.sql.aggregates import GROUPING, NUMBERS, PAIRS, aggregates
from query_gateway.sql.functions import written
from query_gateway.sql.levels import Sets
from query_gateway.sql.quantiles import fraction_of, function_of, quantile
from query_gateway.sql.scalar import Scalars, Typed, presence
from query_gateway.sql.schema import fold
from query_gateway.sql.scope import Column, Scope
from query_gateway.sql.state import State
from query_gateway.sql.values import Asked, scalar
from query_gateway.sql.windows import Windows
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Expression,
    Literal,
    Mark,
    Output,
    Ref,
    Relation,
    Type,
)

Ask: TypeAlias = Callable[[exp.Select, Asked, "Rows | None"], Typed]
"""The value of a scalar subquery, among what was asked before; it may name columns of the rows."""
_NO_VALUE = (Type.UNIT, Type.PRESENCE)


class Subqueries(Protocol):
    """What the subqueries in expressions over rows mean."""

    def value(self, rows: Rows, node: exp.Expr) -> Typed | None:
        """The value of a subquery; None of what is none."""

    def passes(self, rows: Rows, node: exp.Expr) -> Expression | None:
        """A predicate that is true where a subquery, or the negation of one, is true; None of what is neither."""


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
    windows: Windows | None = None
    """Of the select list, QUALIFY and ORDER BY; elsewhere there are none."""
    subqueries: Subqueries | None = None
    ask: Ask | None = None
    asked: Asked = field(default_factory=Asked)
    domain: str | None = None
    """Unit domain of the rows; None when public."""
    released: bool = False
    outer: Rows | None = None
    """The rows around a subquery."""
    borrowed: set[str] = field(default_factory=set)
    """Columns of the rows around it that a subquery reads."""
    marks: list[Mark] = field(default_factory=list)
    """Subqueries met and not yet part of the relation; their source is whatever relation is made next."""
    marked: set[str] = field(default_factory=set)
    """The names of all marks so far."""

    def attached(self, relation: Relation) -> Relation:
        """The relation with the values and marks that its expressions read: marks may read values."""
        relation = self.asked.attached(relation)
        for mark in self.marks:
            relation = replace(mark, source=relation)
        self.marks.clear()
        return relation

    def lower(self, node: exp.Expr) -> Typed:
        return Scalars(self.state, self).lower(node)

    def predicate(self, node: exp.Expr) -> Typed:
        return Scalars(self.state, self).predicate(node)

    def find(self, node: exp.Column) -> Column | None:
        """The column that a name means, of these rows or of those around them. Refuses `sql.correlated`."""
        outer, span = self.outer, self.state.places.span(node)
        if outer is None or not node.table or self.scope.names(node.table):
            found = self.scope.find(node.table or None, node.name, span)
            if found is not None or outer is None or (not node.table and fold(node.name) in self.aliases):
                return found
        if outer.outer is not None and (not node.table or not outer.scope.names(node.table)):
            raise self.state.refuse("sql.correlated", node, column=node.name)
        found = outer.scope.find(node.table or None, node.name, span)
        self.borrowed |= set() if found is None else {found.ref}
        return found

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
        return Typed(column.expression, column.type, 1)

    def unknown(self, node: exp.Column) -> Exception:
        return self.state.refuse("sql.unknown_column", node, **self.scope.unknown(node.name))

    def special(self, node: exp.Expr) -> Typed | None:
        if isinstance(node, exp.Window):
            if self.windows is None:
                raise self.state.refuse("sql.window_place", node)
            return self.windows.lower(node, self)
        if isinstance(node, exp.Coalesce) and self.scope.either is not None:
            return self._either(node, *self.scope.either)
        query = scalar(node)
        if query is not None and self.ask is not None:
            return self.ask(query, self.asked, self)
        return None if self.subqueries is None else self.subqueries.value(self, node)

    def condition(self, node: exp.Expr) -> Expression:
        """A condition that rows must pass: of a subquery's value only whether it is true matters."""
        found = None if self.subqueries is None else self.subqueries.passes(self, node)
        return self.predicate(node).expression if found is None else found

    def _either(self, node: exp.Coalesce, left: frozenset[str], right: frozenset[str]) -> Typed | None:
        """COALESCE of the unit keys of both sides of a FULL JOIN: the unit key."""
        parts = [node.this, *node.expressions]
        columns = [self.find(part) for part in parts if isinstance(part, exp.Column)]
        found = {column.ref: column for column in columns if column is not None}
        if len(columns) < len(parts) or not (found.keys() & left and found.keys() & right):
            return None
        if not found.keys() <= left | right:
            return None
        return self.read(replace(next(iter(found.values())), type=Type.UNIT), node)


@dataclass(slots=True)
class Groups:
    """The groups of one SELECT, which become one measure: names are its group keys and aggregates."""

    measure: str
    place: exp.Select
    rows: Rows
    source: Relation
    keys: dict[Expression, tuple[Output, Type]] = field(default_factory=dict)
    aggregates: dict[tuple[object, ...], Aggregate] = field(default_factory=dict)
    """By function, arguments and filter."""
    known: dict[str, Typed] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    asked: Asked = field(default_factory=Asked)
    windows: Windows | None = None
    sets: Sets | None = None

    def lower(self, node: exp.Expr) -> Typed:
        return Scalars(self.rows.state, self).lower(node)

    def predicate(self, node: exp.Expr) -> Typed:
        return Scalars(self.rows.state, self).predicate(node)

    def attached(self, relation: Relation) -> Relation:
        """The relation with the values that its expressions read."""
        return self.asked.attached(relation)

    def begin(self) -> None:
        """One use of the groups: each asks its subqueries anew."""
        self.known, self.asked = {}, Asked()

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

    def measured(self, node: exp.Expr, *, alone: bool = False) -> bool:
        """Whether the node needs an aggregate or a scalar subquery, itself or by an alias; the latter, where `alone` is
        asked, beside no column of the rows.
        """
        parts = list(node.walk(prune=lambda one: isinstance(one, exp.Query)))
        columns = [part for part in parts if isinstance(part, exp.Column)]
        if any(aggregates(part) or isinstance(part, exp.Window) for part in parts) or any(map(self._alias, columns)):
            return True
        return any(scalar(part) is not None for part in parts) and not (alone and columns)

    def column(self, node: exp.Column) -> Typed:
        raise self.rows.unknown(node)

    def special(self, node: exp.Expr) -> Typed | None:
        if isinstance(node, exp.Window) and self.windows is not None:
            return self.windows.lower(node, self)
        if (key := self._asked_key(node)) is not None:
            return key
        if not self.measured(node):
            return self._grouped(self.rows.lower(node), node)
        query = scalar(node)
        if query is not None and self.rows.ask is not None:
            return self.rows.ask(query, self.asked, None)
        if aggregates(node) or isinstance(node, exp.Filter):
            return self._aggregate(node)
        if isinstance(node, exp.Window):
            raise self.rows.state.refuse("sql.window_place", node)
        if isinstance(node, exp.Column):
            alias = self._alias(node)
            return None if alias is None else self._shared(alias)
        return None

    def _asked_key(self, node: exp.Expr) -> Typed | None:
        """The group key that an expression with subqueries is, all of which were asked of the rows."""
        parts = list(node.walk(prune=lambda one: isinstance(one, exp.Query)))
        queries = [query for one in parts if (query := scalar(one)) is not None]
        known = all(one in self.rows.asked.values for one in queries)
        if not queries or not known or any(map(aggregates, parts)):
            return None
        found = self.rows.lower(node)
        return self._grouped(found, node) if found.expression in self.keys else None

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
        if not columns:
            return self.rows.state.refuse("sql.not_grouped", node, column=self.rows.state.places.text(node))
        column = columns[0]
        named = [one for one in node.find_all(exp.Column) if fold(one.name) == fold(column.name)]
        place = named[0] if named else node
        code = "sql.unit_value" if column.type in _NO_VALUE else "sql.not_grouped"
        return self.rows.state.refuse(code, place, column=column.name)

    def _grouping(self, node: exp.Expr) -> Typed:
        """GROUPING of some group keys. Refuses `sql.not_grouped`."""
        asked = [self.rows.lower(one).expression for one in node.expressions]
        for one, part in zip(asked, node.expressions, strict=True):
            if one not in self.keys:
                raise self.rows.state.refuse("sql.not_grouped", part, column=self.rows.state.places.text(part))
        found = Literal(Type.INTEGER, 0) if self.sets is None or not asked else self.sets.grouping(asked, self.keys)
        return Typed(found, Type.INTEGER, 4 * len(asked) + 1)

    def _aggregate(self, node: exp.Expr) -> Typed:
        if isinstance(node, GROUPING):
            return self._grouping(node)
        state = self.rows.state
        call, condition = node, None
        if isinstance(node, exp.Filter):
            call, condition = node.this, self.rows.predicate(node.expression.this).expression
            if not aggregates(call):
                raise state.refuse("sql.unsupported", node, what="FILTER here")
        function, argument, extra, type_ = self._asked(call)
        other = self._number(call, call.expression).expression if type(call) in PAIRS else None
        terms = [one for one in (condition, extra) if one is not None]
        filter_ = terms[0] if len(terms) == 1 else Call("and", tuple(terms)) if terms else None
        fraction = fraction_of(call, self.rows.lower, state)
        asked = function, argument, other, filter_, fraction
        if asked not in self.aggregates:
            name = state.fresh("a", node)
            self.aggregates[asked] = Aggregate(name, function, argument, filter_, other, fraction)
            ranked = quantile(call, state)
            if isinstance(inner := call.this if ranked is None else ranked.argument, exp.Expr):
                state.locate(f"{name}.argument", inner)
            elif call.expressions:
                state.locate(f"{name}.argument", call.expressions[0])
            if other is not None:
                state.locate(f"{name}.other", call.expression)
            if isinstance(node, exp.Filter):
                state.locate(f"{name}.filter", node.expression.this)
        return Typed(Ref(self.aggregates[asked].name), type_, 1)

    def _asked(self, call: exp.Expr) -> tuple[AggregateFunction, Expression | None, Expression | None, Type]:
        """Function, argument, filter of its own, and type of an aggregate."""
        inner = call.expressions[0] if isinstance(call, exp.Anonymous) and call.expressions else call.this
        match call:
            case exp.Count(this=exp.Distinct(expressions=counted)):
                return *self._distinct(call, counted), Type.INTEGER
            case exp.Count(this=None | exp.Star()):
                return AggregateFunction.ROWS, None, None, Type.INTEGER
            case exp.Count():
                return *self._rows(inner), Type.INTEGER
            case exp.CountIf():
                return AggregateFunction.ROWS, None, self.rows.predicate(inner).expression, Type.INTEGER
        ranked = quantile(call, self.rows.state)
        if ranked is not None:
            argument = self._number(call, ranked.argument)
            return ranked.function, argument.expression, None, ranked.type(argument.type)
        if not isinstance(call, exp.Anonymous) and type(call) not in (*NUMBERS, *PAIRS):
            state = self.rows.state
            raise state.refuse("sql.aggregate", call, function=written(call, state.places))
        argument = self._number(call, inner)
        function = function_of(call)
        match function:
            case AggregateFunction.SUM:
                return function, argument.expression, None, argument.type or Type.INTEGER
            case AggregateFunction.REGR_COUNT:
                return function, argument.expression, None, Type.INTEGER
        return function, argument.expression, None, Type.DOUBLE

    def _number(self, call: exp.Expr, inner: exp.Expr | None) -> Typed:
        """A number over the rows. Refuses `sql.unsupported`, `sql.unit_value`, `plan.type`."""
        if isinstance(inner, exp.Distinct) or not isinstance(inner, exp.Expr):
            raise self.rows.state.refuse("sql.unsupported", call, what="DISTINCT here")
        argument = self.rows.lower(inner)
        if argument.type in _NO_VALUE:
            raise self.rows.state.refuse("sql.unit_value", inner)
        if argument.type not in (Type.INTEGER, Type.DOUBLE):
            types = argument.type or "NULL"
            raise self.rows.state.refuse("plan.type", inner, function=function_of(call).value, types=types)
        return argument

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

    def _distinct(
        self, call: exp.Expr, counted: Sequence[exp.Expr]
    ) -> tuple[AggregateFunction, Expression | None, Expression | None]:
        """COUNT(DISTINCT …) of the unit, of its CASE form too, or of any value. Refuses `sql.count_distinct`."""
        if len(counted) != 1:
            raise self.rows.state.refuse("sql.count_distinct", call)
        match inner := counted[0].unnest():
            case exp.Case(this=None) if len(inner.args["ifs"]) == 1 and inner.args.get("default") is None:
                branch = inner.args["ifs"][0]
                shown = self.rows.lower(branch.args["true"].unnest())
                if shown.type in _NO_VALUE:
                    condition = self.rows.predicate(branch.this).expression
                    extra = presence(shown)
                    joined = condition if extra is None else Call("and", (condition, extra))
                    return AggregateFunction.UNITS, None, joined
        found = self.rows.lower(inner)
        if found.type in _NO_VALUE:
            return AggregateFunction.UNITS, None, presence(found)
        if found.type is None:
            raise self.rows.state.refuse("sql.unsupported", inner, what="COUNT(NULL)")
        return AggregateFunction.DISTINCT, found.expression, None
