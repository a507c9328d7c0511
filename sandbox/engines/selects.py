"""Relations of a plan as SELECTs: generated names, catalog-qualified tables, the hidden columns carried along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from policies.cards import ColumnCard, DatasetCard, TableCard
from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.groups import Grouping, distinct
from sandbox.engines.operands import (
    Parameters,
    binary,
    call,
    every,
    number,
    within_calendar,
)
from sandbox.engines.sources import (
    EMPTY,
    NUMBER,
    ORDER,
    ROW,
    SEED,
    UNIT,
    Source,
    derived,
    identifier,
    named,
    ordered,
    place,
    put,
    put_in_order,
    select_from,
    temporary,
    where,
)
from sandbox.engines.traces import Carried, released, united
from sandbox.errors import Fault
from sandbox.plan.checked import Folded, Given
from sandbox.plan.columns import column_values
from sandbox.plan.expressions import either
from sandbox.plan.lineage import orders
from sandbox.plan.nodes import (
    Constants,
    Distinct,
    Expression,
    Filter,
    Group,
    Join,
    JoinKind,
    Limit,
    Mark,
    Order,
    Output,
    Project,
    Relation,
    Released,
    Scan,
    Sort,
    Type,
    Union,
    Window,
)
from sandbox.plan.origins import Marker, Trace
from sandbox.plan.values import TEXT_LENGTH, Values
from sandbox.workers.job import Table


@dataclass(slots=True)
class Selects:
    """Renders the relations of one statement."""

    cards: Mapping[str, DatasetCard]
    datasets: tuple[str, ...]
    """In the order of the worker's catalogs."""
    parameters: Parameters
    released: Mapping[str, Table]
    folded: Mapping[str, Folded]
    """What `check` found of folds and window functions, by name."""
    read: set[str] = field(default_factory=set)
    """Measures whose released relation was rendered."""
    givens: Mapping[Relation, Given] = field(default_factory=dict)
    """The relations that stand in a table by now, and which."""
    noisy: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per measure the columns with noise, where rows are to tell of which released cells they are made."""
    markers: dict[str, Marker] = field(default_factory=dict)
    """What the hidden columns that tell it mean."""

    def relation(self, relation: Relation, *, total: bool = False) -> Source:
        """The relation; a private one has the columns `_unit` and `_seed` beside its own.

        `total`: with hidden columns that tell its rows apart, which complete an order above it (rule 13).
        """
        if self.givens and relation in self.givens:
            return self._given(self.givens[relation], total=total)
        match relation:
            case Scan():
                return self._scan(relation, total=total)
            case Released(measure):
                return self._released(measure, total=total)
            case Filter(source, predicate):
                return self._filter(self.relation(source, total=total), predicate)
            case Project(source, outputs):
                return self._project(self.relation(source, total=total), outputs)
            case Join():
                return self._join(relation, total=total)
            case Mark():
                return self._mark(relation, total=total)
            case Union():
                return self._union(relation, total=total)
            case Constants():
                return self._constants(relation, total=total)
            case Sort(source, terms):
                return self._sort(self.relation(source, total=total), terms)
            case Limit(source, count, offset):
                return self._limit(self.relation(source, total=total), count, offset)
            case Distinct(source):
                return distinct(relation, self.relation(source), self.parameters, self.markers, total=total)
            case Group(source):
                return self._grouping(self.relation(source, total=orders(relation))).group(relation, total=total)
            case Window(source):
                return self._grouping(self.relation(source, total=total or orders(relation))).window(relation)

    def _grouping(self, source: Source) -> Grouping:
        return Grouping(self.scope, source, self.folded, self.parameters, self.markers)

    def scope(self, source: Source, alias: str) -> Mapping[str, Rendered]:
        """What expressions over the source may name."""
        return {name: Rendered(column(alias, name), values) for name, values in source.columns.items()}

    def _scan(self, scan: Scan, *, total: bool) -> Source:
        alias = self.parameters.fresh("r")
        card = self.cards[scan.dataset]
        place_ = next(i for i, table in enumerate(card.tables) if table.name == scan.table)
        table = card.tables[place_]
        outputs, columns = list[exp.Expr](), dict[str, Values]()
        for one in scan.columns:
            stored = next(j for j, found in enumerate(table.columns) if found.name == one.column)
            columns[one.name] = column_values(table.columns[stored], None)
            outputs.append(named(self._stored(table, table.columns[stored], alias, f"c{stored}"), one.name))
        hidden = (UNIT, SEED) if table.private else ()
        outputs += [named(column(alias, name), name) for name in hidden]
        order = {self.parameters.fresh("o"): name for name in (_row_order(table) if total else ())}
        outputs += [named(column(alias, name), hiding) for hiding, name in order.items()]
        catalog = f"{'private' if table.private else 'public'}{self.datasets.index(scan.dataset)}"
        source = exp.Table(
            this=identifier(f"t{place_}"),
            db=identifier("main"),
            catalog=identifier(catalog),
            alias=exp.TableAlias(this=identifier(alias)),
        )
        found = Source(select_from(outputs, source), columns, (*hidden, *order))
        return replace(found, order=tuple(order)) if total else found

    def _stored(self, table: TableCard, card: ColumnCard, alias: str, name: str) -> exp.Expr:
        """A stored column, cut to what every value of its type is."""
        type_ = Type(card.type.value)
        if type_ is Type.UNIT:
            return column(alias, UNIT)
        value = column(alias, name)
        bounded = card.values is not None or card.key_of is not None or card.lo is not None
        if bounded or not table.private:
            return value
        match type_:
            case Type.TEXT:
                return call("LEFT", value, number(TEXT_LENGTH))
            case Type.DATE | Type.TIMESTAMP:
                return within_calendar(value, type_, self.parameters)
            case _:
                return value

    def _given(self, given: Given, *, total: bool) -> Source:
        """The table of a relation that was computed before: rows that all of its columns leave equal are equal."""
        alias = self.parameters.fresh("r")
        columns = given.known.columns
        order = {self.parameters.fresh("o"): name for name in (columns if total else ())}
        outputs = [named(column(alias, name), name) for name in columns]
        outputs += [named(column(alias, name), hiding) for hiding, name in order.items()]
        select = select_from(outputs, temporary(given.name, alias))
        return Source(select, columns, tuple(order), order=tuple(order) if total else None)

    def _released(self, measure: str, *, total: bool) -> Source:
        """The released relation in the order of its group keys, each row marked with its number."""
        alias, table = self.parameters.fresh("r"), self.released[measure]
        marker = self.parameters.fresh("m")
        self.read.add(measure)
        trace = released(marker, measure, self.noisy[measure], self.markers) if self.noisy else Trace()
        columns = {name: Values(type_) for name, type_ in table.columns if name != NUMBER}
        outputs = [named(column(alias, name), name) for name in columns]
        order = (self.parameters.fresh("o"),) if total else ()
        outputs += [named(column(alias, NUMBER), name) for name in (marker, ORDER, *order)]
        select = select_from(outputs, temporary(table.name, alias))
        return Source(select, columns, (marker, ORDER, *order), trace, order if total else None)

    def carried(self, trace: Trace, scope: Mapping[str, Rendered]) -> Carried:
        """The origins of expressions over what is in scope."""
        return Carried(trace, scope, self.parameters, self.markers)

    def _passed(self, source: Source, alias: str) -> list[exp.Expr]:
        return [named(column(alias, name), name) for name in source.names]

    def _filter(self, source: Source, predicate: Expression) -> Source:
        alias = self.parameters.fresh("r")
        scope = self.scope(source, alias)
        condition = render_expression(predicate, scope, self.parameters).sql
        carried = self.carried(source.trace, scope)
        trace = carried.chosen(predicate)
        select = select_from([*self._passed(source, alias), *carried.outputs], derived(source.select, alias))
        hidden = (*source.hidden, *carried.columns)
        return replace(source, select=where(select, condition), hidden=hidden, trace=trace)

    def _project(self, source: Source, outputs: tuple[Output, ...]) -> Source:
        alias = self.parameters.fresh("r")
        scope = self.scope(source, alias)
        rendered = {one.name: render_expression(one.expression, scope, self.parameters) for one in outputs}
        columns = [named(one.sql, name) for name, one in rendered.items()]
        hidden = [named(column(alias, name), name) for name in source.hidden]
        carried = self.carried(source.trace, scope)
        noisy = [one for one in outputs if source.trace.touches(one.expression)]
        origins = {one.name: found for one in noisy if (found := carried.origin(one.expression)) is not None}
        select = select_from([*columns, *hidden, *carried.outputs], derived(source.select, alias))
        known = {name: one.values for name, one in rendered.items()}
        trace = replace(source.trace, noisy=frozenset(one.name for one in noisy), origins=origins)
        return Source(select, known, (*source.hidden, *carried.columns), trace, source.order)

    def _join(self, join: Join, *, total: bool) -> Source:
        left, right = self.relation(join.left, total=total), self.relation(join.right, total=total)
        one, other = self.parameters.fresh("r"), self.parameters.fresh("r")
        scope = {**self.scope(left, one), **self.scope(right, other)}
        outputs = [named(found.sql, name) for name, found in scope.items()]
        hidden = self._joined(join, left, right, one, other)
        trace, carried = self._joined_trace(join, left, right, scope)
        hidden |= carried
        outputs += [named(found, name) for name, found in hidden.items()]
        select = select_from(outputs, derived(left.select, one))
        kind = {"kind": "INNER"} if join.kind is JoinKind.INNER else {"side": join.kind.value.upper()}
        matching = self._matching(join.unit, join.condition, one, other, scope)
        select.append("joins", exp.Join(this=derived(right.select, other), on=matching, **kind))
        order = (*(left.order or ()), *(right.order or ())) if total else None
        return Source(select, {**left.columns, **right.columns}, tuple(hidden), trace, order)

    def _joined_trace(
        self, join: Join, left: Source, right: Source, scope: Mapping[str, Rendered]
    ) -> tuple[Trace, Mapping[str, exp.Expr]]:
        """The trace of a join, and what its condition has carried along.

        Where noise decides which rows match, it decides the rows; of an outer join what is missing besides.
        """
        trace = left.trace.beside(right.trace)
        missing = dict[str, Values]()
        if join.kind is not JoinKind.INNER and right.trace.chosen:
            missing |= right.columns
        if join.kind is JoinKind.FULL and left.trace.chosen:
            missing |= left.columns
        trace = replace(trace, noisy=trace.noisy | missing.keys())
        if join.condition is None or not trace.touches(join.condition):
            return trace, {}
        if join.kind is not JoinKind.INNER:
            return replace(trace, chosen=(*trace.chosen, None)), {}
        carried = self.carried(trace, scope)
        return carried.chosen(join.condition), carried.columns

    @staticmethod
    def _joined(join: Join, left: Source, right: Source, one: str, other: str) -> dict[str, exp.Expr]:
        """The hidden columns of a join: the private side's, of a FULL one whichever is there; of public ones both's.

        What tells rows apart is of both sides.
        """
        order = {name: column(one, name) for name in left.order or ()}
        order |= {name: column(other, name) for name in right.order or ()}
        if join.unit and join.kind is JoinKind.FULL:
            owner = {
                name: exp.Coalesce(this=column(one, name), expressions=[column(other, name)]) for name in (UNIT, SEED)
            }
            return {**owner, **order}
        kept = {name: column(other, name) for name in right.hidden if not left.private}
        kept |= {name: column(one, name) for name in left.hidden if left.private or not right.private}
        return {**{name: found for name, found in kept.items() if name != ORDER}, **order}

    def _matching(
        self, unit: bool, condition: Expression | None, one: str, other: str, scope: Mapping[str, Rendered]
    ) -> exp.Expr:
        """Equal units, and the condition."""
        terms = [binary(exp.EQ, column(one, UNIT), column(other, UNIT))] if unit else []
        if condition is not None:
            terms.append(render_expression(condition, scope, self.parameters).sql)
        return every(terms) if terms else exp.true()

    def _mark(self, mark: Mark, *, total: bool) -> Source:
        source, other = self.relation(mark.source, total=total), self.relation(mark.other)
        one, another = self.parameters.fresh("r"), self.parameters.fresh("r")
        scope = {**self.scope(source, one), **self.scope(other, another)}
        found = select_from([number(1)], derived(other.select, another))
        where(found, self._matching(mark.unit, mark.condition, one, another, scope))
        outputs = [*self._passed(source, one), named(exp.Exists(this=found), mark.name)]
        columns = {**source.columns, mark.name: Values(Type.BOOLEAN, nullable=False)}
        trace = source.trace
        if other.trace.chosen or source.trace.beside(other.trace).touches(mark.condition):
            trace = replace(trace, noisy=trace.noisy | {mark.name})
        return replace(source, select=select_from(outputs, derived(source.select, one)), columns=columns, trace=trace)

    def _union(self, union: Union, *, total: bool) -> Source:
        sides = [self.relation(side, total=total) for side in (union.left, union.right)]
        hidden = (UNIT, SEED) if sides[0].private else ()
        apart = tuple(name for side in sides for name in side.order or ())
        order = (self.parameters.fresh("o"), *apart) if total else ()
        alias, branches = self.parameters.fresh("r"), list[exp.Select]()
        aliases = [self.parameters.fresh("r") for _ in sides]
        trace, marked = united(union, sides, aliases, self.parameters, self.markers)
        for number_, (side, inner) in enumerate(zip(sides, aliases, strict=True)):
            names = {one.name: one.right if number_ else one.left for one in union.columns}
            outputs = [named(column(inner, source), name) for name, source in names.items()]
            outputs += [named(column(inner, name), name) for name in hidden]
            outputs += [named(number(number_), name) for name in order[:1]]
            mine = side.order or ()
            outputs += [named(column(inner, name) if name in mine else exp.Null(), name) for name in order[1:]]
            outputs += marked[number_]
            branches.append(select_from(outputs, derived(side.select, inner)))
        left, right = (side.columns for side in sides)
        columns = {one.name: either(left[one.left], right[one.right], 0)[0] for one in union.columns}
        both = exp.Union(this=branches[0], expression=branches[1], distinct=False)
        hidden = (*hidden, *order, *(one.alias for one in marked[0]))
        carried = [named(column(alias, name), name) for name in (*columns, *hidden)]
        select = select_from(carried, derived(both, alias))
        return Source(select, columns, hidden, trace, order if total else None)

    def _constants(self, constants: Constants, *, total: bool) -> Source:
        alias = self.parameters.fresh("r")
        rows = [
            exp.Tuple(expressions=[self.parameters.bind(one.type, one.value) for one in row] or [exp.true()])
            for row in constants.rows
        ]
        names = [identifier(name) for name in constants.columns or (EMPTY,)]
        source = exp.Values(expressions=rows, alias=exp.TableAlias(this=identifier(alias), columns=names))
        first = constants.rows[0]
        columns = {name: Values(one.type) for name, one in zip(constants.columns, first, strict=True)}
        order = {self.parameters.fresh("o"): name for name in (columns if total else ())}
        outputs = [named(column(alias, name), name) for name in columns]
        outputs += [named(column(alias, name), hiding) for hiding, name in order.items()]
        return Source(select_from(outputs, source), columns, tuple(order), order=tuple(order) if total else None)

    def order(self, source: Source, alias: str) -> exp.Order:
        """The order a public relation is in: the one it was given, else that of its columns."""
        names = (ORDER,) if ORDER in source.hidden else tuple(source.columns)
        return ordered([(column(alias, name), False) for name in names])

    def _sort(self, source: Source, terms: tuple[Order, ...]) -> Source:
        alias = self.parameters.fresh("r")
        scope = self.scope(source, alias)
        wanted = [put(render_expression(term.expression, scope, self.parameters).sql, term) for term in terms]
        ties = self.order(source, alias).expressions
        order = exp.Order(expressions=[*wanted, *ties])
        kept = [name for name in source.names if name != ORDER]
        outputs = [named(column(alias, name), name) for name in kept]
        select = select_from([*outputs, named(place(order), ORDER)], derived(source.select, alias))
        trace = source.trace
        ranked = trace.touches(*(term.expression for term in terms)) or (trace.ranked and ORDER in source.hidden)
        hidden = (*[name for name in source.hidden if name != ORDER], ORDER)
        return replace(source, select=select, hidden=hidden, trace=replace(trace, ranked=ranked))

    def _limit(self, source: Source, count: int, offset: int) -> Source:
        alias = self.parameters.fresh("r")
        select = select_from(self._passed(source, alias), derived(source.select, alias))
        put_in_order(select, self.order(source, alias))
        select.set("limit", exp.Limit(expression=number(count)))
        select.set("offset", exp.Offset(expression=number(offset)))
        trace = source.trace
        if trace.ranked or (trace.noisy and ORDER not in source.hidden):
            trace = replace(trace, chosen=(*trace.chosen, None))
        return replace(source, select=select, trace=trace)


def _row_order(table: TableCard) -> tuple[str, ...]:
    """The stored columns that tell a table's rows apart: of one unit, `_row`; of a public table, its declared key."""
    if table.private:
        return (ROW,)
    if not table.key:
        raise Fault(f"{table.name} has no key to put its rows in order by")
    places = {one.name: place_ for place_, one in enumerate(table.columns)}
    return tuple(f"c{places[name]}" for name in table.key)
