"""What a SELECT asks for, told from its clauses alone: groups, or rows as they are."""

from __future__ import annotations

from sqlglot import exp

from query_gateway.sql.aggregates import aggregates
from query_gateway.sql.windows import windowed


def row_by_row(select: exp.Select, valued: bool) -> bool:
    """Whether a subquery gives rows as they are. Where only their existence matters, the first one says as much."""
    limit, offset = select.args.get("limit"), select.args.get("offset")
    wanted = None if limit is None else limit.args.get("expression")
    one = isinstance(wanted, exp.Literal) and wanted.name.isdecimal() and int(wanted.name) > 0 and not valued
    windows = select.args.get("qualify") is not None or any(item.find(exp.Window) for item in select.expressions)
    return not windows and not asks_groups(select) and offset is None and (limit is None or one)


def asks_groups(select: exp.Select) -> bool:
    """Whether a SELECT aggregates: by GROUP BY, HAVING, or an aggregate in its own list or order."""
    if select.args.get("group") is not None or select.args.get("having") is not None:
        return True
    order = select.args.get("order")
    tops = [*select.expressions, *(order.expressions if order is not None else [])]
    return any(
        aggregates(node) and not windowed(node)
        for top in tops
        for node in top.walk()
        if node.find_ancestor(exp.Select) is select
    )
