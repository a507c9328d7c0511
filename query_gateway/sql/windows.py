"""Window functions of one SELECT: over private rows within each unit, over public ones in any partition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from sqlglot import exp

from query_gateway.sql.scalar import Context, Scalars, Typed
from query_gateway.sql.schema import fold
from query_gateway.sql.state import State
from sandbox.plan.folds import DISTANCES, FRAMED, NUMBERED, PICKED, SHARES, SHIFTED
from sandbox.plan.nodes import (
    Call,
    Expression,
    Literal,
    Order,
    Ref,
    Type,
    Windowed,
)
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction

_NO_VALUE = (Type.UNIT, Type.PRESENCE)
FUNCTIONS: Mapping[type[exp.Expr], WindowFunction] = {
    exp.RowNumber: WindowFunction.ROW_NUMBER,
    exp.Rank: WindowFunction.RANK,
    exp.DenseRank: WindowFunction.DENSE_RANK,
    exp.PercentRank: WindowFunction.PERCENT_RANK,
    exp.CumeDist: WindowFunction.CUME_DIST,
    exp.Ntile: WindowFunction.NTILE,
    exp.Lag: WindowFunction.LAG,
    exp.Lead: WindowFunction.LEAD,
    exp.FirstValue: WindowFunction.FIRST_VALUE,
    exp.LastValue: WindowFunction.LAST_VALUE,
    exp.NthValue: WindowFunction.NTH_VALUE,
    exp.Count: WindowFunction.ROWS,
    exp.CountIf: WindowFunction.ROWS,
    exp.Sum: WindowFunction.SUM,
    exp.Avg: WindowFunction.AVG,
    exp.Min: WindowFunction.MIN,
    exp.Max: WindowFunction.MAX,
}
_PARTS = {"": None, "day": 1, "week": 7}
"""Days of the intervals that a frame may count."""


@dataclass(frozen=True, slots=True)
class _Over:
    """What stands after OVER, a named window's parts put in."""

    args: Mapping[str, Any]


