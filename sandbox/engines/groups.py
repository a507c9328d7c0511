"""Groups, windows and distinct rows as SELECTs: of private relations within each unit, whatever the plan says.

Each is three SELECTs deep: what is read of each row, once; the engine's aggregates over it, of whole numbers where
anything is added up inside a unit; the results. A function of rows that an order does not tell apart gets the hidden
columns that do (rule 13).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from sqlglot import exp

from sandbox.engines.aggregates import Operand, parts, result
from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.operands import Parameters, binary, call, cast, in_order, number
from sandbox.engines.sources import ORDER, SEED, UNIT, Source, derived, named, put, select_from
from sandbox.engines.traces import Carried, Told, numbered
from sandbox.errors import Fault
from sandbox.plan.checked import Folded, Grid
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import FRAMED, NUMBERED, PICKED, SHIFTED
from sandbox.plan.lineage import placed
from sandbox.plan.nodes import (
    Distinct,
    Expression,
    Fold,
    Group,
    Literal,
    Order,
    Type,
    Window,
    Windowed,
)
from sandbox.plan.origins import RANKS, Exact, Marker, Trace
from sandbox.plan.window_functions import Frame, FrameUnit

EPOCH = "1970-01-01"


def distinct(
    node: Distinct, source: Source, parameters: Parameters, markers: dict[str, Marker], *, total: bool
) -> Source:
    """The different rows; of a private relation, of each unit. They tell themselves apart."""
    inner, alias = parameters.fresh("r"), parameters.fresh("r")
    hidden = (UNIT, SEED) if source.private else ()
    rows = [named(plain(column(inner, name), values.type), name) for name, values in source.columns.items()]
    rows += [named(column(inner, name), name) for name in hidden]
    select = select_from(rows, derived(source.select, inner)).distinct(copy=False)
    kept = [named(column(alias, name), name) for name in (*source.columns, *hidden)]
    order = {parameters.fresh("o"): name for name in (source.columns if total else ())}
    kept += [named(column(alias, name), hiding) for hiding, name in order.items()]
    traced = Told(node, source.trace, parameters, markers)
    trace = traced.grouped([column(alias, name) for name in source.columns], source.columns)
    outer = select_from([*kept, *traced.outputs], derived(select, alias))
    return Source(outer, source.columns, (*hidden, *order, *traced.columns), trace, tuple(order) if total else None)


def plain(value: exp.Expr, type_: Type) -> exp.Expr:
    """The value, negative zero made zero: which of the two stands for both is the engine's whim."""
    return binary(exp.Add, value, exp.Literal.number("0.0")) if type_ is Type.DOUBLE else value


