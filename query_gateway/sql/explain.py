"""What to write instead: the place of a refusal in the text, and an edit of the text that is itself accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot.errors import SqlglotError

from query_gateway.sql.edits import Edit, Refused, applied
from query_gateway.sql.expression_edits import cast, clamp, dropped
from query_gateway.sql.join_edits import by_unit, join_unit, kept_side, union_all
from query_gateway.sql.lower import lower
from query_gateway.sql.name_edits import nearest, qualified
from query_gateway.sql.parse import MAX_CHARACTERS, parse_select
from query_gateway.sql.places import Places
from query_gateway.sql.schema import Schema
from query_gateway.sql.select_edits import (
    count_only,
    distinct,
    group,
    grouped_publicly,
    no_order,
    one_value,
    unit,
    untied,
    with_count,
)
from sandbox.errors import Refusal, Span

MAX_ATTEMPTS = 8
"""Rewrites that are tried for one refusal."""


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
    return _first_accepted(schema, (applied(sql, edits) for edits in editor(refused)))


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


Editor = Callable[[Refused], Iterator[list[Edit]]]
EDITORS: Mapping[str, Editor] = {
    "plan.join_preserved": kept_side,
    "plan.join_unit": join_unit,
    "plan.order": no_order,
    "plan.private_keys_pure": grouped_publicly,
    "plan.raw_rows": count_only,
    "plan.unbounded_sum": clamp,
    "sql.ambiguous_column": qualified,
    "sql.cast_type": cast,
    "sql.correlated_value": untied,
    "sql.distinct": distinct,
    "sql.no_aggregate": with_count,
    "sql.not_grouped": group,
    "sql.set_units": union_all,
    "sql.star_grouped": count_only,
    "sql.subquery_rows": one_value,
    "sql.unit_value": unit,
    "sql.unknown_column": nearest,
    "sql.unknown_dataset": nearest,
    "sql.unknown_function": nearest,
    "sql.unknown_table": nearest,
    "sql.unsupported": dropped,
    "sql.window": by_unit,
}
