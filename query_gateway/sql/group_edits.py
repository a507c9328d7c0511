"""Edits of GROUP BY and of what must stand in it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import CLAMP, Edit, Refused, without
from query_gateway.sql.places import Extent
from sandbox.plan.nodes import Type

_COARSE = {
    Type.INTEGER: "width_bucket({}, {}, {}, 10)",
    Type.DOUBLE: "width_bucket({}, {}, {}, 10)",
    Type.TEXT: "{} = 'A'",
    Type.DATE: "{} >= DATE '2000-01-01'",
    Type.TIMESTAMP: "{} >= TIMESTAMP '2000-01-01'",
}
"""Of each type, a condition or number with a known set of values."""


def group(refused: Refused) -> Iterator[list[Edit]]:
    """The column as one more group key; a real number averaged; an order by something else left out."""
    for select in refused.selects()[:1]:
        order = refused.places.clause(select, TokenType.ORDER_BY)
        ordered = order is not None and refused.within(refused.places.of(order))
        if Type.DOUBLE in refused.types(select, refused.text) or ordered:
            yield [Edit(refused.span.start, refused.span.end, f"AVG({refused.text})")]
        if ordered and order is not None:
            yield [without(refused, order)]
        yield keyed(refused, select, refused.text)


def keyed(refused: Refused, select: exp.Select, key: str) -> list[Edit]:
    """GROUP BY with one more key."""
    found, end = refused.places.clause(select, TokenType.GROUP_BY), refused.places.end(select)
    if found is not None:
        place = refused.places.of(found).end
        return [Edit(place, place, f", {key}")]
    if end is None:
        return []
    return [Edit(place := before_tail(refused, select, end), place, f" GROUP BY {key}")]


def before_tail(refused: Refused, select: exp.Select, end: int) -> int:
    """Where GROUP BY belongs."""
    later = (TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH)
    starts = [extent.first for kind in later if (extent := refused.places.clause(select, kind)) is not None]
    return refused.places.tokens[min([end, *starts]) - 1].end + 1


def fewer_groups(refused: Refused, select: exp.Select, found: Extent) -> list[Edit]:
    """GROUP BY without the refused term; no GROUP BY when it was the only one."""
    terms = select.args["group"].expressions
    kept = [text for term in terms if (text := refused.places.text(term)) != refused.text]
    if not kept:
        return [without(refused, found)]
    span = refused.places.of(found)
    return [Edit(span.start, span.end, "GROUP BY " + ", ".join(kept))]


def grouped_publicly(refused: Refused) -> Iterator[list[Edit]]:
    """A group key whose values are known, made of one whose are not, at limits that the caller is to choose."""
    for select in refused.selects()[:1]:
        yield from coarser(refused, select, refused.text)


def coarser_keys(refused: Refused) -> Iterator[list[Edit]]:
    """Fewer groups: a key by a condition or in buckets, or without it."""
    for select in refused.selects()[:1]:
        for key in select.args["group"].expressions if select.args.get("group") else ():
            yield from coarser(refused, select, refused.places.text(key))


def coarser(refused: Refused, select: exp.Select, text: str) -> Iterator[list[Edit]]:
    """The SELECT with a coarser key in place of this one."""
    coarse = [_COARSE[one].format(text, *CLAMP) for one in refused.types(select, text) if one in _COARSE]
    items = [item.unalias() for item in select.expressions]
    found = select.args.get("group")
    keys = [one for one in (*items, *(found.expressions if found else ())) if not isinstance(one, exp.Literal)]
    spans = {refused.places.span(one) for one in keys if refused.places.text(one) == text}
    if len(coarse) == 1:
        yield [Edit(span.start, span.end, coarse[0]) for span in spans if span is not None]
