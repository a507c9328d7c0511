"""Edits of what belongs to one unit: joins, subqueries, unions, windows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import Edit, Refused
from query_gateway.sql.places import Extent
from query_gateway.sql.schema import Schema, fold
from query_gateway.sql.select_edits import before_tail
from sandbox.plan.nodes import Type


def join_unit(refused: Refused) -> Iterator[list[Edit]]:
    """The equality of unit keys as a term of the join."""
    yield from _subquery_unit(refused)
    for select in refused.selects()[:1]:
        froms = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
        keyed = [(one.alias_or_name, key) for one in froms for key in _unit_names(refused.schema, one)]
        place = next((one for one in froms if refused.places.span(one) == refused.span), None)
        if place is None:
            continue
        join = place.parent
        for name, key in keyed:
            for other, theirs in _unit_pairs(refused.schema, place):
                if fold(name) != fold(other):
                    yield from _joined_on(refused, select, join, f"{name}.{key} = {other}.{theirs}")


def _subquery_unit(refused: Refused) -> Iterator[list[Edit]]:
    """The equality of unit keys as a term of a subquery's WHERE."""
    for inner in refused.parsed.select.find_all(exp.Select):
        outer = inner.parent_select
        if outer is None or refused.places.span(inner) != refused.span:
            continue
        for name, key in _keyed(refused.schema, inner):
            for other, theirs in _keyed(refused.schema, outer):
                if fold(name) != fold(other):
                    yield from _joined_on(refused, inner, None, f"{name}.{key} = {other}.{theirs}")


def _keyed(schema: Schema, select: exp.Select) -> list[tuple[str, str]]:
    """The unit keys in reach, with their tables' names."""
    clause = select.args.get("from_")
    froms = [] if clause is None else [clause.this, *(join.this for join in select.args.get("joins") or [])]
    return [pair for one in froms for pair in _unit_pairs(schema, one)]


def union_all(refused: Refused) -> Iterator[list[Edit]]:
    """UNION ALL, which compares no rows."""
    for token in refused.places.tokens:
        if token.token_type is TokenType.UNION and refused.span.start <= token.start < refused.span.end:
            yield [Edit(token.end + 1, token.end + 1, " ALL")]


def _unit_pairs(schema: Schema, node: exp.Expr) -> list[tuple[str, str]]:
    return [(node.alias_or_name, key) for key in _unit_names(schema, node)]


def _unit_names(schema: Schema, node: exp.Expr) -> list[str]:
    table = schema.find(node.db or None, node.name) if isinstance(node, exp.Table) else None
    return [] if table is None else [column.name for column in table.columns if column.type is Type.UNIT]


def _joined_on(refused: Refused, select: exp.Select, join: exp.Expr | None, term: str) -> Iterator[list[Edit]]:
    places = refused.places
    on = join.args.get("on") if isinstance(join, exp.Join) else None
    if on is not None and (span := places.span(on)) is not None:
        opening, closing = ("(", ")") if isinstance(on.unnest(), exp.Or) else ("", "")
        yield [Edit(span.start, span.start, f"{term} AND {opening}"), Edit(span.end, span.end, closing)]
        yield [Edit(span.start, span.end, term)]
        return
    where, end = places.clause(select, TokenType.WHERE), places.end(select)
    if where is not None:
        start = places.of(Extent(where.first + 1, where.last))
        yield [Edit(start.start, start.start, f"{term} AND ("), Edit(start.end, start.end, ")")]
    elif end is not None:
        group = places.clause(select, TokenType.GROUP_BY)
        tail = places.tokens[group.first - 1].end + 1 if group is not None else before_tail(refused, select, end)
        yield [Edit(tail, tail, f" WHERE {term}")]


def kept_side(refused: Refused) -> Iterator[list[Edit]]:
    """An inner join, which needs no preserved side."""
    tokens = refused.places.tokens
    before = [index for index, token in enumerate(tokens) if token.start < refused.span.end]
    sides = [index for index in before if tokens[index].token_type in (TokenType.LEFT, TokenType.RIGHT)]
    for index in reversed(sides):
        after = index + 2 if tokens[index + 1].token_type is TokenType.OUTER else index + 1
        yield [Edit(tokens[index].start, tokens[after].start, "")]


def by_unit(refused: Refused) -> Iterator[list[Edit]]:
    """The window within each unit."""
    opening = re.search(r"OVER\s*\(\s*(PARTITION\s+BY\s)?", refused.text, re.IGNORECASE)
    if opening is None:
        return
    place = refused.span.start + opening.end()
    for select in refused.selects()[:1]:
        for one in [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]:
            for key in _unit_names(refused.schema, one):
                name = f"{one.alias_or_name}.{key}"
                first = f"{name}, " if opening[1] else f"PARTITION BY {name} "
                yield [Edit(place, place, first)]
