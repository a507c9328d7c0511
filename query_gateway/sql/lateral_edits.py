"""Edits of what reaches too far out: LATERAL as a join, or as its expressions; EXISTS within EXISTS as one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.aggregates import AGGREGATES
from query_gateway.sql.edits import Edit, Refused, froms
from query_gateway.sql.places import Extent
from query_gateway.sql.schema import fold
from query_gateway.sql.state import conjuncts
from sandbox.errors import Span

_BEFORE = (TokenType.JOIN, TokenType.LEFT, TokenType.INNER, TokenType.CROSS, TokenType.OUTER, TokenType.COMMA)
Tie = tuple[str, str]
"""A column of the subquery, and what it equals of the rows before it."""


def joined(refused: Refused) -> Iterator[list[Edit]]:
    """LATERAL as a join."""
    for lateral in refused.parsed.select.find_all(exp.Lateral):
        inner = lateral.this.unnest() if isinstance(lateral.this, exp.Subquery) else None
        place = _place(refused, lateral)
        if not isinstance(inner, exp.Select) or place is None or not lateral.alias:
            continue
        if inner.args.get("from_") is None:
            yield from _inlined(refused, lateral, inner, place)
        else:
            yield from _tied(refused, lateral, inner, place)


def flattened(refused: Refused) -> Iterator[list[Edit]]:
    """EXISTS of a row for which a further one exists: EXISTS of the two of them."""
    for inner in refused.selects()[:1]:
        asked, middle = inner.parent, inner.parent_select
        where = None if middle is None else middle.args.get("where")
        source = _source(refused, inner)
        if not isinstance(asked, exp.Exists) or middle is None or where is None or source is None:
            continue
        condition, place = inner.args.get("where"), refused.places.clause(middle, TokenType.FROM)
        term = next((one for one in conjuncts([where.this]) if one.unnest() is asked), None)
        if term is None or condition is None or place is None:
            continue
        span, end = refused.places.span(condition.this), refused.places.of(place).end
        start = refused.parsed.sql.upper().rfind("EXISTS", 0, refused.span.start)
        closing = None if span is None else refused.parsed.sql.find(")", span.end)
        if span is not None and closing is not None and end < start < closing:
            text = refused.parsed.sql[span.start : span.end]
            yield [Edit(end, end, f", {source}"), Edit(start, closing + 1, f"({text})")]


def _place(refused: Refused, lateral: exp.Lateral) -> Span | None:
    """From the comma or JOIN before LATERAL to its alias, and an ON TRUE."""
    tokens, found = refused.places.tokens, refused.places.span(lateral)
    if found is None:
        return None
    start = next((i for i, one in enumerate(tokens) if one.end >= found.start), 0)
    while start and tokens[start].token_type is not TokenType.LATERAL:
        start -= 1
    while start and tokens[start - 1].token_type in _BEFORE:
        start -= 1
    last = max(i for i, one in enumerate(tokens) if one.start < found.end)
    while last + 1 < len(tokens) and fold(tokens[last].text) != fold(lateral.alias):
        last += 1
    if [one.text.upper() for one in tokens[last + 1 : last + 3]] == ["ON", "TRUE"]:
        last += 2
    return Span(tokens[start].start, tokens[last].end + 1) if start else None


def _inlined(refused: Refused, lateral: exp.Lateral, inner: exp.Select, place: Span) -> Iterator[list[Edit]]:
    """Expressions over the row itself, in place of their names."""
    meant = {fold(item.alias): refused.places.text(item.unalias()) for item in inner.expressions if item.alias}
    edits = [Edit(_spaced(refused, place.start), place.end, "")]
    for column in refused.parsed.select.find_all(exp.Column):
        span, text = refused.places.span(column), meant.get(fold(column.name))
        if fold(column.table) == fold(lateral.alias) and span is not None and text is not None:
            edits.append(Edit(span.start, span.end, f"({text})"))
    yield edits


def _tied(refused: Refused, lateral: exp.Lateral, inner: exp.Select, place: Span) -> Iterator[list[Edit]]:
    outer = lateral.find_ancestor(exp.Select)
    names = {fold(one.alias_or_name) for one in froms(outer)} if outer is not None else set()
    names -= {fold(one.alias_or_name) for one in froms(inner)} | {fold(lateral.alias)}
    where = inner.args.get("where")
    ties, kept = list[Tie](), list[str]()
    for term in conjuncts([where.this]) if where is not None else []:
        tie = _tie(refused, term, names)
        if tie is not None:
            ties.append(tie)
        else:
            kept.append(refused.places.text(term))
    source, limit = _source(refused, inner), inner.args.get("limit") or inner.args.get("order")
    if not ties or source is None or limit is not None:
        return
    groups = [refused.places.text(one) for one in inner.args["group"].expressions] if inner.args.get("group") else []
    if groups or any(item.find(*AGGREGATES) for item in inner.expressions):
        groups += [column for column, _ in ties]
    items = [refused.item(item) for item in inner.expressions]
    items += [f"{column} AS k{number}" for number, (column, _) in enumerate(ties, 1)]
    parts = [f"SELECT {', '.join(items)} FROM {source}"]
    parts += [f"WHERE {' AND '.join(kept)}"] if kept else []
    parts += [f"GROUP BY {', '.join(groups)}"] if groups else []
    on = " AND ".join(f"{lateral.alias}.k{number} = {across}" for number, (_, across) in enumerate(ties, 1))
    text = refused.parsed.sql[place.start : place.end].lstrip(", ")
    side = "LEFT JOIN" if text.upper().startswith("LEFT") else "JOIN"
    start = _spaced(refused, place.start)
    yield [Edit(start, place.end, f" {side} ({' '.join(parts)}) {lateral.alias} ON {on}")]


def _tie(refused: Refused, term: exp.Expr, names: set[str]) -> Tie | None:
    """An equality of a column of the subquery with one of the rows before it."""
    match term.unnest():
        case exp.EQ(this=exp.Column() as one, expression=exp.Column() as other):
            for ours, across in ((one, other), (other, one)):
                if fold(across.table) in names and fold(ours.table) not in names:
                    return refused.places.text(ours), refused.places.text(across)
    return None


def _source(refused: Refused, inner: exp.Select) -> str | None:
    """What stands after FROM in the subquery."""
    extent = refused.places.clause(inner, TokenType.FROM)
    if extent is None:
        return None
    span = refused.places.of(Extent(extent.first + 1, extent.last))
    return refused.parsed.sql[span.start : span.end]


def _spaced(refused: Refused, start: int) -> int:
    while start and refused.parsed.sql[start - 1].isspace():
        start -= 1
    return start
