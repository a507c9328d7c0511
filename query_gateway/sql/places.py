"""Where in the SQL text a node of the tree stands, by the tokens it was parsed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from query_gateway.sql.parse import CLOSING, OPENING, Parsed
from sandbox.errors import Span

_CLAUSES = {
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.ORDER_BY,
    TokenType.LIMIT,
    TokenType.OFFSET,
    TokenType.FETCH,
}
_WORDS: Mapping[type[exp.Expr], tuple[TokenType, ...]] = {
    exp.CurrentDate: (TokenType.CURRENT_DATE,),
    exp.CurrentTimestamp: (TokenType.CURRENT_TIMESTAMP,),
    exp.Placeholder: (TokenType.PLACEHOLDER, TokenType.PARAMETER),
}
"""Nodes of one word that carry no position."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Tokens [first, last] of the text, both included."""

    first: int
    last: int


class Places:
    """The tokens of one parsed query, and which of them a node covers."""

    def __init__(self, parsed: Parsed) -> None:
        self.sql = parsed.sql
        self.tokens: Sequence[Token] = parsed.tokens
        self._starts = {token.start: index for index, token in enumerate(parsed.tokens)}

    def span(self, node: exp.Expr) -> Span | None:
        """The characters of the node's text; of the nearest enclosing node's where it has no token of its own."""
        extent = self.extent(node)
        return None if extent is None else self.of(extent)

    def of(self, extent: Extent) -> Span:
        return Span(self.tokens[extent.first].start, self.tokens[extent.last].end + 1)

    def text(self, node: exp.Expr) -> str:
        """The node's text; empty where it cannot be told."""
        span = self.span(node)
        return "" if span is None else self.sql[span.start : span.end]

    def extent(self, node: exp.Expr) -> Extent | None:
        """The node's tokens."""
        positions = self._positions(node)
        if not positions:
            word = next((i for i, one in enumerate(self.tokens) if one.token_type in _WORDS.get(type(node), ())), None)
            if word is not None:
                return Extent(word, word)
            return None if node.parent is None else self.extent(node.parent)
        extent = self._balanced(Extent(min(positions), max(positions)))
        return self._balanced(self._led(node, extent))

    def _positions(self, node: exp.Expr) -> list[int]:
        return [
            index
            for part in node.walk()
            if isinstance(start := part.meta.get("start"), int) and (index := self._starts.get(start)) is not None
        ]

    def clause(self, select: exp.Select, kind: TokenType) -> Extent | None:
        """The tokens of a clause of this SELECT, its keyword included."""
        start = self.keyword(select)
        if start is None:
            return None
        found = next((i for i in self._level(start) if self.tokens[i].token_type is kind), None)
        if found is None:
            return None
        ends = [i for i in self._level(found + 1) if self.tokens[i].token_type in _CLAUSES - {kind}]
        return Extent(found, (ends[0] if ends else self._end(found)) - 1)

    def keyword(self, select: exp.Select) -> int | None:
        """The index of the token SELECT of this SELECT."""
        first = select.expressions[0]
        extent = self.extent(first) if self._positions(first) else None
        if extent is None:
            return None
        depth = 0
        for index in range(extent.first - 1, -1, -1):
            kind = self.tokens[index].token_type
            depth += (kind in CLOSING) - (kind in OPENING)
            if depth == 0 and kind is TokenType.SELECT:
                return index
            if depth < 0:
                return None
        return None

    def items(self, select: exp.Select) -> Extent | None:
        """The tokens of the select list."""
        start = self.keyword(select)
        if start is None:
            return None
        end = next((i for i in self._level(start) if self.tokens[i].token_type is TokenType.FROM), None)
        return None if end is None else Extent(start + 1, end - 1)

    def end(self, select: exp.Select) -> int | None:
        """The index after the last token of this SELECT."""
        start = self.keyword(select)
        return None if start is None else self._end(start)

    def _level(self, start: int) -> list[int]:
        """Indices from `start` at the same nesting, to the end of the SELECT."""
        depth, found = 0, []
        for index in range(start, len(self.tokens)):
            kind = self.tokens[index].token_type
            depth -= kind in CLOSING
            if depth < 0 or (depth == 0 and kind is TokenType.SEMICOLON):
                break
            if depth == 0:
                found.append(index)
            depth += kind in OPENING
        return found

    def _end(self, start: int) -> int:
        level = self._level(start)
        return level[-1] + 1 if level else start

    def _closing(self, opening: int) -> int:
        depth = 0
        for index in range(opening, len(self.tokens)):
            depth += (self.tokens[index].token_type in OPENING) - (self.tokens[index].token_type in CLOSING)
            if depth == 0:
                return index
        return len(self.tokens) - 1

    def _balanced(self, extent: Extent) -> Extent:
        """The extent grown until every bracket and CASE in it is closed."""
        first, last, depth = extent.first, extent.last, 0
        for index in range(first, last + 1):
            kind = self.tokens[index].token_type
            depth += (kind in OPENING) - (kind in CLOSING)
            while depth < 0 and first > 0:
                first -= 1
                depth += (self.tokens[first].token_type in OPENING) - (self.tokens[first].token_type in CLOSING)
        while depth > 0 and last + 1 < len(self.tokens):
            last += 1
            depth += (self.tokens[last].token_type in OPENING) - (self.tokens[last].token_type in CLOSING)
        return Extent(first, last)

    def _led(self, node: exp.Expr, extent: Extent) -> Extent:
        """The extent with the words that open or close the node but carry no position."""
        first, last, tokens = extent.first, extent.last, self.tokens
        before = tokens[first - 1].token_type if first else None
        after = tokens[last + 1].token_type if last + 1 < len(tokens) else None
        match node:
            case exp.Case():
                while first and tokens[first].token_type is not TokenType.CASE:
                    first -= 1
            case exp.Func() if before is TokenType.L_PAREN and "start" not in node.meta and first > 1:
                first -= 2
            case exp.Filter() if first and tokens[first].token_type is TokenType.L_PAREN:
                first -= 1
            case exp.Select():
                keyword = self.keyword(node)
                first = first if keyword is None else min(first, keyword)
            case exp.Func() if first == last and after is TokenType.L_PAREN:
                last += 1
            case exp.Paren() | exp.Subquery() if before is TokenType.L_PAREN:
                first -= 1
            case exp.Not() | exp.Neg() if before in (TokenType.NOT, TokenType.DASH):
                first -= 1
            case exp.Is():
                while last + 1 < len(tokens) and tokens[last + 1].token_type in (
                    TokenType.IS,
                    TokenType.NOT,
                    TokenType.NULL,
                    TokenType.ISNULL,
                    TokenType.NOTNULL,
                ):
                    last += 1
            case _:
                pass
        return Extent(first, last)
