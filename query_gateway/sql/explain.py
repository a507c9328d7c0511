"""What to write instead: the place of a refusal in the text, and an edit of the text that is itself accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import Edit, Refused
from query_gateway.sql.lower import lower
from query_gateway.sql.parse import MAX_CHARACTERS, parse_select
from query_gateway.sql.places import Extent, Places
from query_gateway.sql.schema import Schema, fold
from sandbox.errors import Refusal, Span
from sandbox.plan.nodes import Type

MAX_ATTEMPTS = 8
"""Rewrites that are tried for one refusal."""
CLAMP = ("0", "100")
"""Limits that a rewrite proposes where nothing is known; the caller is to choose."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a refusal is, and what would be accepted."""

    span: Span | None
    rewrite: str | None


def with_rewrite(sql: str, schema: Schema, refusal: Refusal) -> Refusal:
    """The refusal with a rewrite, if one is accepted."""
    rewrite = _rewrite(sql, schema, refusal)
    return Refusal(refusal.code, refusal.detail, span=refusal.span, rewrite=rewrite, subject=refusal.subject)


def explain(sql: str, schema: Schema, code: str, subject: str | None) -> Explanation:
    """The place and the rewrite of a refusal by `check`, whose subject is a generated name of the same SQL's plan."""
    spans = lower(sql, schema).spans
    span = None if subject is None else spans.get(subject) or spans.get(subject.partition(".")[0])
    refusal = Refusal(code, span=span)
    return Explanation(span, _rewrite(sql, schema, refusal))


def _rewrite(sql: str, schema: Schema, refusal: Refusal) -> str | None:
    if refusal.code == "sql.several_statements" and refusal.span is not None:
        return _first_accepted(schema, iter([sql[: refusal.span.start].rstrip("; \t\r\n")]))
    editor = EDITORS.get(refusal.code)
    if editor is None or refusal.span is None:
        return None
    try:
        parsed = parse_select(sql)
    except Refusal:
        return None
    refused = Refused(parsed, Places(parsed), schema, refusal, refusal.span)
    return _first_accepted(schema, (_applied(sql, edits) for edits in editor(refused)))


def _first_accepted(schema: Schema, candidates: Iterator[str]) -> str | None:
    for _, candidate in zip(range(MAX_ATTEMPTS), candidates, strict=False):
        if len(candidate) > MAX_CHARACTERS:
            continue
        try:
            lower(candidate, schema)
        except (Refusal, SqlglotError):
            continue
        return candidate
    return None


def _applied(sql: str, edits: Sequence[Edit]) -> str:
    for edit in sorted(edits, key=lambda one: (one.start, one.end), reverse=True):
        sql = sql[: edit.start] + edit.text + sql[edit.end :]
    return sql.rstrip()


def _nearest(refused: Refused) -> Iterator[list[Edit]]:
    """The name that was meant, perhaps."""
    near, place = refused.refusal.detail.get("near"), refused.span
    if not near:
        return
    named = [
        token
        for token in refused.places.tokens
        if place.start <= token.start < place.end and token.token_type in (TokenType.VAR, TokenType.IDENTIFIER)
    ]
    for token in sorted(named, key=lambda one: fold(one.text) != fold(_meant(refused))):
        yield [Edit(token.start, token.end + 1, _quoted(near))]


def _meant(refused: Refused) -> str:
    """The name that is unknown."""
    detail = refused.refusal.detail
    return next((detail[one] for one in ("column", "table", "dataset", "function") if one in detail), "")


def _quoted(name: str) -> str:
    plain = name.isidentifier() and name == name.strip()
    return name if plain else '"' + name.replace('"', '""') + '"'


def _count_only(refused: Refused) -> Iterator[list[Edit]]:
    """An aggregate instead of rows: by the plain columns asked for, or over all rows."""
    for select in refused.selects():
        yield from _counted(refused, select)