@dataclass(slots=True)
class Grouping:
    """Renders what is done within groups or partitions of one source."""

    scope: Callable[[Source, str], Mapping[str, Rendered]]
    source: Source
    folded: Mapping[str, Folded]
    parameters: Parameters
    markers: dict[str, Marker]
    inner: str = field(init=False)
    rows: str = field(init=False)
    """Alias of what is read of each row."""
    outputs: list[exp.Expr] = field(init=False)
    known: Mapping[str, Rendered] = field(init=False)
    written: dict[tuple[Expression, Fraction | None], Rendered] = field(init=False)

    def __post_init__(self) -> None:
        self.inner, self.rows = self.parameters.fresh("r"), self.parameters.fresh("r")
        self.outputs, self.written = [], {}
        self.known = self.scope(self.source, self.inner)

    def group(self, node: Group, *, total: bool) -> Source:
        """One row per group; of a private source, per unit and group."""
        hidden = (UNIT, SEED) if self.source.private else ()
        names = tuple(key.name for key in node.keys)
        keys = {key.name: render_expression(key.expression, self.known, self.parameters) for key in node.keys}
        self.outputs = [named(column(self.inner, name), name) for name in hidden]
        self.outputs += [named(plain(key.sql, key.values.type), name) for name, key in keys.items()]
        if any(fold.function is FoldFunction.FIRST for fold in node.folds):
            self.outputs += [named(column(self.inner, name), name) for name in self._ties]
        grouped = [named(column(self.rows, UNIT), UNIT), named(exp.Min(this=column(self.rows, SEED)), SEED)]
        grouped = grouped[: len(hidden)] + [named(column(self.rows, name), name) for name in names]
        last = self.parameters.fresh("r")
        made = [named(column(last, name), name) for name in (*hidden, *names)]
        columns = {name: key.values for name, key in keys.items()}
        for fold in node.folds:
            pieces = parts(fold.function, self._operand(fold))
            grouped += [
                named(self._filtered(piece, fold.filter), _part(fold.name, end)) for end, piece in pieces.items()
            ]
            found = {end: column(last, _part(fold.name, end)) for end in pieces}
            made.append(named(result(fold.function, found, self.folded[fold.name], self.parameters), fold.name))
            columns[fold.name] = self.folded[fold.name].values
        order = {self.parameters.fresh("o"): name for name in (names if total else ())}
        made += [named(column(last, name), hiding) for hiding, name in order.items()]
        traced = Told(node, self.source.trace, self.parameters, self.markers)
        trace = traced.grouped([column(last, name) for name in names], columns)
        made += traced.outputs
        inside = select_from(grouped, self._inside())
        if by := [column(self.rows, name) for name in (*hidden[:1], *names)]:
            inside.set("group", exp.Group(expressions=by))
        select = select_from(made, derived(inside, last))
        hidden = (*hidden, *order, *traced.columns)
        return Source(select, columns, hidden, trace, tuple(order) if total else None)

    def window(self, node: Window) -> Source:
        """The source's rows, with a column more for each function."""
        source = self.source
        self.outputs = [named(column(self.inner, name), name) for name in source.names]
        placed_ = [named(column(self.rows, name), name) for name in source.names]
        last = self.parameters.fresh("r")
        made = [named(column(last, name), name) for name in source.names]
        columns = dict(source.columns)
        for one in node.functions:
            found = self.folded[one.name]
            for end, piece in self._pieces(one).items():
                placed_.append(named(self._over(piece, one), _part(one.name, end)))
            ends = {end: column(last, _part(one.name, end)) for end in self._pieces(one)}
            fold = FRAMED.get(one.function)
            value = ends[""] if fold is None else result(fold, ends, found, self.parameters)
            made.append(named(value, one.name))
            columns[one.name] = found.values
        trace, hidden = self._traced(node, placed_)
        made += [named(column(last, name), name) for name in hidden]
        inside = select_from(placed_, self._inside())
        select = select_from(made, derived(inside, last))
        return replace(source, select=select, columns=columns, hidden=(*source.hidden, *hidden), trace=trace)

    def _traced(self, node: Window, placed_: list[exp.Expr]) -> tuple[Trace, tuple[str, ...]]:
        """The trace of a window, and the hidden columns that it takes: they are put among what is placed."""
        traced = Told(node, self.source.trace, self.parameters, self.markers)
        carried = Carried(self.source.trace, self.known, self.parameters, self.markers)
        ends = dict[str, exp.Expr]()
        for one in traced.functions:
            part, position = self.numbers(one)
            at = [carried.carry(part, Type.INTEGER).name]
            if one.function not in RANKS:
                seen = carried.carry(position, Type.INTEGER).name
                for piece in self._seen(one, column(self.rows, seen)):
                    at.append(self.parameters.fresh("v"))
                    self.markers[at[-1]] = Exact(Type.INTEGER)
                    ends[at[-1]] = self._over(piece, one)
            own = carried.origin(one.order[0].expression) if one.function in RANKS else None
            traced.tell(one.name, self.folded[one.name].values.type, at, own)
        self.outputs += carried.outputs
        placed_ += [named(column(self.rows, name), name) for name in carried.columns]
        placed_ += [named(end, name) for name, end in ends.items()]
        return traced.window(), (*carried.columns, *ends)

    def _seen(self, one: Windowed, position: exp.Expr) -> list[exp.Expr]:
        """The first and last place that a function of a frame sees; the place that another one takes its value from."""
        if one.function in FRAMED:
            return [exp.Min(this=position), exp.Max(this=position.copy())]
        return [self._call(one, [position], None)]

    def numbers(self, one: Windowed) -> tuple[exp.Expr, exp.Expr]:
        """The number of a row's partition, and its place in it: rows that nothing tells apart are alike."""
        keys = [self.plain(part) for part in one.partition]
        order: list[exp.Expr] = [put(self.plain(term.expression), term) for term in one.order]
        ties = [exp.Ordered(this=column(self.inner, name), desc=False, nulls_first=False) for name in self._ties]
        position = exp.Window(this=exp.RowNumber(), partition_by=keys, order=exp.Order(expressions=[*order, *ties]))
        return numbered([key.copy() for key in keys]), position

    def plain(self, expression: Expression) -> exp.Expr:
        """An expression over the source's own rows."""
        found = render_expression(expression, self.known, self.parameters)
        return plain(found.sql, found.values.type)

    def _inside(self) -> exp.Subquery:
        """What is read of each row."""
        return derived(select_from(self.outputs, derived(self.source.select, self.inner)), self.rows)

    @property
    def _ties(self) -> tuple[str, ...]:
        """The columns that tell rows apart: of public ones their place, or all of their columns."""
        if self.source.order is not None:
            return self.source.order
        if self.source.private:
            raise Fault("private rows without a total order")
        return (ORDER,) if ORDER in self.source.hidden else self.source.names

    def _read(self, expression: Expression) -> Rendered:
        """An expression over each row, evaluated once."""
        if (expression, None) not in self.written:
            found = render_expression(expression, self.known, self.parameters)
            name = self.parameters.fresh("x")
            self.outputs.append(named(plain(found.sql, found.values.type), name))
            self.written[expression, None] = Rendered(column(self.rows, name), found.values)
        known = self.written[expression, None]
        return Rendered(known.sql.copy(), known.values)

    def _rounded(self, expression: Expression, grid: Grid) -> exp.Expr:
        """A real number in steps of the grid, evaluated once."""
        if (expression, grid.step) not in self.written:
            value = render_expression(expression, self.known, self.parameters)
            up, down = grid.step.denominator, grid.step.numerator
            scaled = value.sql if up == 1 else binary(exp.Mul, value.sql, self._real(up))
            scaled = scaled if down == 1 else binary(exp.Div, scaled, self._real(down))
            name = self.parameters.fresh("x")
            self.outputs.append(named(call("ROUND", scaled), name))
            self.written[expression, grid.step] = Rendered(column(self.rows, name), value.values)
        return self.written[expression, grid.step].sql.copy()

    def _real(self, value: int) -> exp.Expr:
        return self.parameters.bind(Type.DOUBLE, Fraction(value))

    def _argument(self, name: str, expression: Expression | None) -> Operand:
        """What an aggregate adds up or compares."""
        if expression is None:
            return Operand(None, None, None, self.parameters)
        value, grid = self._read(expression), self.folded[name].grid
        rounded = None
        if grid is not None and value.values.type is Type.DOUBLE:
            rounded = self._rounded(expression, grid)
        return Operand(value, grid, rounded, self.parameters)

    def _operand(self, fold: Fold) -> Operand:
        operand = self._argument(fold.name, fold.argument)
        operand.fraction = fold.fraction
        operand.order = self._terms(fold.order, ties=True) if fold.function is FoldFunction.FIRST else []
        operand.sorted = not self.source.private
        return operand

    def _filtered(self, aggregate: exp.Expr, condition: Expression | None) -> exp.Expr:
        if condition is None:
            return aggregate
        return exp.Filter(this=aggregate, expression=exp.Where(this=self._read(condition).sql))

    def _terms(self, order: Sequence[Order], *, ties: bool) -> list[exp.Expr]:
        """The terms of an order, completed by what tells rows apart where asked."""
        terms: list[exp.Expr] = [put(self._read(term.expression).sql, term) for term in order]
        if ties:
            terms += [exp.Ordered(this=column(self.rows, name), desc=False, nulls_first=False) for name in self._ties]
        return terms

    def _pieces(self, one: Windowed) -> Mapping[str, exp.Expr]:
        """The engine's calls."""
        if one.function in FRAMED:
            operand = self._argument(one.name, one.argument)
            pieces = parts(FRAMED[one.function], operand)
            return {end: self._filtered(piece, one.filter) for end, piece in pieces.items()}
        arguments = [] if one.argument is None else [self._read(one.argument).sql]
        return {"": self._call(one, arguments, one.default)}

    def _call(self, one: Windowed, arguments: list[exp.Expr], default: Literal | None) -> exp.Expr:
        """A function that adds nothing up."""
        if one.function in NUMBERED:
            arguments.append(number(one.number or 0))
        if one.function in SHIFTED and default is not None and default.value is not None:
            arguments.append(self.parameters.bind(default.type, default.value))
        if one.function in PICKED and not self._by_rows(one):
            arguments[-1] = in_order(arguments[-1], self._terms(one.order, ties=True))
        return call(one.function.upper(), *arguments)

    @staticmethod
    def _by_rows(one: Windowed) -> bool:
        return one.frame is not None and one.frame.unit is FrameUnit.ROWS

    def _over(self, piece: exp.Expr, one: Windowed) -> exp.Expr:
        """The call over its partition, which is one unit's where rows are private (rule 10)."""
        partition = [column(self.rows, UNIT)] if self.source.private else []
        partition += [self._read(part).sql for part in one.partition]
        ties = placed(one) and (one.function not in PICKED or self._by_rows(one))
        terms = self._terms(one.order, ties=ties)
        frame = one.frame
        if frame is not None and frame.unit is FrameUnit.RANGE and (frame.start or frame.end):
            (term,) = one.order
            terms = [put(self._distance(term.expression), term)]
        return exp.Window(
            this=piece,
            partition_by=partition,
            order=exp.Order(expressions=terms) if terms else None,
            spec=None if frame is None else _frame(frame),
            over="OVER",
        )

    def _distance(self, expression: Expression) -> exp.Expr:
        """Whole numbers, or days, with room for any offset."""
        value = self._read(expression)
        if value.values.type is Type.DATE:
            value = Rendered(binary(exp.Sub, value.sql, cast(exp.Literal.string(EPOCH), "DATE")), value.values)
        return cast(value.sql, "HUGEINT")


def _part(name: str, end: str) -> str:
    """Two bars: a fresh name has one."""
    return f"__{name}{end}"


def _frame(frame: Frame) -> exp.WindowSpec:
    start, start_side = _end(frame.start, "PRECEDING")
    end, end_side = _end(frame.end, "FOLLOWING")
    return exp.WindowSpec(kind=frame.unit.upper(), start=start, start_side=start_side, end=end, end_side=end_side)


def _end(offset: int | None, unbounded: str) -> tuple[str | exp.Expr, str | None]:
    if offset is None:
        return "UNBOUNDED", unbounded
    if offset == 0:
        return "CURRENT ROW", None
    return number(abs(offset)), "PRECEDING" if offset < 0 else "FOLLOWING"
