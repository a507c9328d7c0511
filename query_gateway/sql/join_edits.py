"""Edits of what belongs to one unit: joins, subqueries, unions, windows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import Edit, Refused, froms
from query_gateway.sql.group_edits import before_tail, keyed
from query_gateway.sql.places import Extent
from query_gateway.sql.schema import TableSchema, fold
from query_gateway.sql.select_edits import counted
from query_gateway.sql.state import conjuncts

_SIDES = (TokenType.LEFT, TokenType.RIGHT, TokenType.FULL)


def join_unit(refused: Refused) -> Iterator[list[Edit]]:
    """The equality of unit keys, or of a foreign key and the key it names, as a term of the join."""
    yield from _subquery_unit(refused)
    for select in refused.selects()[:1]:
        place = next((one for one in froms(select) if refused.places.span(one) == refused.span), None)
        if place is None:
            continue
        for one in froms(select):
            if one is not place:
                for term in _ties(refused, one, place):
                    yield from _joined_on(refused, select, place.parent, term)


def on_unit(refused: Refused) -> Iterator[list[Edit]]:
    """ON where there is none."""
    for select in refused.selects()[:1]:
        for place in froms(select):
            if refused.places.span(place) != refused.span:
                continue
            for one in froms(select):
                if one is not place:
                    for term in _ties(refused, one, place):
                        yield [Edit(refused.span.end, refused.span.end, f" ON {term}")]


def tied_otherwise(refused: Refused) -> Iterator[list[Edit]]:
    """A condition of a join that names what is not there, or a unit key beside a value, as the tables are tied."""
    for select in refused.selects()[:1]:
        for join in select.args.get("joins") or []:
            on, using = join.args.get("on"), join.args.get("using") or []
            span = None if on is None else refused.places.span(on)
            ties = [term for one in froms(select) if one is not join.this for term in _ties(refused, one, join.this)]
            if span is not None and refused.within(span):
                yield from ([Edit(span.start, span.end, term)] for term in ties)
            if any(refused.within(refused.places.span(one)) for one in using):
                start = refused.parsed.sql.upper().rfind("USING", 0, refused.span.start)
                end = refused.parsed.sql.find(")", refused.span.end) + 1
                yield from ([Edit(start, end, f"ON {term}")] for term in ties if 0 <= start < end)


def _ties(refused: Refused, one: exp.Expr, other: exp.Expr) -> Iterator[str]:
    """Equalities that make the rows of two FROM items those of one unit."""
    left, right = refused.table(one), refused.table(other)
    if left is None or right is None:
        return
    names = one.alias_or_name, other.alias_or_name
    if fold(names[0]) == fold(names[1]):
        return
    if left.unit_column is not None and right.unit_column is not None:
        yield f"{names[0]}.{left.unit_column} = {names[1]}.{right.unit_column}"
    for here, there, table, owner in ((*names, left, right), (*names[::-1], right, left)):
        path = table.unit
        if path is not None and path.references is not None and fold(path.references) == fold(owner.name) and owner.key:
            pairs = zip(path.columns, owner.key, strict=False)
            yield " AND ".join(f"{here}.{ours} = {there}.{theirs}" for ours, theirs in pairs)
    yield from _same_reference(names, left, right)


def _same_reference(names: tuple[str, str], left: TableSchema, right: TableSchema) -> Iterator[str]:
    paths = left.unit, right.unit
    if all(path is not None and path.references is not None for path in paths):
        ours, theirs = (path.columns if path is not None else () for path in paths)
        references = {fold(path.references or "") for path in paths if path is not None}
        if len(references) == 1 and len(ours) == len(theirs):
            yield " AND ".join(f"{names[0]}.{a} = {names[1]}.{b}" for a, b in zip(ours, theirs, strict=True))


def _subquery_unit(refused: Refused) -> Iterator[list[Edit]]:
    """The equality of unit keys as a term of a subquery's WHERE."""
    for inner in refused.parsed.select.find_all(exp.Select):
        outer = inner.parent_select
        if outer is None or refused.places.span(inner) != refused.span:
            continue
        for one in froms(inner):
            for other in froms(outer):
                for term in _ties(refused, one, other):
                    yield from _joined_on(refused, inner, None, term)


def existing(refused: Refused) -> Iterator[list[Edit]]:
    """Which keys private rows have, as far as it is released: SELECT DISTINCT in place of the rows."""
    for inner in refused.selects()[:1]:
        items, last = refused.places.items(inner), refused.places.end(inner)
        if items is None or last is None:
            continue
        start, end = refused.places.tokens[items.first].start, refused.places.tokens[last - 1].end + 1
        yield from _listed(refused, inner)
        yield [Edit(start, start, "* FROM (SELECT DISTINCT "), Edit(end, end, ") d")]
    for select in refused.selects()[:1]:
        for join in select.args.get("joins") or []:
            if refused.places.span(join.this) == refused.span and join.args.get("on") is not None:
                yield from _distinct_side(refused, join)