def _counted(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    items, end = refused.places.items(select), refused.places.end(select)
    if items is None or end is None:
        return
    span = refused.places.of(items)
    tail = [
        _without(refused, extent)
        for kind in (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.GROUP_BY, TokenType.HAVING)
        if (extent := refused.places.clause(select, kind)) is not None
    ]
    yield [Edit(span.start, span.end, "COUNT(*) AS n"), *tail]


def _without(refused: Refused, extent: Extent) -> Edit:
    """Leaves a clause out, with the white space before it."""
    span = refused.places.of(extent)
    start = span.start
    while start and refused.parsed.sql[start - 1].isspace():
        start -= 1
    return Edit(start, span.end, "")


def _unit(refused: Refused) -> Iterator[list[Edit]]:
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
        return [_without(refused, group)]
    span = refused.places.of(group)
    return [Edit(span.start, span.end, "GROUP BY " + ", ".join(kept))]


def _group(refused: Refused) -> Iterator[list[Edit]]:
    """The column as one more group key."""
    for select in refused.selects()[:1]:
        group, end = refused.places.clause(select, TokenType.GROUP_BY), refused.places.end(select)
        if group is not None:
            place = refused.places.of(group).end
            yield [Edit(place, place, f", {refused.text}")]
        elif end is not None:
            yield [Edit(place := _before_tail(refused, select, end), place, f" GROUP BY {refused.text}")]


def _before_tail(refused: Refused, select: exp.Select, end: int) -> int:
    """Where GROUP BY belongs."""
    later = (TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
    starts = [extent.first for kind in later if (extent := refused.places.clause(select, kind)) is not None]
    return refused.places.tokens[min([end, *starts]) - 1].end + 1


def _with_count(refused: Refused) -> Iterator[list[Edit]]:
    """The groups with a COUNT(*)."""
    for select in refused.selects()[:1]:
        items = refused.places.items(select)
        if items is not None:
            end = refused.places.of(items).end
            yield [Edit(end, end, ", COUNT(*) AS n")]


def _distinct(refused: Refused) -> Iterator[list[Edit]]:
    """The rows as they are, not only those that differ."""
    for select in refused.selects()[:1]:
        items, tokens = refused.places.items(select), refused.places.tokens
        if items is not None:
            yield [Edit(tokens[items.first].start, tokens[items.first + 1].start, "")]


def _by_unit(refused: Refused) -> Iterator[list[Edit]]:
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


def _clamp(refused: Refused) -> Iterator[list[Edit]]:
    """The argument held within limits that the caller is to choose."""
    span = refused.span
    yield [Edit(span.start, span.end, f"clamp({refused.text}, {CLAMP[0]}, {CLAMP[1]})")]


def _grouped_publicly(refused: Refused) -> Iterator[list[Edit]]:
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


def _join_unit(refused: Refused) -> Iterator[list[Edit]]:
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


def _union_all(refused: Refused) -> Iterator[list[Edit]]:
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
        tail = places.tokens[group.first - 1].end + 1 if group is not None else _before_tail(refused, select, end)
        yield [Edit(tail, tail, f" WHERE {term}")]


def _kept_side(refused: Refused) -> Iterator[list[Edit]]:
    """An inner join, which needs no preserved side."""
    tokens = refused.places.tokens
    before = [index for index, token in enumerate(tokens) if token.start < refused.span.end]
    sides = [index for index in before if tokens[index].token_type in (TokenType.LEFT, TokenType.RIGHT)]
    for index in reversed(sides):
        after = index + 2 if tokens[index + 1].token_type is TokenType.OUTER else index + 1
        yield [Edit(tokens[index].start, tokens[after].start, "")]


def _no_order(refused: Refused) -> Iterator[list[Edit]]:
    """Private rows in no order and without limit."""
    for select in refused.selects()[:1]:
        kinds = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
        found = [extent for kind in kinds if (extent := refused.places.clause(select, kind)) is not None]
        yield [_without(refused, extent) for extent in found]


def _one_value(refused: Refused) -> Iterator[list[Edit]]:
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


def _untied(refused: Refused) -> Iterator[list[Edit]]:
    """The aggregate over all rows."""
    for select in refused.selects()[:1]:
        where = refused.places.clause(select, TokenType.WHERE)
        if where is not None:
            yield [_without(refused, where)]


def _qualified(refused: Refused) -> Iterator[list[Edit]]:
    """The column with its table's name."""
    for select in refused.selects()[:1]:
        for one in [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]:
            yield [Edit(refused.span.start, refused.span.start, f"{one.alias_or_name}.")]


def _cast(refused: Refused) -> Iterator[list[Edit]]:
    """A cast to DOUBLE."""
    tokens = [token for token in refused.places.tokens if token.start >= refused.span.start]
    starts = [index for index, token in enumerate(tokens) if token.token_type in (TokenType.ALIAS, TokenType.DCOLON)]
    for start in starts[:1]:
        end = start + 1
        if end + 1 < len(tokens) and tokens[end + 1].token_type is TokenType.L_PAREN:
            end = next((i for i in range(end, len(tokens)) if tokens[i].token_type is TokenType.R_PAREN), end)
        yield [Edit(tokens[start + 1].start, tokens[end].end + 1, "DOUBLE")]


def _dropped(refused: Refused) -> Iterator[list[Edit]]:
    """The query without words that it does not need."""
    words = _NEEDLESS.get(refused.refusal.detail.get("what", ""), ())
    tokens = refused.places.tokens
    for index in range(len(tokens) - len(words) + 1 if words else 0):
        found = tokens[index : index + len(words)]
        if tuple(token.text.upper() for token in found) == words:
            yield [Edit(tokens[index - 1].end + 1, found[-1].end + 1, "")]


_COARSE = {
    Type.INTEGER: "width_bucket({}, {}, {}, 10)",
    Type.DOUBLE: "width_bucket({}, {}, {}, 10)",
    Type.TEXT: "{} = 'A'",
    Type.DATE: "{} >= DATE '2000-01-01'",
    Type.TIMESTAMP: "{} >= TIMESTAMP '2000-01-01'",
}
"""Of each type, a condition or number with a known set of values."""
Editor = Callable[[Refused], Iterator[list[Edit]]]
_NEEDLESS = {"FOR UPDATE": ("FOR", "UPDATE")}
EDITORS: Mapping[str, Editor] = {
    "plan.join_preserved": _kept_side,
    "plan.join_unit": _join_unit,
    "plan.order": _no_order,
    "plan.private_keys_pure": _grouped_publicly,
    "plan.raw_rows": _count_only,
    "plan.unbounded_sum": _clamp,
    "sql.ambiguous_column": _qualified,
    "sql.cast_type": _cast,
    "sql.correlated_value": _untied,
    "sql.distinct": _distinct,
    "sql.no_aggregate": _with_count,
    "sql.not_grouped": _group,
    "sql.set_units": _union_all,
    "sql.star_grouped": _count_only,
    "sql.subquery_rows": _one_value,
    "sql.unit_value": _unit,
    "sql.unknown_column": _nearest,
    "sql.unknown_dataset": _nearest,
    "sql.unknown_function": _nearest,
    "sql.unknown_table": _nearest,
    "sql.unsupported": _dropped,
    "sql.window": _by_unit,
}
