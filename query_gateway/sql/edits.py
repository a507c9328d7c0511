"""A refused query, and edits of its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.parse import CLOSING, OPENING, Parsed
from query_gateway.sql.places import Extent, Places
from query_gateway.sql.schema import Schema, TableSchema, fold
from query_gateway.sql.state import conjuncts
from sandbox.errors import Refusal, Span
from sandbox.plan.nodes import Type

CLAMP = ("0", "100")
"""Limits that a rewrite proposes where nothing is known; the caller is to choose."""
DAY = "DATE '2026-01-01'"
"""A day that a rewrite proposes; the caller is to choose."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters [start, end) of the text become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused query: its tree and tokens, and what was refused where."""

    parsed: Parsed
    places: Places
    schema: Schema
    refusal: Refusal
    span: Span

    @property
    def text(self) -> str:
        """The fragment that was refused."""
        return self.parsed.sql[self.span.start : self.span.end]

    def selects(self) -> list[exp.Select]:
        """The SELECTs around the fragment, innermost first."""
        around = []
        for select in self.parsed.select.find_all(exp.Select):
            span = self.places.span(select)
            if span is not None and span.start <= self.span.start and self.span.end <= span.end:
                around.append((span.end - span.start, select))
        return [select for _, select in sorted(around, key=lambda pair: pair[0])]

    def tables(self, select: exp.Select) -> list[tuple[exp.Expr, TableSchema]]:
        """The FROM items of a SELECT that are tables of cards."""
        found = [(one, self.table(one)) for one in froms(select)]
        return [(one, table) for one, table in found if table is not None]

    def table(self, node: exp.Expr) -> TableSchema | None:
        return self.schema.find(node.db or None, node.name) if isinstance(node, exp.Table) else None

    def types(self, select: exp.Select, name: str) -> set[Type]:
        """The types of the columns in reach that have this name."""
        named = fold(name.rpartition(".")[2].strip('"'))
        columns = [column for _, table in self.tables(select) for column in table.columns]
        return {column.type for column in columns if fold(column.name) == named}

    def item(self, item: exp.Expr) -> str:
        """The text of an item of a select list, with its alias."""
        text = self.places.text(item.unalias())
        return f"{text} AS {self.places.text(item.args['alias'])}" if isinstance(item, exp.Alias) else text

    def within(self, outer: Span | None, inner: Span | None = None) -> bool:
        """Whether a place holds another, or the refused one."""
        inner = inner or self.span
        return outer is not None and outer.start <= inner.start and inner.end <= outer.end

    def meets(self, place: Span | None) -> bool:
        """Whether a place and the refused one share a sign."""
        return place is not None and place.start < self.span.end and self.span.start < place.end


Editor: TypeAlias = Callable[[Refused], Iterator[list[Edit]]]
"""Proposes edits, the best first. None of them need be accepted: each is tried."""


def froms(select: exp.Select) -> list[exp.Expr]:
    """The FROM items of a SELECT."""
    clause = select.args.get("from_")
    return [] if clause is None else [clause.this, *(join.this for join in select.args.get("joins") or [])]


def without(refused: Refused, extent: Extent) -> Edit:
    """Leaves a clause out, with the white space before it."""
    span = refused.places.of(extent)
    start = span.start
    while start and refused.parsed.sql[start - 1].isspace():
        start -= 1
    return Edit(start, span.end, "")


def without_clauses(refused: Refused, select: exp.Select, *kinds: TokenType) -> list[Edit]:
    """Leaves these clauses out, as far as they are there."""
    found = [extent for kind in kinds if (extent := refused.places.clause(select, kind)) is not None]
    return [without(refused, extent) for extent in found]


def without_term(refused: Refused, select: exp.Select) -> Iterator[list[Edit]]:
    """WHERE or HAVING without the AND term that holds the refused place."""
    for name, kind in (("where", TokenType.WHERE), ("having", TokenType.HAVING)):
        clause, extent = select.args.get(name), refused.places.clause(select, kind)
        if clause is None or extent is None or not refused.within(refused.places.of(extent)):
            continue
        terms = conjuncts([clause.this])
        kept = [refused.places.text(one) for one in terms if not refused.meets(refused.places.span(one))]
        if not kept:
            yield [without(refused, extent)]
        elif len(kept) < len(terms):
            span = refused.places.of(Extent(extent.first + 1, extent.last))
            yield [Edit(span.start, span.end, " AND ".join(kept))]


def arguments(refused: Refused) -> tuple[Span, list[str]] | None:
    """The place of the refused call, its name included, and the texts of its arguments."""
    tokens = refused.places.tokens
    opening = next(
        (i for i, one in enumerate(tokens) if one.start >= refused.span.start and one.token_type is TokenType.L_PAREN),
        None,
    )
    if not opening:
        return None
    parts, depth, start = list[str](), 1, tokens[opening].end + 1
    for token in tokens[opening + 1 :]:
        depth -= token.token_type in CLOSING
        if depth == 0 or (depth == 1 and token.token_type is TokenType.COMMA):
            parts.append(refused.parsed.sql[start : token.start].strip())
            start = token.end + 1
        if depth == 0:
            return Span(tokens[opening - 1].start, token.end + 1), [part for part in parts if part]
        depth += token.token_type in OPENING
    return None


def applied(sql: str, edits: Sequence[Edit]) -> str:
    """The text with these edits, which do not overlap."""
    for edit in sorted(edits, key=lambda one: (one.start, one.end), reverse=True):
        sql = sql[: edit.start] + edit.text + sql[edit.end :]
    return sql.strip()