def _listed(refused: Refused, inner: exp.Select) -> Iterator[list[Edit]]:
    """EXISTS with an equality as IN."""
    where, source = inner.args.get("where"), refused.places.clause(inner, TokenType.FROM)
    if inner.find_ancestor(exp.Exists) is None or where is None or source is None:
        return
    names = {fold(one.alias_or_name) for one in froms(inner)}
    terms = conjuncts([where.this])
    for term in terms:
        if not isinstance(term, exp.EQ):
            continue
        for ours, across in ((term.this, term.expression), (term.expression, term.this)):
            if not isinstance(ours, exp.Column) or fold(ours.table) not in names or fold(across.text("table")) in names:
                continue
            kept = [refused.places.text(one) for one in terms if one is not term]
            span = refused.places.of(source)
            text = f"SELECT DISTINCT {refused.places.text(ours)} {refused.parsed.sql[span.start : span.end]}"
            text += f" WHERE {' AND '.join(kept)}" if kept else ""
            text = f"SELECT * FROM ({text}) d"
            start = refused.parsed.sql.upper().rfind("EXISTS", 0, refused.span.start)
            end = refused.parsed.sql.find(")", refused.span.end) + 1
            yield [Edit(start, end, f"{refused.places.text(across)} IN ({text})")] if 0 <= start < end else []


def _distinct_side(refused: Refused, join: exp.Join) -> Iterator[list[Edit]]:
    """A semi join with the keys of the private side."""
    table = refused.table(join.this)
    named = {fold(column.name): column.name for column in table.columns} if table is not None else {}
    used = [one for one in join.args["on"].find_all(exp.Column) if fold(one.table) == fold(join.this.alias_or_name)]
    keys = ", ".join(dict.fromkeys(named[fold(one.name)] for one in used if fold(one.name) in named))
    if table is not None and keys:
        text = f"(SELECT DISTINCT {keys} FROM {table.dataset}.{table.name}) {join.this.alias_or_name}"
        yield [Edit(refused.span.start, refused.span.end, text)]


def union_all(refused: Refused) -> Iterator[list[Edit]]:
    """UNION ALL, which compares no rows."""
    for token in refused.places.tokens:
        if token.token_type is TokenType.UNION and refused.span.start <= token.start < refused.span.end:
            yield [Edit(token.end + 1, token.end + 1, " ALL")]


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
    """An inner join, which needs no preserved side; LEFT in place of FULL."""
    tokens = refused.places.tokens
    before = [index for index, token in enumerate(tokens) if token.start < refused.span.end]
    sides = [index for index in before if tokens[index].token_type in _SIDES]
    for index in reversed(sides):
        if tokens[index].token_type is TokenType.FULL:
            yield [Edit(tokens[index].start, tokens[index].end + 1, "LEFT")]
        after = index + 2 if tokens[index + 1].token_type is TokenType.OUTER else index + 1
        yield [Edit(tokens[index].start, tokens[after].start, "")]


def by_unit(refused: Refused) -> Iterator[list[Edit]]:
    """The window within each unit; of shown rows, an aggregate by what it is partitioned by."""
    opening = re.search(r"OVER\s*\(\s*(PARTITION\s+BY\s)?", refused.text, re.IGNORECASE)
    if opening is None:
        bare = re.compile(r"\s*OVER\s*\([^()]*\)", re.IGNORECASE).match(refused.parsed.sql, refused.span.end)
        if bare is not None:
            yield [Edit(bare.start(), bare.end(), "")]
        return
    place = refused.span.start + opening.end()
    for select in refused.selects()[:1]:
        for one, table in refused.tables(select):
            if table.unit_column is not None:
                name = f"{one.alias_or_name}.{table.unit_column}"
                first = f"{name}, " if opening[1] else f"PARTITION BY {name} "
                yield [Edit(place, place, first)]
        yield from _aggregated(refused, select)


def _aggregated(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """The window's aggregate by its partition, without the window."""
    found = next((one for one in select.find_all(exp.Window) if refused.places.span(one) == refused.span), None)
    if found is None or select.args.get("group") is not None:
        return
    parts = [refused.places.text(one) for one in found.args.get("partition_by") or []]
    words = f"{', '.join(parts)}, " if parts else ""
    items = refused.places.items(select)
    if isinstance(found.this, exp.AggFunc) and items is not None:
        span = refused.places.of(items)
        group = keyed(refused, select, ", ".join(parts)) if parts else []
        yield [Edit(span.start, span.end, f"{words}{refused.places.text(found.this)}"), *group]
    yield from counted(refused, select)
