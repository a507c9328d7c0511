"""From one SELECT to one plan: private part, measures, public part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlglot import exp

from query_gateway.sql.context import Groups, Rows
from query_gateway.sql.correlation import counted, keyed, tie
from query_gateway.sql.endings import limited
from query_gateway.sql.folds import Folds, passed
from query_gateway.sql.joins import Item, Joins
from query_gateway.sql.labels import labels
from query_gateway.sql.merge import merge
from query_gateway.sql.ordering import Ordering
from query_gateway.sql.parse import given, parse_select
from query_gateway.sql.places import Places
from query_gateway.sql.prune import prune
from query_gateway.sql.restrict import restrict
from query_gateway.sql.scalar import Typed
from query_gateway.sql.schema import Schema, fold
from query_gateway.sql.scope import Column, Scope, Source
from query_gateway.sql.sets import Selected, combined, constants, one_row
from query_gateway.sql.shape import asks_groups, row_by_row
from query_gateway.sql.state import State
from query_gateway.sql.subqueries import Inner, Marks
from query_gateway.sql.tables import listed, renamed, scanned
from query_gateway.sql.terms import Term, equates, identified
from query_gateway.sql.values import Asked, Value, rowcount
from query_gateway.sql.windows import Windows, clauses
from sandbox.errors import Refusal, Span
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.lineage import scans
from sandbox.plan.nodes import (
    Aggregate,
    Distinct,
    Filter,
    JoinKind,
    Measure,
    Output,
    Project,
    Ref,
    Relation,
    Sort,
    Type,
    Window,
)
from sandbox.plan.plan import Plan

_SIDED = ("", "OUTER")
_KINDS = ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI")

Environment = Mapping[str, "Defined"]
"""What table names mean besides the cards' tables: the CTEs in sight."""


@dataclass(frozen=True, slots=True)
class Defined:
    """A CTE and what was in sight where it stands."""

    cte: exp.CTE
    environment: Environment


@dataclass(frozen=True, slots=True)
class Lowered:
    """A plan, not yet judged, and the place of each generated name in the SQL."""

    plan: Plan
    spans: Mapping[str, Span]


def lower(sql: str, schema: Schema) -> Lowered:
    """The plan of one SELECT. Nothing of it is trusted before `check`.

    Refuses: the `sql.*` codes, and the `plan.*` codes of rules that it can tell sooner and show in the text.
    """
    parsed = parse_select(sql)
    places = Places(parsed)
    restrict(parsed.select, places)
    return Lowering(State(schema, places)).plan(parsed.select)


