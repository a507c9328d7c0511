"""Relations of a plan as SELECTs: generated names, catalog-qualified tables, the hidden columns carried along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlglot import exp

from policies.cards import ColumnCard, DatasetCard, TableCard
from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.operands import (
    Parameters,
    between,
    binary,
    call,
    every,
    number,
    within_calendar,
    wrap,
)
from sandbox.errors import Fault
from sandbox.plan.checked import Given
from sandbox.plan.columns import column_values
from sandbox.plan.expressions import either
from sandbox.plan.nodes import (
    Constants,
    Expression,
    Filter,
    Join,
    JoinKind,
    Limit,
    Mark,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    Sort,
    Type,
    Union,
)
from sandbox.plan.values import TEXT_LENGTH, Values
from sandbox.workers.job import Table

UNIT, SEED, ORDER = "_unit", "_seed", "_order"
ROW = "_row"
"""Stands in for the columns of a relation that has none."""


@dataclass(frozen=True, slots=True)
class Source:
    """A relation as a SELECT."""

    select: exp.Select
    columns: Mapping[str, Values]
    hidden: tuple[str, ...]
    """Columns that no expression can name: unit and seed of a private relation; place and intervals of a public one."""
    lineage: Mapping[str, str] = field(default_factory=dict)
    """Of a public relation: the columns that are a released aggregate as it is, and which."""

    @property
    def private(self) -> bool:
        return UNIT in self.hidden

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.columns, *self.hidden)


def identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def named(expression: exp.Expr, name: str) -> exp.Expr:
    return exp.Alias(this=expression, alias=identifier(name))


def derived(select: exp.Query, alias: str) -> exp.Subquery:
    """A SELECT as a relation of another one."""
    return exp.Subquery(this=select, alias=exp.TableAlias(this=identifier(alias)))


def select_from(outputs: Sequence[exp.Expr], source: exp.Expr) -> exp.Select:
    """SELECT outputs FROM source; a constant where there is no output."""
    return exp.Select(expressions=list(outputs) or [named(exp.true(), ROW)]).from_(source, copy=False)


def temporary(table: str, alias: str) -> exp.Table:
    """A table handed to the job."""
    return exp.Table(
        this=identifier(table),
        db=identifier("main"),
        catalog=identifier("temp"),
        alias=exp.TableAlias(this=identifier(alias)),
    )


def where(select: exp.Select, condition: exp.Expr) -> exp.Select:
    return select.where(condition, copy=False)


def ordered(terms: Sequence[tuple[exp.Expr, bool]]) -> exp.Order:
    """ORDER BY, descending where said; NULLs last."""
    return exp.Order(
        expressions=[exp.Ordered(this=wrap(term), desc=descending, nulls_first=False) for term, descending in terms]
    )


def put_in_order(select: exp.Select, order: exp.Order) -> None:
    """The SELECT's own ORDER BY; none where there is nothing to tell rows apart by."""
    if order.expressions:
        select.set("order", order)


def place(order: exp.Order, partition: Sequence[exp.Expr] = ()) -> exp.Expr:
    """The number of a row in an order."""
    return exp.Window(this=exp.RowNumber(), partition_by=list(partition), order=order)


