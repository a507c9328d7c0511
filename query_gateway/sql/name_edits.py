"""Edits of names: what was meant, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import Edit, Refused, froms
from query_gateway.sql.schema import fold
from sandbox.plan.nodes import Type

_QUOTES = '“”‘’"＂'


def nearest(refused: Refused) -> Iterator[list[Edit]]:
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


def text_meant(refused: Refused) -> Iterator[list[Edit]]:
    """A text in single quotes, where double or curly ones make it a name."""
    yield from _compared_with(refused)
    if fold(refused.text) == "count":
        yield [Edit(refused.span.start, refused.span.end, f"{refused.text}(*)")]
    words = refused.text
    if words[:1] in _QUOTES and words[-1:] in _QUOTES and len(words) > 2:
        inner = words.strip(_QUOTES).replace("'", "''")
        yield [Edit(refused.span.start, refused.span.end, f"'{inner}'")]


def _compared_with(refused: Refused) -> Iterator[list[Edit]]:
    """A text that a column of texts is compared with, quotes forgotten."""
    for select in refused.selects()[:1]:
        for column in select.find_all(exp.Column):
            pair = column.parent
            if refused.places.span(column) != refused.span or column.table or not isinstance(pair, exp.EQ | exp.NEQ):
                continue
            other = pair.this if pair.expression is column else pair.expression
            if isinstance(other, exp.Column) and Type.TEXT in refused.types(select, other.name):
                yield [Edit(refused.span.start, refused.span.end, f"'{column.name}'")]


def common(refused: Refused) -> Iterator[list[Edit]]:
    """A derived table that is read twice as a CTE."""
    for derived in refused.parsed.select.find_all(exp.Subquery):
        if derived.alias and fold(derived.alias) == fold(refused.text) and not refused.parsed.select.args.get("with_"):
            inner, whole = refused.places.span(derived.this), refused.places.span(derived)
            if inner is None or whole is None:
                continue
            start = max(refused.parsed.sql.rfind("(", 0, inner.start), 0)
            text = refused.parsed.sql[inner.start : inner.end]
            end = max(whole.end, inner.end + 1)
            yield [Edit(0, 0, f"WITH {derived.alias} AS ({text}) "), Edit(start, end, f"{derived.alias}")]


def _meant(refused: Refused) -> str:
    """The name that is unknown."""
    detail = refused.refusal.detail
    return next((detail[one] for one in ("column", "table", "dataset", "function") if one in detail), "")


def _quoted(name: str) -> str:
    plain = name.isidentifier() and name == name.strip()
    return name if plain else '"' + name.replace('"', '""') + '"'


def qualified(refused: Refused) -> Iterator[list[Edit]]:
    """The column with its table's name."""
    for select in refused.selects()[:1]:
        for one in froms(select):
            yield [Edit(refused.span.start, refused.span.start, f"{one.alias_or_name}.")]


def two_parts(refused: Refused) -> Iterator[list[Edit]]:
    """A name of data set and table, without what else was written before them."""
    for table in refused.parsed.select.find_all(exp.Table):
        parts = [part for part in table.parts if isinstance(part, exp.Identifier)]
        if len(parts) < 3:
            continue
        first, last = refused.places.span(parts[0]), refused.places.span(parts[-1])
        if first is not None and last is not None:
            for kept in (f"{parts[0].name}.{parts[-1].name}", parts[-1].name):
                yield [Edit(first.start, last.end, kept)]
