"""The hidden columns that tell of which released cells a row is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.operands import Parameters, call, cast, number
from sandbox.engines.sources import Source, named, ordered
from sandbox.plan.nodes import Call, Distinct, Expression, Literal, Ref, Type, Union, Window, Windowed
from sandbox.plan.origins import LONGEST, Exact, Marker, Members, Node, Rows, Trace, cell, noisy, parts, told
from sandbox.plan.values import Values

CARRIED = frozenset({Type.INTEGER, Type.DOUBLE, Type.BOOLEAN})
"""Types of values that are carried along."""


@dataclass(slots=True)
class Carried:
    """The origins of expressions over one relation, and the hidden columns that they need."""

    trace: Trace
    scope: Mapping[str, Rendered]
    parameters: Parameters
    markers: dict[str, Marker]
    columns: dict[str, exp.Expr] = field(default_factory=dict)
    """To be selected beside the relation's own, by name."""
    written: dict[Expression, Ref] = field(default_factory=dict)

    def origin(self, expression: Expression) -> Expression | None:
        """The expression over markers and cells, where it is known and not too long."""
        found = self._placed(expression)
        return None if found is None or len(parts(found)) > LONGEST else found

    def chosen(self, condition: Expression) -> Trace:
        """The trace of the rows for which it is true."""
        if not self.trace.touches(condition):
            return self.trace
        return replace(self.trace, chosen=(*self.trace.chosen, self.origin(condition)))

    @property
    def outputs(self) -> list[exp.Expr]:
        return [named(sql, name) for name, sql in self.columns.items()]

    def carry(self, sql: exp.Expr, type_: Type) -> Ref:
        """A hidden column for a value without noise."""
        name = self.parameters.fresh("v")
        self.markers[name] = Exact(type_)
        self.columns[name] = sql
        return Ref(name)

    def _placed(self, expression: Expression) -> Expression | None:
        if isinstance(expression, Literal):
            return expression
        if not self.trace.touches(expression):
            return self._exact(expression)
        match expression:
            case Ref(name):
                return self.trace.origins.get(name)
            case Call(name, arguments):
                placed = [self._placed(argument) for argument in arguments]
                found = tuple(one for one in placed if one is not None)
                return Call(name, found) if len(found) == len(arguments) else None

    def _exact(self, expression: Expression) -> Expression | None:
        if expression not in self.written:
            found = render_expression(expression, self.scope, self.parameters)
            if found.values.type not in CARRIED:
                return None
            self.written[expression] = self.carry(found.sql, found.values.type)
        return self.written[expression]


@dataclass(slots=True)
class Told:
    """What a node makes of the noise in its source, and the hidden columns that tell which rows its own are made of."""

    node: Node
    trace: Trace
    """Of the source."""
    parameters: Parameters
    markers: dict[str, Marker]
    columns: dict[str, exp.Expr] = field(default_factory=dict)
    """To be selected beside the node's own, by name."""
    origins: dict[str, Expression] = field(default_factory=dict)

    @property
    def outputs(self) -> list[exp.Expr]:
        return [named(sql, name) for name, sql in self.columns.items()]

    @property
    def functions(self) -> list[Windowed]:
        """The functions of a window that can be told of."""
        names = told(self.node, self.trace)
        return [one for one in self.node.functions if one.name in names] if isinstance(self.node, Window) else []

    def tell(self, name: str, type_: Type, at: Sequence[str], own: Expression | None = None) -> None:
        """That a column is made of the rows at these numbers."""
        marker = self.parameters.fresh("m")
        self.markers[marker] = Members(self.node, name, type_, tuple(at), own)
        self.origins[name] = Ref(marker)

    def grouped(self, keys: Sequence[exp.Expr], columns: Mapping[str, Values]) -> Trace:
        """The trace of groups with these keys, or of rows that differ in them, as columns that hold these values."""
        if names := told(self.node, self.trace):
            at = self.parameters.fresh("v")
            self.markers[at] = Exact(Type.INTEGER)
            self.columns[at] = numbered(keys)
            for name in names:
                self.tell(name, columns[name].type, [at])
        found = noisy(self.node, self.trace)
        merged = isinstance(self.node, Distinct) and found
        return Trace(found, self.origins, (None,) if self.trace.chosen or merged else ())

    def window(self) -> Trace:
        """The trace of the source's rows with the window's columns."""
        found = self.trace.noisy | noisy(self.node, self.trace)
        return replace(self.trace, noisy=found, origins={**self.trace.origins, **self.origins})


def released(marker: str, measure: str, aggregates: frozenset[str], markers: dict[str, Marker]) -> Trace:
    """The trace of a released relation whose rows the marker tells."""
    markers[marker] = Rows(measure)
    return Trace(aggregates, {name: cell(marker, name) for name in aggregates})


def united(
    union: Union, sides: Sequence[Source], aliases: Sequence[str], parameters: Parameters, markers: dict[str, Marker]
) -> tuple[Trace, tuple[list[exp.Expr], list[exp.Expr]]]:
    """The trace of a union, and the hidden columns of either branch: its number, and the markers of both.

    A column is of the branch that the row is of.
    """
    scopes = [
        {name: Rendered(column(alias, name), values) for name, values in side.columns.items()}
        for side, alias in zip(sides, aliases, strict=True)
    ]
    left, right = (Carried(side.trace, scope, parameters, markers) for side, scope in zip(sides, scopes, strict=True))
    noisy = frozenset(
        one.name for one in union.columns if left.trace.touches(Ref(one.left)) or right.trace.touches(Ref(one.right))
    )
    chosen = left.trace.chosen + right.trace.chosen
    if not noisy and not chosen:
        return Trace(), ([], [])
    branch = parameters.fresh("v")
    markers[branch] = Exact(Type.INTEGER)

    def either(one: Expression, other: Expression) -> Expression:
        return Call("case", (Call("equal", (Ref(branch), Literal(Type.INTEGER, 0))), one, other))

    true = Literal(Type.BOOLEAN, value=True)
    origins = dict[str, Expression]()
    for each in union.columns:
        if each.name in noisy:
            one, other = left.origin(Ref(each.left)), right.origin(Ref(each.right))
            if one is not None and other is not None:
                origins[each.name] = either(one, other)
    conditions = [None if one is None else either(one, true) for one in left.trace.chosen]
    conditions += [None if one is None else either(true, one) for one in right.trace.chosen]
    hidden = [
        {name: column(alias, name) for name in side.hidden if name in markers} | mine.columns
        for side, alias, mine in zip(sides, aliases, (left, right), strict=True)
    ]
    carried = [*hidden[0], *hidden[1]]
    branches = [
        [named(cast(number(place), "BIGINT"), branch), *(named(own.get(name, exp.Null()), name) for name in carried)]
        for place, own in enumerate(hidden)
    ]
    ranked = left.trace.ranked or right.trace.ranked
    return Trace(noisy, origins, tuple(conditions), ranked), (branches[0], branches[1])


def numbered(keys: Sequence[exp.Expr]) -> exp.Expr:
    """The number of a row's group among all groups, from 1, in the order of their keys."""
    if not keys:
        return cast(number(1), "BIGINT")
    return exp.Window(this=call("DENSE_RANK"), order=ordered([(key, False) for key in keys]))
