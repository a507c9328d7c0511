"""Edits of a SELECT: its items, its order, its conditions."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.aggregates import AGGREGATES
from query_gateway.sql.edits import Edit, Refused, without, without_clauses, without_term
from query_gateway.sql.group_edits import before_tail
from query_gateway.sql.places import Extent
from query_gateway.sql.schema import fold

ORDERS = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)


def count_only(refused: Refused) -> Iterator[list[Edit]]:
    """How many rows there are."""
    for select in refused.selects():
        yield from counted(refused, select)
    yield from _around(refused)


def counted(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """COUNT(*) in place of the items."""
    items, end = refused.places.items(select), refused.places.end(select)
    if items is None or end is None:
        return
    span = refused.places.of(items)
    tail = without_clauses(refused, select, *ORDERS, TokenType.GROUP_BY, TokenType.HAVING)
    yield [Edit(span.start, span.end, "COUNT(*) AS n"), *tail]


def _around(refused: Refused) -> Iterator[list[Edit]]:
    """COUNT(*) of a query that has no select list of its own: a set operation, FROM or TABLE alone."""
    sql, tokens = refused.parsed.sql, refused.places.tokens
    first = tokens[0]
    if first.token_type is TokenType.FROM:
        yield [Edit(0, 0, "SELECT COUNT(*) AS n ")]
    if first.text.upper() == "TABLE":
        yield [Edit(first.start, first.end + 1, "SELECT COUNT(*) AS n FROM")]
    if isinstance(refused.parsed.select, exp.SetOperation):
        start = 0 if first.token_type is not TokenType.WITH else None
        end = tokens[-1].start if tokens[-1].token_type is TokenType.SEMICOLON else len(sql)
        if start is not None:
            yield [Edit(0, 0, "SELECT COUNT(*) AS n FROM ("), Edit(end, end, ")")]


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
        if items is not None and tokens[items.first].token_type is TokenType.DISTINCT:
            yield [Edit(tokens[items.first].start, tokens[items.first + 1].start, "")]


def no_order(refused: Refused) -> Iterator[list[Edit]]:
    """Private rows in no order and without limit."""
    for select in refused.selects()[:1]:
        yield without_clauses(refused, select, *ORDERS)
    start = refused.parsed.sql.upper().rfind("ORDER BY", 0, refused.span.end)
    if start >= 0:
        yield [Edit(start, refused.span.end, "")]


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
        yield from ([Edit(span.start, span.end, f"{function}({text})")] for function in ("AVG", "MIN"))
        yield [Edit(span.start, span.end, "COUNT(*)")]


def one_column(refused: Refused) -> Iterator[list[Edit]]:
    """The subquery's first column."""
    for select in refused.parsed.select.find_all(exp.Select):
        items = refused.places.items(select)
        if items is not None and refused.within(refused.places.of(items), refused.places.span(select.expressions[0])):
            span = refused.places.of(items)
            if refused.within(refused.places.span(select), refused.span) and len(select.expressions) > 1:
                yield [Edit(span.start, span.end, refused.places.text(select.expressions[0]))]


def untied(refused: Refused) -> Iterator[list[Edit]]:
    """The aggregate over all rows."""
    for select in refused.selects()[:1]:
        yield from ([edit] for edit in without_clauses(refused, select, TokenType.WHERE))


def moved_aggregate(refused: Refused) -> Iterator[list[Edit]]:
    """An aggregate of WHERE in HAVING; one within another in a derived table."""
    for select in refused.selects()[:1]:
        where, extent = select.args.get("where"), refused.places.clause(select, TokenType.WHERE)
        if where is not None and extent is not None:
            yield from _having(refused, select, extent)
        if where is not None and extent is not None and refused.within(refused.places.of(extent)):
            yield from _over_all(refused, select)
            yield from without_term(refused, select)
        group = refused.places.clause(select, TokenType.GROUP_BY)
        if group is not None:
            span = refused.places.of(group)
            yield [Edit(span.start, span.end, "GROUP BY ALL")]
        yield from two_levels(refused, select)
        yield from _over_groups(refused, select)


