"""Scalar subqueries that equalities tie to the rows around them: measured by what ties them, joined back on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sqlglot import exp

from query_gateway.sql.context import Groups, Rows
from query_gateway.sql.prune import refs
from query_gateway.sql.scalar import Typed
from query_gateway.sql.scope import Column
from query_gateway.sql.state import State
from query_gateway.sql.terms import Term
from sandbox.errors import Fault
from sandbox.plan.nodes import Call, Expression, Literal, Output, Project, Ref, Relation, Type

Tie: TypeAlias = tuple[Column, Expression]
"""A column of the subquery's rows, and what it equals of the rows around."""


def tie(state: State, query: exp.Select, rows: Rows, term: Term) -> Tie:
    """What a term of WHERE ties together. Refuses `sql.correlated_value`."""
    columns = {column.ref: column for source in rows.scope.sources for column in source.columns}
    match term.expression:
        case Call("equal", (one, other)):
            for side, across in ((one, other), (other, one)):
                apart = rows.borrowed.issuperset(refs(across)) and not rows.borrowed & set(refs(side))
                if apart and isinstance(side, Ref) and side.name in columns:
                    return columns[side.name], across
    raise state.refuse("sql.correlated_value", query)


def keyed(state: State, groups: Groups, relation: Relation, ties: Sequence[Tie]) -> tuple[Relation, Expression | None]:
    """The groups' relation with its group keys, and the condition under which a row around meets its row."""
    if not isinstance(relation, Project):
        raise Fault("a value is projected")
    if not ties:
        return relation, None
    keys = [Output(state.fresh("o"), Ref(groups.keys[column.expression][0].name)) for column, _ in ties]
    terms = tuple(Call("equal", (across, Ref(key.name))) for key, (_, across) in zip(keys, ties, strict=True))
    condition = terms[0] if len(terms) == 1 else Call("and", terms)
    return Project(relation.source, (*relation.outputs, *keys)), condition


def counted(state: State, query: exp.Select, column: Column) -> Typed:
    """The value: of a row that meets none, a COUNT is 0 and any other aggregate NULL.

    Refuses: `sql.correlated_value` for what is computed of a COUNT.
    """
    item = query.expressions[0].unalias()
    if isinstance(item, exp.Count | exp.CountIf):
        return Typed(Call("coalesce", (Ref(column.ref), Literal(Type.INTEGER, 0))), column.type, 3)
    if any(isinstance(one, exp.Count | exp.CountIf) for one in item.walk()):
        raise state.refuse("sql.correlated_value", query)
    return Typed(Ref(column.ref), column.type, 1)
