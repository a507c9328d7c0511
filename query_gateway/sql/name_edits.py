"""Edits of names: what was meant, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import Edit, Refused
from query_gateway.sql.schema import fold


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
        for one in [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]:
            yield [Edit(refused.span.start, refused.span.start, f"{one.alias_or_name}.")]