@dataclass(slots=True)
class Selects:
    """Renders the relations of one statement."""

    cards: Mapping[str, DatasetCard]
    datasets: tuple[str, ...]
    """In the order of the worker's catalogs."""
    parameters: Parameters
    released: Mapping[str, Table]
    read: set[str] = field(default_factory=set)
    """Measures whose released relation was rendered."""
    givens: Mapping[Relation, Given] = field(default_factory=dict)
    """The relations that stand in a table by now, and which."""

    def relation(self, relation: Relation) -> Source:
        """The relation; a private one has the columns `_unit` and `_seed` beside its own."""
        if self.givens and relation in self.givens:
            return self._given(self.givens[relation])
        match relation:
            case Scan():
                return self._scan(relation)
            case Released(measure):
                return self._released(measure)
            case Filter(source, predicate):
                return self._filter(self.relation(source), predicate)
            case Project(source, outputs):
                return self._project(self.relation(source), outputs)
            case Join():
                return self._join(relation)
            case Mark():
                return self._mark(relation)
            case Union():
                return self._union(relation)
            case Constants():
                return self._constants(relation)
            case Sort(source, terms):
                return self._sort(self.relation(source), terms)
            case Limit(source, count, offset):
                return self._limit(self.relation(source), count, offset)

    def scope(self, source: Source, alias: str) -> Mapping[str, Rendered]:
        """What expressions over the source may name."""
        return {name: Rendered(column(alias, name), values) for name, values in source.columns.items()}

    def _scan(self, scan: Scan) -> Source:
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
        catalog = f"{'private' if table.private else 'public'}{self.datasets.index(scan.dataset)}"
        source = exp.Table(
            this=identifier(f"t{place_}"),
            db=identifier("main"),
            catalog=identifier(catalog),
            alias=exp.TableAlias(this=identifier(alias)),
        )
        return Source(select_from(outputs, source), columns, hidden)

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

    def _given(self, given: Given) -> Source:
        """The table of a relation that was computed before."""
        alias = self.parameters.fresh("r")
        columns = given.known.columns
        outputs = [named(column(alias, name), name) for name in columns]
        return Source(select_from(outputs, temporary(given.name, alias)), columns, ())

    def _released(self, measure: str) -> Source:
        """The released relation in the order of its group keys, each aggregate's interval beside it."""
        alias, table = self.parameters.fresh("r"), self.released[measure]
        self.read.add(measure)
        names = [name for name, _ in table.columns]
        intervals = [end for name in names for end in (f"{name}_lo", f"{name}_hi") if end in names]
        columns = {name: Values(type_) for name, type_ in table.columns if name not in intervals}
        aggregates = {name: name for name in columns if f"{name}_lo" in names}
        keys = [(column(alias, name), False) for name in columns if name not in aggregates]
        outputs = [named(column(alias, name), name) for name in (*columns, *intervals)]
        first = ordered(keys or [(column(alias, name), False) for name in columns])
        select = select_from([*outputs, named(place(first), ORDER)], temporary(table.name, alias))
        return Source(select, columns, (*intervals, ORDER), aggregates)

    def _carried(self, source: Source, alias: str) -> list[exp.Expr]:
        return [named(column(alias, name), name) for name in source.names]

    def _filter(self, source: Source, predicate: Expression) -> Source:
        alias = self.parameters.fresh("r")
        condition = render_expression(predicate, self.scope(source, alias), self.parameters).sql
        select = select_from(self._carried(source, alias), derived(source.select, alias))
        return replace(source, select=where(select, condition))

    def _project(self, source: Source, outputs: tuple[Output, ...]) -> Source:
        alias = self.parameters.fresh("r")
        scope = self.scope(source, alias)
        found = {one.name: render_expression(one.expression, scope, self.parameters) for one in outputs}
        columns = [named(one.sql, name) for name, one in found.items()]
        hidden = [named(column(alias, name), name) for name in source.hidden]
        lineage = {
            one.name: source.lineage[one.expression.name]
            for one in outputs
            if isinstance(one.expression, Ref) and one.expression.name in source.lineage
        }
        select = select_from([*columns, *hidden], derived(source.select, alias))
        return Source(select, {name: one.values for name, one in found.items()}, source.hidden, lineage)

    def _join(self, join: Join) -> Source:
        left, right = self.relation(join.left), self.relation(join.right)
        one, other = self.parameters.fresh("r"), self.parameters.fresh("r")
        scope = {**self.scope(left, one), **self.scope(right, other)}
        outputs = [named(found.sql, name) for name, found in scope.items()]
        hidden = self._joined(join, left, right, one, other)
        outputs += [named(found, name) for name, found in hidden.items()]
        select = select_from(outputs, derived(left.select, one))
        kind = {"kind": "INNER"} if join.kind is JoinKind.INNER else {"side": join.kind.value.upper()}
        matching = self._matching(join.unit, join.condition, one, other, scope)
        select.append("joins", exp.Join(this=derived(right.select, other), on=matching, **kind))
        return Source(select, {**left.columns, **right.columns}, tuple(hidden), {**left.lineage, **right.lineage})

    @staticmethod
    def _joined(join: Join, left: Source, right: Source, one: str, other: str) -> Mapping[str, exp.Expr]:
        """The hidden columns of a join: the private side's, of a FULL one whichever is there; of public ones both's."""
        if join.unit and join.kind is JoinKind.FULL:
            return {
                name: exp.Coalesce(this=column(one, name), expressions=[column(other, name)]) for name in left.hidden
            }
        kept = {name: column(other, name) for name in right.hidden if not left.private}
        kept |= {name: column(one, name) for name in left.hidden if left.private or not right.private}
        return {name: found for name, found in kept.items() if name != ORDER}

    def _matching(
        self, unit: bool, condition: Expression | None, one: str, other: str, scope: Mapping[str, Rendered]
    ) -> exp.Expr:
        """Equal units, and the condition."""
        terms = [binary(exp.EQ, column(one, UNIT), column(other, UNIT))] if unit else []
        if condition is not None:
            terms.append(render_expression(condition, scope, self.parameters).sql)
        return every(terms) if terms else exp.true()

    def _mark(self, mark: Mark) -> Source:
        source, other = self.relation(mark.source), self.relation(mark.other)
        one, another = self.parameters.fresh("r"), self.parameters.fresh("r")
        scope = {**self.scope(source, one), **self.scope(other, another)}
        found = select_from([number(1)], derived(other.select, another))
        where(found, self._matching(mark.unit, mark.condition, one, another, scope))
        outputs = [*self._carried(source, one), named(exp.Exists(this=found), mark.name)]
        columns = {**source.columns, mark.name: Values(Type.BOOLEAN, nullable=False)}
        return replace(source, select=select_from(outputs, derived(source.select, one)), columns=columns)

    def _union(self, union: Union) -> Source:
        left, right = self.relation(union.left), self.relation(union.right)
        hidden = (UNIT, SEED) if left.private else ()
        alias = self.parameters.fresh("r")
        branches = list[exp.Select]()
        for branch, names in (
            (left, {one.name: one.left for one in union.columns}),
            (right, {one.name: one.right for one in union.columns}),
        ):
            inner = self.parameters.fresh("r")
            outputs = [named(column(inner, source), name) for name, source in names.items()]
            outputs += [named(column(inner, name), name) for name in hidden]
            branches.append(select_from(outputs, derived(branch.select, inner)))
        columns = {one.name: either(left.columns[one.left], right.columns[one.right], 0)[0] for one in union.columns}
        both = exp.Union(this=branches[0], expression=branches[1], distinct=False)
        carried = [named(column(alias, name), name) for name in (*columns, *hidden)]
        return Source(select_from(carried, derived(both, alias)), columns, hidden)

    def _constants(self, constants: Constants) -> Source:
        alias = self.parameters.fresh("r")
        rows = [
            exp.Tuple(expressions=[self.parameters.bind(one.type, one.value) for one in row] or [exp.true()])
            for row in constants.rows
        ]
        names = [identifier(name) for name in constants.columns or (ROW,)]
        source = exp.Values(expressions=rows, alias=exp.TableAlias(this=identifier(alias), columns=names))
        first = constants.rows[0]
        columns = {name: Values(one.type) for name, one in zip(constants.columns, first, strict=True)}
        return Source(select_from([named(column(alias, name), name) for name in columns], source), columns, ())

    def order(self, source: Source, alias: str) -> exp.Order:
        """The order a public relation is in: the one it was given, else that of its columns."""
        names = (ORDER,) if ORDER in source.hidden else tuple(source.columns)
        return ordered([(column(alias, name), False) for name in names])

    def _sort(self, source: Source, terms: tuple[Order, ...]) -> Source:
        alias = self.parameters.fresh("r")
        scope = self.scope(source, alias)
        wanted = [(render_expression(term.expression, scope, self.parameters).sql, term.descending) for term in terms]
        ties = self.order(source, alias).expressions
        order = exp.Order(expressions=[*ordered(wanted).expressions, *ties])
        kept = [name for name in source.names if name != ORDER]
        outputs = [named(column(alias, name), name) for name in kept]
        select = select_from([*outputs, named(place(order), ORDER)], derived(source.select, alias))
        return replace(source, select=select, hidden=(*[name for name in source.hidden if name != ORDER], ORDER))

    def _limit(self, source: Source, count: int, offset: int) -> Source:
        alias = self.parameters.fresh("r")
        select = select_from(self._carried(source, alias), derived(source.select, alias))
        put_in_order(select, self.order(source, alias))
        select.set("limit", exp.Limit(expression=number(count)))
        select.set("offset", exp.Offset(expression=number(offset)))
        return replace(source, select=select)


def consecutive(values: Values) -> bool:
    """Whether a value set is all whole numbers, or all days, between its ends."""
    match values.members, values.lo, values.hi:
        case (tuple(members), int(lo), int(hi)) if values.type is Type.INTEGER:
            return hi - lo + 1 == len(members)
        case (tuple(members), date(), date()) if values.type is Type.DATE:
            return (values.hi - values.lo).days + 1 == len(members)
    return False


def within(value: exp.Expr, values: Values, parameters: Parameters) -> exp.Expr:
    """Whether a group key's part is in its value set."""
    members = values.members
    if members is None:
        raise Fault("a public group key without a value set")
    if consecutive(values):
        inside = between(value, *(parameters.bind(values.type, end) for end in (values.lo, values.hi)))
    elif members:
        inside = exp.In(this=wrap(value), expressions=[parameters.bind(values.type, member) for member in members])
    else:
        inside = exp.false()
    if not values.nullable:
        return inside
    return binary(exp.Or, inside, exp.Is(this=wrap(value), expression=exp.Null()))
