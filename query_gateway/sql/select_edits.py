"""Edits of a SELECT: its items, its groups, its order."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import CLAMP, Edit, Refused, without
from query_gateway.sql.places import Extent
from query_gateway.sql.schema import fold
from sandbox.plan.nodes import Type

_COARSE = {
    Type.INTEGER: "width_bucket({}, {}, {}, 10)",
    Type.DOUBLE: "width_bucket({}, {}, {}, 10)",
    Type.TEXT: "{} = 'A'",
    Type.DATE: "{} >= DATE '2000-01-01'",
    Type.TIMESTAMP: "{} >= TIMESTAMP '2000-01-01'",
}
"""Of each type, a condition or number with a known set of values."""


def count_only(refused: Refused) -> Iterator[list[Edit]]:
    """An aggregate instead of rows: by the plain columns asked for, or over all rows."""
    for select in refused.selects():
        yield from _counted(refused, select)


def _counted(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    items, end = refused.places.items(select), refused.places.end(select)
    if items is None or end is None:
        return
    span = refused.places.of(items)
    tail = [
        without(refused, extent)
        for kind in (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.GROUP_BY, TokenType.HAVING)
        if (extent := refused.places.clause(select, kind)) is not None
    ]
    yield [Edit(span.start, span.end, "COUNT(*) AS n"), *tail]


def unit(refused: Refused) -> Iterator[list[Edit]]:
    """Counts units instead of naming them."""
    counted = f"COUNT(DISTINCT {refused.text})"
    for select in refused.selects():
        group = refused.places.clause(select, TokenType.GROUP_BY)
        columns = [one for item in select.expressions if isinstance(one := item.unalias(), exp.Column)]
        asked = [one for one in columns if refused.places.text(one) == refused.text]
        edits = [Edit(span.start, span.end, counted) for one in asked if (span := refused.places.span(one)) is not None]
        if edits and group is not None:
            yield [*edits, *_fewer_groups(refused, select, group)]
        if edits:
            yield edits
        yield from _counted(refused, select)


def _fewer_groups(refused: Refused, select: exp.Select, group: Extent) -> list[Edit]:
    """GROUP BY without the refused term; no GROUP BY when it was the only one."""
    terms = select.args["group"].expressions
    kept = [text for term in terms if (text := refused.places.text(term)) != refused.text]
    if not kept:
        return [without(refused, group)]
    span = refused.places.of(group)
    return [Edit(span.start, span.end, "GROUP BY " + ", ".join(kept))]


def group(refused: Refused) -> Iterator[list[Edit]]:
    """The column as one more group key."""
    for select in refused.selects()[:1]:
        group, end = refused.places.clause(select, TokenType.GROUP_BY), refused.places.end(select)
        if group is not None:
            place = refused.places.of(group).end
            yield [Edit(place, place, f", {refused.text}")]
        elif end is not None:
            yield [Edit(place := before_tail(refused, select, end), place, f" GROUP BY {refused.text}")]


def before_tail(refused: Refused, select: exp.Select, end: int) -> int:
    """Where GROUP BY belongs."""
    later = (TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
    starts = [extent.first for kind in later if (extent := refused.places.clause(select, kind)) is not None]
    return refused.places.tokens[min([end, *starts]) - 1].end + 1


def with_count(refused: Refused) -> Iterator[list[Edit]]:
    """The groups with a COUNT(*)."""
    for select in refused.selects()[:1]:
        items = refused.places.items(select)
        if items is not None:
            end = refused.places.of(items).end
            yield [Edit(end, end, ", COUNT(*) AS n")]


def distinct(refused: Refused) -> Iterator[list[Edit]]:
    """The rows as they are, not only those that differ."""
    for select in refused.selects()[:1]:
        items, tokens = refused.places.items(select), refused.places.tokens
        if items is not None:
            yield [Edit(tokens[items.first].start, tokens[items.first + 1].start, "")]


def no_order(refused: Refused) -> Iterator[list[Edit]]:
    """Private rows in no order and without limit."""
    for select in refused.selects()[:1]:
        kinds = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
        found = [extent for kind in kinds if (extent := refused.places.clause(select, kind)) is not None]
        yield [without(refused, extent) for extent in found]


def one_value(refused: Refused) -> Iterator[list[Edit]]:
    """An average in place of rows; the first row of more than one."""
    for select in refused.selects()[:1]:
        items, end = refused.places.items(select), refused.places.end(select)
        if items is None or end is None:
            continue
        place = refused.places.tokens[end - 1].end + 1
        yield [Edit(place, place, " LIMIT 1")]
        span, text = refused.places.of(items), refused.places.text(select.expressions[0].unalias())
        yield [Edit(span.start, span.end, f"{text} AS v"), Edit(place, place, " LIMIT 1")]
        yield [Edit(span.start, span.end, f"AVG({text})")]
        yield [Edit(span.start, span.end, "COUNT(*)")]


def untied(refused: Refused) -> Iterator[list[Edit]]:
    """The aggregate over all rows."""
    for select in refused.selects()[:1]:
        where = refused.places.clause(select, TokenType.WHERE)
        if where is not None:
            yield [without(refused, where)]


def grouped_publicly(refused: Refused) -> Iterator[list[Edit]]:
    """A group key whose values are known, made of one whose are not, at limits that the caller is to choose."""
    for select in refused.selects()[:1]:
        froms = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
        tables = [refused.schema.find(one.db or None, one.name) for one in froms if isinstance(one, exp.Table)]
        named = fold(refused.text.rpartition(".")[2].strip('"'))
        types = {one.type for table in tables if table is not None for one in table.columns if fold(one.name) == named}
        coarse = [_COARSE[one].format(refused.text, *CLAMP) for one in types if one in _COARSE]
        items = [item.unalias() for item in select.expressions]
        group = select.args.get("group")
        keys = [one for one in (*items, *(group.expressions if group else ())) if not isinstance(one, exp.Literal)]
        spans = {refused.places.span(one) for one in keys if refused.places.text(one) == refused.text}
        if len(coarse) == 1:
            yield [Edit(span.start, span.end, coarse[0]) for span in spans if span is not None]
