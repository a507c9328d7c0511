"""Edits of a text that is no query: what was meant, by the signs and words in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from sqlglot import tokenize
from sqlglot.tokenizer_core import Token, TokenType

from query_gateway.sql.parse import CLOSING, DIALECT, OPENING, PARSER_ERRORS
from query_gateway.sql.schema import Schema, fold
from sandbox.errors import Refusal

Writer: TypeAlias = Callable[[str, Schema, Refusal], Iterator[str]]
"""Proposes whole texts, the best first."""
_WORDS = (
    "SELECT FROM WHERE GROUP ORDER BY HAVING LIMIT OFFSET JOIN LEFT RIGHT INNER OUTER FULL ON USING UNION ALL DISTINCT"
    " AND OR NOT BETWEEN LIKE CASE WHEN THEN ELSE END AS WITH OVER PARTITION QUALIFY FILTER EXISTS DESC ASC COUNT SUM"
    " AVG"
)
KEYWORDS = frozenset(_WORDS.split())
_SIGNS = str.maketrans("（），；＝＞＜＊＋－／％．：　", "(),;=><*+-/%.: ")
_QUOTES = str.maketrans("“”‘’＇＂", "''''''")
_NEAR = 6
"""Words before the place of an error that are looked at."""


def spelt(sql: str, schema: Schema, refusal: Refusal) -> Iterator[str]:
    """A text that cannot be read, with one thing put right."""
    yield from plain_signs(sql, schema, refusal)
    tokens = _tokens(sql)
    if tokens is None:
        yield from (sql + end for end in ("'", '"', "*/"))
        return
    place = len(sql) if refusal.span is None else refusal.span.start
    at = next((index for index, token in enumerate(tokens) if token.start >= place), len(tokens))
    for made in (
        _plain_names,
        _joined_signs,
        _joined_words,
        _quotient,
        _top,
        _two_words,
        _meant,
        _closed,
        _parted,
        _shorter,
    ):
        yield from made(sql, tokens, at)


def plain_signs(sql: str, *_: object) -> Iterator[str]:
    """Full-width signs and curly quotes as ASCII, outside of texts."""
    parts = re.split(r"('[^']*'|\"[^\"]*\")", sql)
    plain = "".join(part if number % 2 else part.translate(_SIGNS) for number, part in enumerate(parts))
    for made in (plain, plain.translate(_QUOTES)):
        if made != sql:
            yield made


def first_only(sql: str, _: Schema, refusal: Refusal) -> Iterator[str]:
    """The first of several statements."""
    if refusal.span is not None:
        yield sql[: refusal.span.start].rstrip("; \t\r\n")


def selected(sql: str, schema: Schema, _: Refusal) -> Iterator[str]:
    """The SELECT in another statement, or how many rows the table has that it names."""
    for found in re.finditer(r"\b(SELECT|WITH|FROM)\b", sql, re.IGNORECASE):
        yield sql[found.start() :]
    names = {fold(table.name) for table in schema.tables}
    for found in re.finditer(r"\w+", sql):
        if fold(found[0]) in names:
            yield f"SELECT COUNT(*) AS n FROM {found[0]}"


def _tokens(sql: str) -> list[Token] | None:
    try:
        return list(tokenize(sql, dialect=DIALECT))
    except PARSER_ERRORS:
        return None


def _put(sql: str, token: Token, text: str) -> str:
    return sql[: token.start] + text + sql[token.end + 1 :]


def _joined_signs(sql: str, *_: object) -> Iterator[str]:
    """Comparisons written apart or the wrong way round."""
    made = re.sub(r"([<>!])\s+=|=\s*([<>!])", lambda found: f"{found[1] or found[2]}=", sql)
    if made != sql:
        yield made


def _plain_names(sql: str, *_: object) -> Iterator[str]:
    """Names in the quotes of this dialect."""
    made = re.sub(r"`([^`]*)`|\[(\w+)\]", lambda found: f'"{found[1] or found[2]}"', sql)
    if made != sql:
        yield made


def _quotient(sql: str, *_: object) -> Iterator[str]:
    """DIV, a sign in this dialect, as the function of that meaning."""
    made = re.sub(r"\bDIV\s*\(", "fdiv(", sql, flags=re.IGNORECASE)
    if made != sql:
        yield made


def _joined_words(sql: str, *_: object) -> Iterator[str]:
    """LEFT, RIGHT and the like with their JOIN."""
    made = re.sub(
        r"\b((?:LEFT|RIGHT|FULL)(?:\s+OUTER)?|INNER|CROSS)\s+(?!OUTER|JOIN|\()", r"\1 JOIN ", sql, flags=re.IGNORECASE
    )
    if made != sql:
        yield made


def _top(sql: str, *_: object) -> Iterator[str]:
    """TOP n as LIMIT n."""
    found = re.search(r"\bTOP\s+(\d+)\s", sql, re.IGNORECASE)
    if found is not None:
        yield f"{sql[: found.start()]}{sql[found.end() :].rstrip('; ')} LIMIT {found[1]}"


def _two_words(sql: str, tokens: Sequence[Token], _: int) -> Iterator[str]:
    """GROUP, ORDER and PARTITION with their BY."""
    for token, after in pairwise(tokens):
        if token.text.upper() in ("GROUP", "ORDER", "PARTITION") and after.text.upper() != "BY":
            yield _put(sql, token, f"{token.text} BY")


def _meant(sql: str, tokens: Sequence[Token], at: int) -> Iterator[str]:
    """A misspelt keyword, the nearest to the error first."""
    for token in reversed(tokens[max(0, at - _NEAR) : at + 1]):
        word = token.text.upper()
        near = difflib.get_close_matches(word, KEYWORDS, 1, 0.7) if token.token_type is TokenType.VAR else []
        if near and near[0] != word:
            yield _put(sql, token, near[0])


def _closed(sql: str, tokens: Sequence[Token], at: int) -> Iterator[str]:
    """As many closing brackets as opening ones."""
    depth = sum((one.token_type in OPENING) - (one.token_type in CLOSING) for one in tokens)
    if depth > 0 and at < len(tokens):
        start = tokens[at].start
        yield f"{sql[:start].rstrip()}) {sql[start:]}"
    if depth > 0:
        yield sql + ")" * depth
    if depth < 0:
        closing = [one for one in tokens[: at + 1] if one.token_type in CLOSING]
        yield from (_put(sql, one, "") for one in closing[-1:])


def _parted(sql: str, tokens: Sequence[Token], at: int) -> Iterator[str]:
    """A comma between two items."""
    for index in (at - 1, at):
        if 0 < index < len(tokens):
            start = tokens[index].start
            yield f"{sql[:start].rstrip()}, {sql[start:]}"


def _shorter(sql: str, tokens: Sequence[Token], at: int) -> Iterator[str]:
    """Without the word at the error, or without what comes last."""
    if at < len(tokens) - 1:
        yield _put(sql, tokens[at], "")
    yield from (sql[: token.start] for token in reversed(tokens[-3:]))


MADE = (
    _plain_names,
    _joined_signs,
    _joined_words,
    _quotient,
    _top,
    _two_words,
    _meant,
    _closed,
    _parted,
    _shorter,
)
"""What is put right in a text that cannot be read, the most certain first."""
