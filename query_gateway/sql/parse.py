"""From SQL text to one SELECT tree, within limits that are checked before any parser runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp, parse, tokenize
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from sandbox.errors import Refusal, Span

MAX_CHARACTERS = 20_000
MAX_TOKENS = 5_000
MAX_NESTING = 32
"""Of parentheses, brackets and CASE; also the longest run of prefix operators."""
MAX_JOINS = 12
"""The parser's work doubles with every JOIN that has no ON."""
MAX_DEPTH = 60
"""Levels of the tree; chains of AND and of OR count once."""
DIALECT = "duckdb"
PARSER_ERRORS = (SqlglotError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What the parser raises on texts that are not SQL, some of it by accident."""

OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE, TokenType.PARAMETER}
_WORDS = {TokenType.VAR, TokenType.IDENTIFIER}
_AWAITING = "SELECT FROM WHERE AND OR NOT BY ON USING HAVING QUALIFY LIMIT OFFSET JOIN IN LIKE BETWEEN AS UNION"
"""Words after which something must come."""

logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """One query with the text and the tokens it came from."""

    sql: str
    tokens: tuple[Token, ...]
    select: exp.Query


def parse_select(sql: str) -> Parsed:
    """The one SELECT, or set operation over some, that `sql` holds.

    Refuses: `sql.too_large`, `sql.too_deep`, `sql.syntax`, `sql.several_statements`, `sql.not_select`.
    """
    if len(sql) > MAX_CHARACTERS:
        raise Refusal("sql.too_large", {"what": "characters", "limit": str(MAX_CHARACTERS)})
    tokens = _tokens(sql)
    _measure(tokens)
    try:
        found = parse(sql, dialect=DIALECT)
        statements = [one for one in found if one is not None and not isinstance(one, exp.Semicolon)]
    except PARSER_ERRORS as error:
        place = _place(sql, error)
        raise Refusal("sql.syntax", {"what": _reason(sql, place)}, span=place) from None
    if len(statements) > 1:
        raise Refusal("sql.several_statements", span=_second(tokens))
    select = statements[0] if statements else None
    while isinstance(select, exp.Subquery) and set(given(select)) == {"this"}:
        select = select.this
    if not isinstance(select, exp.Select | exp.SetOperation):
        raise Refusal("sql.not_select", span=Span(0, tokens[0].end + 1) if tokens else None)
    if not all(one.expressions for one in select.find_all(exp.Select)):
        raise Refusal("sql.syntax", {"what": "nothing is selected"})
    _measure_tree(select)
    return Parsed(sql, tokens, select)


def _tokens(sql: str) -> tuple[Token, ...]:
    try:
        tokens = tuple(tokenize(sql, dialect=DIALECT))
    except PARSER_ERRORS as error:
        raise Refusal("sql.syntax", {"what": "a text, name or comment does not end"}, span=_place(sql, error)) from None
    return tokens


def _measure(tokens: Sequence[Token]) -> None:
    """Refuses more tokens, nesting or joins than the limits, and what the parser would misread."""
    if len(tokens) > MAX_TOKENS:
        raise Refusal("sql.too_large", {"what": "tokens", "limit": str(MAX_TOKENS)})
    nesting = prefixes = joins = 0
    for index, token in enumerate(tokens):
        kind = token.token_type
        span = Span(token.start, token.end + 1)
        nesting += (kind in OPENING) - (kind in CLOSING)
        prefixes = prefixes + 1 if kind in _PREFIXES else 0
        joins += kind in (TokenType.JOIN, TokenType.STRAIGHT_JOIN)
        if max(nesting, prefixes) > MAX_NESTING:
            raise Refusal("sql.too_deep", {"limit": str(MAX_NESTING)}, span=span)
        if joins > MAX_JOINS:
            raise Refusal("sql.too_large", {"what": "joins", "limit": str(MAX_JOINS)}, span=span)
        if kind is TokenType.PIPE_GT:
            raise Refusal("sql.unsupported", {"what": "|>"}, span=span)
        before = tokens[index - 1] if index else None
        if before is None:
            continue
        if kind in _WORDS and before.token_type is TokenType.NUMBER and before.end + 1 == token.start:
            raise Refusal("sql.syntax", {"what": "a number runs into a word"}, span=span)
        if kind is TokenType.COMMA and before.token_type is TokenType.COMMA:
            raise Refusal("sql.syntax", {"what": "nothing stands between two commas"}, span=span)


def _measure_tree(root: exp.Expr) -> None:
    """Refuses a tree that is deeper than MAX_DEPTH. Iterative: a deep tree is what it looks for."""
    pending: list[tuple[exp.Expr, int]] = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise Refusal("sql.too_deep", {"limit": str(MAX_DEPTH)})
        for child in node.iter_expressions():
            chained = isinstance(node, exp.And | exp.Or) and type(child) is type(node)
            pending.append((child, depth + (not chained)))


def given(node: exp.Expr) -> list[str]:
    """The arguments of a node that are not empty."""
    return [name for name, value in node.args.items() if value not in (None, False, [])]


def _second(tokens: Sequence[Token]) -> Span | None:
    """Where the second statement starts."""
    ends = [index for index, token in enumerate(tokens) if token.token_type is TokenType.SEMICOLON]
    later = [token for token in tokens[ends[0] :] if token.token_type is not TokenType.SEMICOLON] if ends else []
    return Span(later[0].start, later[-1].end + 1) if later else None


def _reason(sql: str, place: Span | None) -> str:
    """What is wrong, made from the text alone: a word that does not fit, or the end after one."""
    if place is None:
        return "it is incomplete"
    word = sql[place.start : place.end][:40]
    last = not sql[place.end :].strip(" ;\t\r\n") and word.upper() in _AWAITING.split()
    return f"it is incomplete after {word!r}" if last else f"unexpected {word!r}"


def _place(sql: str, error: Exception) -> Span | None:
    details = (getattr(error, "errors", None) or [{}])[0]
    before, text, after = (details.get(part) or "" for part in ("start_context", "highlight", "end_context"))
    found = sql.find(before + text + after) if text else -1
    return None if found < 0 else Span(found + len(before), found + len(before) + len(text))