class Lowering:
    """Lowers the SELECTs of one query."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._order = Ordering(state)
        self._top: exp.Query | None = None
        self._groups: dict[int, Groups] = {}
        """Measures by the SELECT they come from: a CTE used twice is measured once."""

    def plan(self, query: exp.Query) -> Lowered:
        """The whole query."""
        self._top = query
        answer = self.query(query, {})
        if answer.domain is not None:
            raise self._state.refuse("plan.raw_rows", query)
        if not self._groups and not scans(answer.relation):
            raise self._state.refuse("sql.no_table", query)
        measures = tuple(self._measure(groups) for groups in self._groups.values())
        merged = merge(measures, answer.relation)
        mentioned = {merged.names.get(name, name) for name in self._state.mentioned}
        plan = Plan(merged.measures, merged.answer, labels(answer.columns))
        return Lowered(*prune(plan, self._state.spans, mentioned))

    def query(self, node: exp.Expr, environment: Environment) -> Selected:
        """A SELECT, a set operation or VALUES, with the CTEs in sight."""
        inner = node.unnest() if isinstance(node, exp.Subquery) else node
        match inner:
            case exp.Select():
                return self.select(inner, environment)
            case exp.SetOperation():
                self._state.spend()
                environment = _defining(inner, environment)
                sides = [self.query(side, environment) for side in (inner.this, inner.expression)]
                return combined(self._state, inner, *sides)
            case exp.Values():
                return constants(self._state, inner)
        raise self._state.refuse("sql.unsupported", node, what="a join in parentheses")

    def select(self, select: exp.Select, environment: Environment) -> Selected:
        """One SELECT, with the CTEs in sight."""
        self._state.spend()
        environment = _defining(select, environment)
        known = self._groups.get(id(select))
        if known is not None:
            return self._grouped(select, known)
        item, rows, _ = self._from(select, environment)
        if not asks_groups(select):
            return self._row_level(select, item, rows)
        private = item.domain is not None
        folds = Folds("", select, rows, item.relation, private=private)
        keys, unit = self._order.keys(select, folds)
        if not private or unit is not None:
            return self._folded(select, item, folds, keys, unit)
        groups = Groups(self._state.fresh("m", select), select, rows, item.relation)
        for key in keys:
            groups.add_key(key)
        groups.sets = self._order.levels(select, groups)
        self._groups[id(select)] = groups
        return self._grouped(select, groups)

    def _folded(
        self, select: exp.Select, item: Item, folds: Folds, keys: Sequence[exp.Expr], unit: exp.Expr | None
    ) -> Selected:
        """A SELECT with exact groups: of each unit's rows, or of public ones."""
        if item.domain is not None and select is self._top:
            raise self._order.of_one_unit(unit, folds.rows)
        if self._order.sets(select) is not None:
            raise self._state.refuse("sql.unsupported", select.args["group"], what="grouping sets of these rows")
        if item.domain is not None:
            self._order.unordered(select)
        for key in keys:
            folds.add_key(key)
        return self._projected(select, folds.relation, folds, item.domain, item.released)

    def _from(
        self, select: exp.Select, environment: Environment, outer: Rows | None = None
    ) -> tuple[Item, Rows, tuple[Term, ...]]:
        """FROM and WHERE, and what WHERE says about the rows around."""
        clause = select.args.get("from_")
        aliases = {fold(one.alias): one.this for one in reversed(select.expressions) if isinstance(one, exp.Alias)}
        marks = Marks(self._state, lambda node, around, valued: self._subquery(node, environment, around, valued))
        rows = Rows(self._state, Scope(), aliases, subqueries=marks, ask=partial(self._value, environment), outer=outer)
        first = one_row(select, rows.scope) if clause is None else self._item(clause.this, environment, rows.scope)
        joins = []
        for node in select.args.get("joins") or []:
            if node.kind not in (_SIDED if node.side else _KINDS):
                raise self._state.refuse("sql.unsupported", node, what=f"{node.side} {node.kind} JOIN".strip())
            joins.append((node, self._item(node.this, environment, rows.scope)))
        items = [first, *(item for _, item in joins)]
        rows.domain = next((one.domain for one in items if one.domain is not None), None)
        where = select.args.get("where")
        joined = Joins(self._state, rows)
        item = joined.join(first, joins, None if where is None else where.this)
        return item, rows, tuple(joined.correlated)

    def _subquery(self, node: exp.Expr, environment: Environment, around: Rows, valued: bool) -> Inner:
        """A subquery in an expression: of rows as they are its WHERE may speak of the rows around."""
        inner = node.unnest()
        if not isinstance(inner, exp.Select) or not row_by_row(inner, valued):
            selected = self._inner(inner, environment, [])
            values = tuple((Typed(Ref(column.ref), column.type, 1), column) for column in selected.columns)
            return Inner(selected.relation, selected.domain, selected.released, (), values, None)
        item, rows, terms = self._from(inner, _defining(inner, environment), around)
        items = [found for one in inner.expressions for found in self._items(one, rows)] if valued else []
        shown = tuple((typed, self._passed(node.unalias(), typed, rows)) for node, typed, _ in items)
        return Inner(rows.attached(item.relation), item.domain, item.released, terms, shown, rows)

    @staticmethod
    def _passed(node: exp.Expr, typed: Typed, rows: Rows) -> Column | None:
        """The column that an item is."""
        sources = (column for source in rows.scope.sources for column in source.columns)
        found = rows.find(node) if isinstance(node, exp.Column) and not node.is_star else None
        return found or next((column for column in sources if Ref(column.ref) == typed.expression), None)

    def _item(self, node: exp.Expr, environment: Environment, scope: Scope) -> Item:
        """A FROM item; its columns come into scope."""
        self._state.spend()
        match node:
            case exp.Table(this=exp.Identifier()):
                defined = environment.get(fold(node.name)) if not node.db else None
                if defined is None:
                    return scanned(self._state, node, scope)
                inner, names = defined.cte.this, defined.cte.args["alias"].columns
                selected = self._inner(inner, defined.environment, names)
            case exp.Subquery():
                selected = self._inner(node.this, environment, [])
            case exp.Values():
                selected = self.query(node, environment)
            case _:
                raise self._state.refuse("sql.table_function", node, function=self._state.places.text(node))
        columns = renamed(self._state, selected.columns, node)
        scope.sources.append(Source(node.alias_or_name, columns))
        return Item(selected.relation, frozenset({len(scope.sources) - 1}), selected.domain, selected.released, node)

    def _inner(self, node: exp.Expr, environment: Environment, names: Sequence[exp.Expr]) -> Selected:
        selected = self.query(node, environment)
        columns = listed(self._state, selected.columns, names, node)
        return Selected(selected.relation, columns, selected.domain, selected.released)

    def _row_level(self, select: exp.Select, item: Item, rows: Rows) -> Selected:
        """A SELECT without aggregates: row by row, private or public."""
        if item.domain is not None and select.args.get("distinct") is not None and self._order.valued(select, rows):
            return self._existing(select, item, rows)
        if item.domain is not None and select is self._top:
            raise self._raw(select, rows)
        if item.domain is not None:
            self._order.unordered(select)
        return self._projected(select, lambda: item.relation, rows, item.domain, item.released)

    def _value(self, environment: Environment, query: exp.Select, asked: Asked, around: Rows | None) -> Typed:
        """The value of a scalar subquery, joined to the rows that ask for it.

        Refuses: `sql.correlated_value`, `sql.subquery_rows`.
        """
        if query not in asked.values:
            tied = None if around is None else self._tied(environment, query, asked, around)
            asked.values[query] = self._alone(environment, query, asked) if tied is None else tied
        self._state.spend()
        return asked.values[query]

    def _alone(self, environment: Environment, query: exp.Select, asked: Asked) -> Typed:
        """The value of a subquery that names nothing around it."""
        found = self.select(query, environment)
        grouped = [groups.measure for groups in self._groups.values() if groups.keys]
        count = rowcount(found.relation, grouped)
        if found.domain is not None or len(found.columns) != 1 or not count.most_one:
            raise self._state.refuse("sql.subquery_rows", query)
        asked.waiting.append(Value(found.relation, JoinKind.INNER if count.least_one else JoinKind.LEFT, None))
        return Typed(Ref(found.columns[0].ref), found.columns[0].type, 1)

    def _tied(self, environment: Environment, query: exp.Select, asked: Asked, around: Rows) -> Typed | None:
        """The value of an aggregate that its WHERE ties to the rows around it: measured by what ties them, or, where
        they are of one unit, a group of that unit.
        """
        if set(given(query)) - {"expressions", "from_", "joins", "where", "with_"}:
            return None
        item, rows, terms = self._from(query, _defining(query, environment), around)
        if not terms:
            return None
        if not asks_groups(query):
            raise self._state.refuse("sql.subquery_rows", query)
        unit = item.domain is not None and item.domain == around.domain and equates(terms)
        folds = Folds("", query, rows, item.relation, private=True) if unit else None
        groups = folds or Groups(self._state.fresh("m", query), query, rows, item.relation)
        ties = [tie(self._state, query, rows, term) for term in terms if not unit or term.expression is not None]
        for column, _ in ties:
            key = Output(self._state.fresh("k", query), column.expression)
            groups.keys.setdefault(column.expression, (key, column.type))
        borrowed = set(rows.borrowed)
        found = (
            self._grouped(query, groups)
            if folds is None
            else self._projected(query, folds.relation, folds, item.domain, item.released)
        )
        if item.domain is None or rows.borrowed > borrowed or len(found.columns) != 1:
            raise self._state.refuse("sql.correlated_value", query)
        if folds is None:
            self._groups[id(query)] = groups
        relation, condition = keyed(self._state, groups, found.relation, ties)
        asked.waiting.append(Value(relation, JoinKind.LEFT, condition, unit))
        return counted(self._state, query, found.columns[0])

    def _existing(self, select: exp.Select, item: Item, rows: Rows) -> Selected:
        """SELECT DISTINCT over private rows: the group keys whose noisy number of units is above 0."""
        groups = Groups(self._state.fresh("m", select), select, rows, item.relation)
        for each in select.expressions:
            groups.add_key(each.unalias())
        units = Aggregate(self._state.fresh("a", select), AggregateFunction.UNITS, None, None)
        groups.aggregates[AggregateFunction.UNITS, None, None] = units
        self._groups[id(select)] = groups
        return self._grouped(select, groups)

    def _grouped(self, select: exp.Select, groups: Groups) -> Selected:
        """The public part of a SELECT with aggregates: HAVING, the select list, ORDER BY, LIMIT."""
        groups.begin()
        return self._projected(select, lambda: self._order.released(select, groups), groups, None, True)

    def _projected(
        self,
        select: exp.Select,
        source: Callable[[], Relation],
        context: Rows | Groups,
        domain: str | None,
        released: bool,
    ) -> Selected:
        """HAVING, window functions, QUALIFY, the select list, DISTINCT, ORDER BY, LIMIT over a source that stands once
        all of them are lowered.
        """
        having, qualify = select.args.get("having"), select.args.get("qualify")
        held = None if having is None else context.predicate(having.this).expression
        context.windows = windows = self._windows(select, context, private=domain is not None)
        items = [found for item in select.expressions for found in self._items(item, context)]
        outputs = [
            (Output(self._state.fresh("o", item), typed.expression), typed, name, item) for item, typed, name in items
        ]
        columns = tuple(
            Column(name, output.name, self._type(typed), passed(context, typed.expression), untyped=typed.type is None)
            for output, typed, name, _ in outputs
        )
        unvalued = next((one for one in outputs if one[1].type in (Type.UNIT, Type.PRESENCE)), None)
        if domain is None and unvalued is not None:
            raise self._state.refuse("sql.unit_value", unvalued[3])
        made = [output for output, *_ in outputs]
        shown = len(made)
        terms = self._order.terms(select, context, columns, made)
        qualified = None if qualify is None else context.predicate(qualify.this).expression
        context.windows = None
        relation = context.attached(source())
        relation = relation if held is None else Filter(relation, held)
        relation = Window(relation, tuple(windows.functions.values())) if windows.functions else relation
        relation = relation if qualified is None else Filter(relation, qualified)
        relation = Project(relation, tuple(made))
        if select.args.get("distinct") is not None:
            unit = any(typed.type is Type.UNIT for _, typed, *_ in outputs) or identified(one.origin for one in columns)
            if domain is not None and not unit:
                raise self._state.refuse("sql.distinct", select.expressions[0])
            if len(made) > shown:
                raise self._state.refuse("sql.unsupported", select.args["order"], what="ORDER BY of a hidden item")
            relation = Distinct(relation)
        if terms:
            relation = Sort(relation, tuple(terms))
        return Selected(limited(self._state, select, relation), columns, domain, released)

    def _windows(self, select: exp.Select, context: Rows | Groups, *, private: bool) -> Windows:
        """The window functions of a SELECT."""
        own = partial(passed, context)
        return Windows(self._state, private, clauses(select), lambda parts: identified(map(own, parts)))

    @staticmethod
    def _type(typed: Typed) -> Type:
        return Type.INTEGER if typed.type is None else typed.type

    def _items(self, item: exp.Expr, context: Rows | Groups) -> list[tuple[exp.Expr, Typed, str]]:
        """One item of the select list, or the columns that a star means."""
        inner = item.unalias()
        if inner.is_star and isinstance(inner, exp.Star | exp.Column):
            if isinstance(context, Groups):
                raise self._state.refuse("sql.star_grouped", item)
            table = inner.table if isinstance(inner, exp.Column) else None
            found = context.scope.star(table or None, self._state.places.span(item))
            self._state.spend(len(found))
            return [(item, Typed(Ref(column.ref), column.type, 1), column.name) for column in found]
        name = item.alias if isinstance(item, exp.Alias) else inner.name if isinstance(inner, exp.Column) else ""
        return [(item, context.lower(inner), name or self._state.places.text(inner))]

    def _measure(self, groups: Groups) -> Measure:
        keys, aggregates = tuple(output for output, _ in groups.keys.values()), tuple(groups.aggregates.values())
        if not aggregates:
            raise self._state.refuse("sql.no_aggregate", groups.place)
        sets, state = groups.sets, self._state
        levels = None if sets is None else sets.levels(state, groups.place, groups.keys, aggregates)
        return Measure(groups.measure, groups.rows.attached(groups.source), keys, aggregates, levels)

    def _raw(self, select: exp.Select, rows: Rows) -> Refusal:
        """Why private rows are not shown, at the unit key if one was asked for by name."""
        rows.windows = self._windows(select, rows, private=True)
        for item in select.expressions:
            inner = item.unalias()
            if inner.is_star:
                break
            if rows.lower(inner).type in (Type.UNIT, Type.PRESENCE):
                return self._state.refuse("sql.unit_value", inner)
        return self._state.refuse("plan.raw_rows", select.expressions[0])


def _defining(select: exp.Expr, environment: Environment) -> Environment:
    """What table names mean inside a query: the CTEs that it defines, too."""
    for cte in select.args["with_"].expressions if select.args.get("with_") else []:
        environment = {**environment, fold(cte.alias): Defined(cte, environment)}
    return environment