@dataclass(slots=True)
class Windows:
    """Collects the window functions of a SELECT, equal ones once."""

    state: State
    private: bool
    named: Mapping[str, exp.Window]
    """Those of the WINDOW clause, by folded name."""
    of_unit: Callable[[Sequence[Expression]], bool]
    """Whether columns lead to one row of a unit: then rows where they are equal are of one unit."""
    functions: dict[Windowed, Windowed] = field(default_factory=dict)
    open: bool = False
    """Whether one is being lowered: none may stand in another."""

    def lower(self, node: exp.Window, context: Context) -> Typed:
        """The function's column. Refuses: `sql.window`, `sql.window_place`, `sql.unit_value`, `plan.type`, …"""
        if self.open:
            raise self.state.refuse("sql.window_place", node)
        self.open = True
        scalars = Scalars(self.state, context)
        over = self._over(node)
        partition = [scalars.lower(part) for part in over.args.get("partition_by") or []]
        if any(part.type is Type.PRESENCE for part in partition):
            raise self.state.refuse("sql.unit_value", node)
        unit = any(part.type is Type.UNIT for part in partition)
        if self.private and not unit and not self.of_unit([part.expression for part in partition]):
            raise self.state.refuse("sql.window", node)
        parts = tuple(part.expression for part in partition if part.type is not Type.UNIT)
        order = self.order(over, scalars)
        found, type_ = self._function(node.this, scalars)
        frame = self._frame(over, found, order, node)
        made = replace(found, partition=parts, order=order[0], frame=frame)
        self.open = False
        if made not in self.functions:
            name = self.state.fresh("w", node)
            self.state.locate(f"{name}.argument", node.this)
            self.functions[made] = replace(made, name=name)
        return Typed(Ref(self.functions[made].name), type_, 1)

    def _over(self, node: exp.Window) -> exp.Window | _Over:
        """The window, with what a named one says."""
        alias = node.args.get("alias")
        if alias is None:
            return node
        base = self.named.get(fold(alias.name))
        if base is None:
            raise self.state.refuse("sql.unsupported", node, what=f"the window {alias.name}")
        merged = self._over(base) if base.args.get("alias") is not None else base
        own = {name: node.args[name] for name in ("partition_by", "order", "spec") if node.args.get(name)}
        if "partition_by" in own:
            raise self.state.refuse("sql.unsupported", node, what="PARTITION BY of a named window")
        given = {name: merged.args.get(name) for name in ("partition_by", "order", "spec")}
        return _Over({**given, **own})

    def order(self, over: exp.Window | _Over, scalars: Scalars) -> tuple[tuple[Order, ...], tuple[Type | None, ...]]:
        """The terms of its ORDER BY, and their types."""
        clause = over.args.get("order")
        terms, types = [], []
        for term in clause.expressions if clause is not None else []:
            found = scalars.lower(term.this)
            if found.type in _NO_VALUE:
                raise self.state.refuse("sql.unit_value", term)
            if isinstance(found.expression, Literal):
                raise self.state.refuse("sql.unsupported", term, what="ORDER BY a constant")
            terms.append(Order(found.expression, bool(term.args.get("desc")), bool(term.args.get("nulls_first"))))
            types.append(found.type)
        return tuple(terms), tuple(types)

    def _function(self, node: exp.Expr, scalars: Scalars) -> tuple[Windowed, Type]:
        """Function, argument, filter, number and default; and the type of the result."""
        condition: Expression | None = None
        call = node
        if isinstance(node, exp.Filter):
            call, condition = node.this, scalars.predicate(node.expression.this).expression
        named = isinstance(call, exp.Anonymous) and call.name.lower() == "mean"
        function = WindowFunction.AVG if named else FUNCTIONS.get(type(call))
        if function is None:
            raise self.state.refuse("sql.unsupported", node, what="this function as a window")
        inner = call.expressions[0] if isinstance(call, exp.Anonymous) and call.expressions else call.this
        if isinstance(inner, exp.Distinct):
            raise self.state.refuse("sql.unsupported", node, what="DISTINCT in a window")
        if isinstance(call, exp.CountIf):
            tested = scalars.predicate(inner).expression
            condition = tested if condition is None else Call("and", (condition, tested))
            inner = None
        if function is WindowFunction.NTILE:
            tiles = self._number(inner, node)
            return Windowed("", function, None, None, tiles, None, (), (), None), Type.INTEGER
        argument = self._argument(function, inner, scalars, node)
        number, default = None, None
        if function in NUMBERED:
            number = self._number(call.args.get("offset"), node)
        if function in SHIFTED and call.args.get("default") is not None and argument is not None:
            default = self._default(call.args["default"], argument, scalars, node)
        type_ = self._type(function, argument, node)
        found = None if argument is None else argument.expression
        if condition is not None and function not in FRAMED:
            raise self.state.refuse("sql.unsupported", node, what="FILTER here")
        return Windowed("", function, found, condition, number, default, (), (), None), type_

    def _argument(self, function: WindowFunction, inner: object, scalars: Scalars, node: exp.Expr) -> Typed | None:
        if function in PICKED or function in SHIFTED or function in FRAMED:
            if function is WindowFunction.ROWS and (inner is None or isinstance(inner, exp.Star)):
                return None
            if not isinstance(inner, exp.Expr):
                raise self.state.refuse("sql.unsupported", node, what="this form of a window function")
            found = scalars.lower(inner)
            if found.type is Type.UNIT and function is WindowFunction.ROWS:
                return None
            if found.type in _NO_VALUE:
                raise self.state.refuse("sql.unit_value", inner)
            if isinstance(found.expression, Literal) and function is WindowFunction.ROWS and found.type is not None:
                return None
            if found.type is None:
                raise self.state.refuse("plan.type", inner, function=function.value, types="NULL")
            return found
        return None

    def _type(self, function: WindowFunction, argument: Typed | None, node: exp.Expr) -> Type:
        if function in SHARES:
            return Type.DOUBLE
        if function is WindowFunction.ROWS or argument is None or argument.type is None:
            return Type.INTEGER
        numbers = (Type.INTEGER, Type.DOUBLE)
        if function in (WindowFunction.SUM, WindowFunction.AVG) and argument.type not in numbers:
            raise self.state.refuse("plan.type", node, function=function.value, types=argument.type)
        return Type.DOUBLE if function is WindowFunction.AVG else argument.type

    def _number(self, node: object, place: exp.Expr) -> int:
        """A whole number; 1 where there is none."""
        match node:
            case None:
                return 1
            case exp.Literal(is_string=False) if node.name.isdecimal() and len(node.name) < 10:
                return int(node.name)
        raise self.state.refuse("sql.literal_argument", place, function="window", position="2")

    def _default(self, node: exp.Expr, argument: Typed, scalars: Scalars, place: exp.Expr) -> Literal | None:
        found = scalars.lower(node).expression
        match found:
            case Literal(_, None):
                return None
            case Literal(Type.INTEGER, int(value)) if argument.type is Type.DOUBLE:
                return Literal(Type.DOUBLE, Fraction(value))
            case Literal(type_) if type_ is argument.type:
                return found
            case Literal(type_):
                types = f"{argument.type}, {type_}"
                raise self.state.refuse("plan.type", place, function="lag", types=types)
        raise self.state.refuse("sql.literal_argument", place, function="window", position="3")

    def _frame(
        self,
        over: exp.Window | _Over,
        found: Windowed,
        order: tuple[tuple[Order, ...], tuple[Type | None, ...]],
        node: exp.Expr,
    ) -> Frame | None:
        """The rows it sees: up to the current one and those that tie with it, where nothing is said."""
        spec = over.args.get("spec")
        if found.function not in FRAMED and found.function not in PICKED:
            return None
        if spec is None:
            return Frame(FrameUnit.RANGE, None, 0)
        unit = FrameUnit(str(spec.args["kind"]).lower())
        start = self._end(spec.args.get("start"), spec.args.get("start_side"), node)
        end = self._end(spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"), node)
        distance = unit is FrameUnit.RANGE and bool(start or end)
        if distance and (len(order[1]) != 1 or order[1][0] not in DISTANCES):
            raise self.state.refuse("sql.unsupported", node, what="RANGE with a distance by this order")
        if (unit is FrameUnit.GROUPS and not order[0]) or (start is not None and end is not None and start > end):
            raise self.state.refuse("sql.unsupported", node, what="this frame")
        return Frame(unit, start, end)

    def _end(self, value: object, side: object, node: exp.Expr) -> int | None:
        """An end of a frame, counted from the current row; None: as far as there are rows."""
        if value == "CURRENT ROW":
            return 0
        if value == "UNBOUNDED":
            return None
        sign = -1 if side == "PRECEDING" else 1
        match value:
            case exp.Interval(this=exp.Literal() as amount) if amount.name.isdecimal() and len(amount.name) < 6:
                unit = value.args.get("unit")
                days = _PARTS.get(unit.name.lower().removesuffix("s") if isinstance(unit, exp.Var) else "")
                if days is not None:
                    return sign * days * int(amount.name)
            case exp.Literal(is_string=False) if value.name.isdecimal() and len(value.name) < 10:
                return sign * int(value.name)
        raise self.state.refuse("sql.unsupported", node, what="this frame")


def windowed(node: exp.Expr) -> bool:
    """Whether an aggregate is the function of a window."""
    parent = node.parent
    if isinstance(parent, exp.Filter) and parent.this is node:
        node, parent = parent, parent.parent
    return isinstance(parent, exp.Window) and parent.this is node


def clauses(select: exp.Select) -> Mapping[str, exp.Window]:
    """The windows of the WINDOW clause, by folded name."""
    found: Sequence[exp.Window] = select.args.get("windows") or []
    return {fold(one.this.name): one for one in found}
