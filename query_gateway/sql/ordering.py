"""The clauses of one SELECT around its items: group keys, order, DISTINCT, and what numbers in them mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from query_gateway.sql.context import Groups, Rows
from query_gateway.sql.levels import Sets, Terms, grouping_sets
from query_gateway.sql.scalar import Typed
from query_gateway.sql.schema import fold
from query_gateway.sql.scope import Column
from query_gateway.sql.shape import asks_groups
from query_gateway.sql.state import State
from query_gateway.sql.terms import identified
from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.nodes import Call, Filter, Literal, Order, Output, Ref, Relation, Released, Type


@dataclass(frozen=True, slots=True)
class Ordering:
    """Of one query."""

    state: State

    def terms(
        self, select: exp.Select, context: Rows | Groups, columns: Sequence[Column], made: list[Output]
    ) -> list[Order]:
        """The terms of ORDER BY, over outputs; those that are not selected are added to `made` unlabelled."""
        clause = select.args.get("order")
        terms = []
        for term in clause.expressions if clause is not None else []:
            node = self.ordinal(select, term.this) or term.this
            named = [
                column
                for column in columns
                if isinstance(node, exp.Column) and not node.table and fold(column.name) == fold(node.name)
            ]
            expression = Ref(named[0].ref) if named else self._sorted(context.lower(node), made, node)
            terms.append(Order(expression, bool(term.args.get("desc")), bool(term.args.get("nulls_first"))))
        return terms

    def _sorted(self, typed: Typed, made: list[Output], node: exp.Expr) -> Ref:
        if typed.type in (Type.UNIT, Type.PRESENCE):
            raise self.state.refuse("sql.unit_value", node)
        known = next((output for output in made if output.expression == typed.expression), None)
        if known is None:
            known = Output(self.state.fresh("o", node), typed.expression)
            made.append(known)
        return Ref(known.name)

    def ordinal(self, select: exp.Select, term: exp.Expr) -> exp.Expr | None:
        """The item that a number in GROUP BY or ORDER BY means."""
        if not isinstance(term, exp.Literal) or term.is_string:
            return None
        position = int(term.name) if term.name.isdecimal() and len(term.name) < 5 else 0
        if not 1 <= position <= len(select.expressions):
            raise self.state.refuse("sql.ordinal", term, position=term.name)
        item: exp.Expr = select.expressions[position - 1]
        if item.is_star:
            raise self.state.refuse("sql.ordinal", term, position=term.name)
        return item.unalias()

    def sets(self, select: exp.Select) -> list[Terms] | None:
        """The grouping sets that GROUP BY names; None where it names none."""
        clause = select.args.get("group")
        found = None if clause is None else grouping_sets(self.state, clause)
        return None if found is None else [tuple(self.ordinal(select, one) or one for one in terms) for terms in found]

    def levels(self, select: exp.Select, groups: Groups) -> Sets | None:
        """The same, over the group keys."""
        sets = self.sets(select)
        if sets is None:
            return None
        found = (frozenset(groups.rows.lower(term).expression for term in terms) for terms in sets)
        return Sets(self.state.fresh("l", select), tuple(found))

    def keys(self, select: exp.Select, groups: Groups) -> tuple[list[exp.Expr], exp.Expr | None]:
        """What GROUP BY names, and what of it is the unit key, or leads to one row of a unit."""
        clause, unit = select.args.get("group"), None
        if clause is None:
            return [], None
        sets = self.sets(select)
        terms = clause.expressions if sets is None else dict.fromkeys(term for one in sets for term in one)
        named = [self.ordinal(select, term) or term for term in terms]
        keys = list[exp.Expr]()
        for item in [item.unalias() for item in select.expressions] if clause.args.get("all") else named:
            if clause.args.get("all") and groups.measured(item, alone=True):
                continue
            keys.append(item)
            unit = item if unit is None and groups.rows.lower(item).type is Type.UNIT else unit
        origins = {item: groups.rows.scope.origin(groups.rows.lower(item).expression) for item in keys if unit is None}
        if sets is None and identified(origins.values()):
            unit = next(item for item, origin in origins.items() if origin is not None)
        return keys, unit

    def of_one_unit(self, unit: exp.Expr | None, rows: Rows) -> Refusal:
        """Why groups by what names one unit are not shown."""
        if unit is None or rows.lower(unit).type is Type.UNIT:
            return self.state.refuse("sql.unit_value", unit)
        return self.state.refuse("sql.one_unit", unit, column=self.state.places.text(unit))

    @staticmethod
    def valued(select: exp.Select, rows: Rows) -> bool:
        """Whether no item of DISTINCT is the unit key, or leads to one row of a unit."""
        items = [item.unalias() for item in select.expressions]
        if any(item.is_star or item.find(exp.Window) or rows.lower(item).type is Type.UNIT for item in items):
            return False
        return not identified(rows.scope.origin(rows.lower(item).expression) for item in items)

    def unordered(self, select: exp.Select) -> None:
        """Refuses `plan.order` where private rows would be put in order or cut."""
        for clause in ("order", "limit", "offset"):
            if select.args.get(clause) is not None:
                raise self.state.refuse("plan.order", select.args[clause])

    @staticmethod
    def released(select: exp.Select, groups: Groups) -> Relation:
        """What the measure releases; of SELECT DISTINCT, what is there."""
        existing = select.args.get("distinct") is not None and not asks_groups(select)
        if groups.sets is not None:
            return groups.sets.released(groups.rows.state, groups.measure, groups.keys)
        if not existing:
            return Released(groups.measure)
        units = groups.aggregates[AggregateFunction.UNITS, None, None]
        return Filter(Released(groups.measure), Call("greater", (Ref(units.name), Literal(Type.INTEGER, 0))))
