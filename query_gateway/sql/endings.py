"""How a query ends: LIMIT and OFFSET."""

from __future__ import annotations

from sqlglot import exp

from query_gateway.sql.state import State
from sandbox.plan.nodes import Limit, Relation

MAX_LIMIT = 2**31 - 1


def limited(state: State, query: exp.Query, relation: Relation) -> Relation:
    """The relation with the query's LIMIT and OFFSET. Refuses `sql.limit`."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    if limit is None and offset is None:
        return relation
    count = MAX_LIMIT if limit is None else _count(state, limit.args.get("expression"), limit)
    return Limit(relation, count, 0 if offset is None else _count(state, offset.expression, offset))


def _count(state: State, node: exp.Expr | None, clause: exp.Expr) -> int:
    match node:
        case exp.Literal(is_string=False) if node.name.isdecimal() and len(node.name) < 10:
            return int(node.name)
    raise state.refuse("sql.limit", clause)
