"""Edits where a unit key is shown, grouped by or computed with: it counts, or it leads to one row per unit."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.aggregates import AGGREGATES
from query_gateway.sql.edits import Edit, Refused, without_clauses, without_term
from query_gateway.sql.group_edits import fewer_groups
from query_gateway.sql.select_edits import ORDERS, counted, qualified_rows, two_levels
from sandbox.plan.nodes import Type


def unit(refused: Refused) -> Iterator[list[Edit]]:
    """Counts units instead of naming them, or aggregates what each of them has."""
    yield from qualified_rows(refused)
    for select in refused.selects():
        yield from two_levels(refused, select)
        yield from _per_unit(refused, select)
        yield from _counted_units(refused, select)
        yield from without_term(refused, select)
        yield from _unordered(refused, select)
        yield from _uncomputed(refused, select)
        yield from counted(refused, select)


def _per_unit(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """The average, over units, of an aggregate by unit."""
    group, items = select.args.get("group"), refused.places.items(select)
    keys = [refused.places.text(one) for one in group.expressions] if group is not None else []
    if keys != [refused.text] or items is None or select.parent is not None or select.args.get("with_"):
        return
    measured = [item for item in select.expressions if isinstance(item.unalias(), AGGREGATES)]
    if not measured:
        return
    name = measured[0].alias if isinstance(measured[0], exp.Alias) else "x"
    shown = refused.places.text(measured[0].unalias())
    first = refused.places.tokens[items.first - 1]
    span = refused.places.of(items)
    end = refused.places.end(select)
    if end is None:
        return
    tail = without_clauses(refused, select, *ORDERS, TokenType.HAVING)
    place = min([edit.start for edit in tail], default=refused.places.tokens[end - 1].end + 1)
    opening = f"SELECT AVG({name}) FROM (SELECT {refused.text}, {shown} AS {name}"
    yield [Edit(first.start, span.end, opening), *tail, Edit(place, place, ")")]


def _counted_units(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """COUNT(DISTINCT unit) in place of the unit, or of an aggregate of it."""
    group = refused.places.clause(select, TokenType.GROUP_BY)
    words = f"COUNT(DISTINCT {refused.text})"
    shown = [one for item in select.expressions if isinstance(one := item.unalias(), exp.Column | exp.AggFunc)]
    asked = [one for one in shown if refused.text in (refused.places.text(one), refused.places.text(_argument(one)))]
    edits = [Edit(span.start, span.end, words) for one in asked if (span := refused.places.span(one)) is not None]
    tail = without_clauses(refused, select, *ORDERS)
    if edits and group is not None:
        yield [*edits, *fewer_groups(refused, select, group)]
        yield [*edits, *fewer_groups(refused, select, group), *tail]
    if edits:
        yield edits
        yield [*edits, *tail]


def _argument(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.AggFunc) and isinstance(node.this, exp.Expr) else node


def _unordered(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """No ORDER BY, where the unit key stands in it."""
    order = refused.places.clause(select, TokenType.ORDER_BY)
    if order is not None and refused.within(refused.places.of(order)):
        yield without_clauses(refused, select, TokenType.ORDER_BY)


def _uncomputed(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """Without the item that is computed of the unit key, and without the group key that it is."""
    kept = [one for one in select.expressions if not refused.within(refused.places.span(one))]
    gone = [one for one in select.expressions if refused.within(refused.places.span(one))]
    items, group = refused.places.items(select), refused.places.clause(select, TokenType.GROUP_BY)
    if not kept or not gone or items is None:
        return
    names = {one.alias for one in gone} | {refused.places.text(one.unalias()) for one in gone}
    span, edits = refused.places.of(items), list[Edit]()
    edits.append(Edit(span.start, span.end, ", ".join(map(refused.item, kept))))
    if group is not None:
        keys = [refused.places.text(one) for one in select.args["group"].expressions]
        left = [one for one in keys if one not in names and not one.isdecimal()]
        place = refused.places.of(group)
        edits.append(Edit(place.start, place.end, "GROUP BY " + ", ".join(left) if left else ""))
    yield [*edits, *without_clauses(refused, select, *ORDERS)]


def counted_unit(refused: Refused) -> Iterator[list[Edit]]:
    """COUNT(DISTINCT unit) in place of any other aggregate of it."""
    for select in refused.selects()[:1]:
        for one in select.find_all(exp.AggFunc):
            text = refused.places.text(_argument(one))
            if refused.places.text(one) == refused.text and Type.UNIT in refused.types(select, text):
                yield [Edit(refused.span.start, refused.span.end, f"COUNT(DISTINCT {text})")]


def most_frequent(refused: Refused) -> Iterator[list[Edit]]:
    """MODE within a unit: of each value how often it occurs, then the value where that is greatest."""
    for select in refused.selects()[:1]:
        group, items = select.args.get("group"), refused.places.items(select)
        found = next((one for one in select.find_all(exp.Mode) if refused.places.text(one) == refused.text), None)
        end, span = refused.places.end(select), None if found is None else refused.places.span(found)
        if (
            group is None
            or items is None
            or found is None
            or end is None
            or span is None
            or len(select.expressions) > 3
        ):
            continue
        keys = [refused.places.text(key) for key in group.expressions]
        value, first = refused.places.text(_argument(found)), refused.places.tokens[items.first - 1]
        whole, clause = refused.places.of(items), refused.places.clause(select, TokenType.GROUP_BY)
        if clause is None or not any(Type.UNIT in refused.types(select, key) for key in keys):
            continue
        shown = (
            refused.parsed.sql[whole.start : span.start] + f"ARG_MAX(x, n){refused.parsed.sql[span.end : whole.end]}"
        )
        inner = f"SELECT {', '.join(keys)}, {value} AS x, COUNT(*) AS n"
        tail = refused.places.of(clause)
        yield [
            Edit(first.start, whole.end, f"SELECT {shown} FROM ({inner}"),
            Edit(tail.end, tail.end, f", {value}) GROUP BY {', '.join(keys)}"),
        ]
