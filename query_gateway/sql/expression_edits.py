"""Edits of one expression."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import CLAMP, Edit, Refused

_NEEDLESS = {"FOR UPDATE": ("FOR", "UPDATE")}


def clamp(refused: Refused) -> Iterator[list[Edit]]:
    """The argument held within limits that the caller is to choose."""
    span = refused.span
    yield [Edit(span.start, span.end, f"clamp({refused.text}, {CLAMP[0]}, {CLAMP[1]})")]


def cast(refused: Refused) -> Iterator[list[Edit]]:
    """A cast to DOUBLE."""
    tokens = [token for token in refused.places.tokens if token.start >= refused.span.start]
    starts = [index for index, token in enumerate(tokens) if token.token_type in (TokenType.ALIAS, TokenType.DCOLON)]
    for start in starts[:1]:
        end = start + 1
        if end + 1 < len(tokens) and tokens[end + 1].token_type is TokenType.L_PAREN:
            end = next((i for i in range(end, len(tokens)) if tokens[i].token_type is TokenType.R_PAREN), end)
        yield [Edit(tokens[start + 1].start, tokens[end].end + 1, "DOUBLE")]


def dropped(refused: Refused) -> Iterator[list[Edit]]:
    """The query without words that it does not need."""
    words = _NEEDLESS.get(refused.refusal.detail.get("what", ""), ())
    tokens = refused.places.tokens
    for index in range(len(tokens) - len(words) + 1 if words else 0):
        found = tokens[index : index + len(words)]
        if tuple(token.text.upper() for token in found) == words:
            yield [Edit(tokens[index - 1].end + 1, found[-1].end + 1, "")]