def _over_groups(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """An aggregate of what an alias has aggregated, over all groups."""
    aliases = {fold(item.alias) for item in select.expressions if item.alias}
    for item in select.expressions:
        for one in item.find_all(*AGGREGATES):
            span = refused.places.span(one)
            if isinstance(one.this, exp.Column) and fold(one.this.name) in aliases and span is not None:
                yield [Edit(span.end, span.end, " OVER ()")]


def _over_all(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """The aggregate of all rows as a scalar subquery, which a row can be compared with."""
    source = _from(refused, select)
    if source is not None:
        span = refused.places.of(source)
        text = f"(SELECT {refused.text} FROM {refused.parsed.sql[span.start : span.end]})"
        yield [Edit(refused.span.start, refused.span.end, text)]


def _having(refused: Refused, select: exp.Select, where: Extent) -> Iterator[list[Edit]]:
    """The whole WHERE as HAVING."""
    end = refused.places.end(select)
    if end is not None and select.args.get("having") is None:
        text = refused.places.text(select.args["where"].this)
        place = before_tail(refused, select, end)
        yield [without(refused, where), Edit(place, place, f" HAVING {text}")]


def two_levels(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """The inner aggregate by group, the outer one over the groups."""
    found = [one for item in select.expressions for one in item.find_all(*AGGREGATES)]
    inner = next((one for one in found if one.find_ancestor(*AGGREGATES) in found), None)
    outer = None if inner is None else inner.find_ancestor(*AGGREGATES)
    items, end = refused.places.items(select), refused.places.end(select)
    if inner is None or outer is None or items is None or end is None or len(select.expressions) > 1:
        return
    span, first = refused.places.of(items), refused.places.tokens[items.first - 1]
    place, text = refused.places.tokens[end - 1].end + 1, refused.places.text(inner)
    opening = f"SELECT {refused.places.text(outer).replace(text, 'n')} FROM (SELECT {text} AS n"
    yield [Edit(first.start, span.end, opening), Edit(place, place, ")")]


def last_item(refused: Refused) -> Iterator[list[Edit]]:
    """The number of an item that there is."""
    for select in refused.selects()[:1]:
        yield [Edit(refused.span.start, refused.span.end, str(len(select.expressions)))]
        yield [Edit(refused.span.start, refused.span.end, "1")]


def whole_limit(refused: Refused) -> Iterator[list[Edit]]:
    """Ten rows, a number that the caller is to choose."""
    for select in refused.selects()[:1]:
        for kind in (TokenType.LIMIT, TokenType.OFFSET):
            extent = refused.places.clause(select, kind)
            if extent is not None and refused.within(refused.places.of(extent)):
                span = refused.places.of(Extent(extent.first + 1, extent.last))
                yield [Edit(span.start, span.end, "10")]


def in_a_derived_table(refused: Refused) -> Iterator[list[Edit]]:
    """A window of WHERE or of an aggregate in the QUALIFY of a derived table."""
    for select in refused.selects()[:1]:
        source, where = _from(refused, select), refused.places.clause(select, TokenType.WHERE)
        if source is None:
            continue
        start, end = refused.places.of(source).start, refused.places.of(source).end
        text = refused.parsed.sql[start:end]
        if where is not None and refused.within(refused.places.of(where)):
            condition = refused.places.text(select.args["where"].this)
            yield [Edit(start, end, f"(SELECT * FROM {text} QUALIFY {condition})"), without(refused, where)]
        for item in select.expressions:
            if refused.within(refused.places.span(item)):
                yield [
                    Edit(start, end, f"(SELECT {refused.text} AS v FROM {text})"),
                    Edit(refused.span.start, refused.span.end, "v"),
                ]


def qualified_rows(refused: Refused) -> Iterator[list[Edit]]:
    """Rows that QUALIFY chooses, in a derived table that is then aggregated."""
    for select in refused.selects()[:1]:
        qualify, source = select.args.get("qualify"), _from(refused, select)
        if qualify is None or source is None:
            continue
        words = [one for one in refused.places.tokens if one.text.upper() == "QUALIFY"]
        condition = refused.places.span(qualify.this)
        if len(words) == 1 and condition is not None:
            span = refused.places.of(source)
            text = refused.parsed.sql[span.start : span.end]
            chosen = refused.places.text(qualify.this)
            yield [
                Edit(span.start, span.end, f"(SELECT * FROM {text} QUALIFY {chosen})"),
                Edit(words[0].start, condition.end, ""),
            ]


def _from(refused: Refused, select: exp.Select) -> Extent | None:
    """What stands after FROM, to the next clause."""
    extent = refused.places.clause(select, TokenType.FROM)
    if extent is None:
        return None
    later = [i for i in range(extent.first, extent.last + 1) if refused.places.tokens[i].text.upper() == "QUALIFY"]
    return Extent(extent.first + 1, (later[0] - 1) if later else extent.last)


def left_side(refused: Refused) -> Iterator[list[Edit]]:
    """The first query of a set operation."""
    for token in refused.places.tokens:
        if token.token_type in (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT):
            if refused.within(refused.span, refused.places.of(_only(refused, token.start))):
                yield [Edit(token.start, refused.span.end, "")]
            return


def _only(refused: Refused, start: int) -> Extent:
    index = next(i for i, one in enumerate(refused.places.tokens) if one.start == start)
    return Extent(index, index)
