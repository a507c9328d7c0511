"""What to write instead: the place of a refusal in the text, and an edit of the text that is itself accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot.errors import SqlglotError

from query_gateway.sql import expression_edits as expressions
from query_gateway.sql import function_edits as functions
from query_gateway.sql import group_edits as groups
from query_gateway.sql import join_edits as joins
from query_gateway.sql import lateral_edits as laterals
from query_gateway.sql import name_edits as names
from query_gateway.sql import select_edits as selects
from query_gateway.sql import statement_edits as statements
from query_gateway.sql import unit_edits as units
from query_gateway.sql.edits import Editor, Refused, applied
from query_gateway.sql.lower import lower
from query_gateway.sql.parse import MAX_CHARACTERS, PARSER_ERRORS, parse_select
from query_gateway.sql.places import Places
from query_gateway.sql.schema import Schema
from sandbox.errors import Refusal, Span

MAX_ATTEMPTS = 24
"""Rewrites that are tried for one refusal."""
MAX_EFFORT = 40_000
"""Characters that they may have together, beyond the first few: a child has little time."""
FEW = 3
CHAINED = 3
"""Edits in a row, each of what is still refused after the one before."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a refusal is, and what would be accepted."""

    span: Span | None
    rewrite: str | None


def explain(
    sql: str, schema: Schema, code: str, detail: Mapping[str, str], subject: str | None, passed_over: Collection[str]
) -> Explanation:
    """The place and the rewrite of a refusal: by the front end itself, or by `check`, whose subject is a generated name
    of the same SQL's plan. No rewrite is one that is passed over.
    """
    try:
        spans = lower(sql, schema).spans
    except Refusal as refusal:
        return Explanation(refusal.span, _rewrite(sql, schema, refusal, passed_over))
    span = None if subject is None else spans.get(subject) or spans.get(subject.partition(".")[0])
    return Explanation(span, _rewrite(sql, schema, Refusal(code, detail, span=span), passed_over))


@dataclass(slots=True)
class _Search:
    """The texts tried so far."""

    schema: Schema
    passed_over: Collection[str]
    left: int
    tried: set[str] = field(default_factory=set)

    def first(self, sql: str, refusal: Refusal, edits: int) -> str | None:
        """The first text that is accepted: after one edit, else after one more of what was still refused."""
        again = list[tuple[str, Refusal]]()
        for candidate in _candidates(sql, self.schema, refusal):
            if self.left <= 0:
                break
            if candidate in self.tried or len(candidate) > MAX_CHARACTERS:
                continue
            self.tried.add(candidate)
            self.left -= 1
            try:
                lower(candidate, self.schema)
            except Refusal as further:
                again.append((candidate, further))
            except SqlglotError:
                continue
            else:
                if candidate not in self.passed_over:
                    return candidate
        for candidate, still in again if edits > 1 else ():
            found = self.first(candidate, still, edits - 1)
            if found is not None:
                return found
        return None


def _rewrite(sql: str, schema: Schema, refusal: Refusal, passed_over: Collection[str]) -> str | None:
    most = min(MAX_ATTEMPTS, FEW + MAX_EFFORT // max(1, len(sql)))
    return _Search(schema, passed_over, most, {sql}).first(sql, refusal, CHAINED)


def _candidates(sql: str, schema: Schema, refusal: Refusal) -> Iterator[str]:
    for writer in WRITERS.get(refusal.code, ()):
        yield from writer(sql, schema, refusal)
    editors = EDITORS.get(refusal.code, ())
    if not editors or refusal.span is None:
        return
    try:
        parsed = parse_select(sql)
    except Refusal:
        return
    refused = Refused(parsed, Places(parsed), schema, refusal, refusal.span)
    for editor in editors:
        try:
            yield from [applied(sql, edits) for edits in editor(refused)]
        except PARSER_ERRORS:  # of a tree that an editor did not foresee it proposes nothing
            continue


WRITERS: Mapping[str, tuple[statements.Writer, ...]] = {
    "sql.not_select": (statements.selected,),
    "sql.several_statements": (statements.first_only,),
    "sql.syntax": (statements.spelt,),
    "sql.unknown_column": (statements.plain_signs,),
    "sql.unknown_function": (statements.plain_signs,),
    "sql.unknown_table": (statements.plain_signs,),
    "sql.unsupported": (statements.plain_signs,),
}
"""By code: what proposes whole texts, where a tree does not help."""
EDITORS: Mapping[str, tuple[Editor, ...]] = {
    "plan.cells": (groups.coarser_keys,),
    "plan.exists_private": (joins.existing,),
    "plan.join_preserved": (joins.kept_side,),
    "plan.join_unit": (joins.join_unit,),
    "plan.order": (selects.no_order,),
    "plan.overflow": (expressions.clamp,),
    "plan.private_keys_pure": (groups.grouped_publicly,),
    "plan.raw_rows": (selects.count_only,),
    "plan.too_large": (groups.coarser_keys,),
    "plan.type": (expressions.comparable,),
    "plan.unbounded_sum": (expressions.clamp,),
    "plan.union_kinds": (selects.left_side,),
    "sql.alias_columns": (expressions.unlisted,),
    "sql.aggregate": (units.counted_unit, units.most_frequent, functions.in_other_words),
    "sql.aggregate_place": (selects.moved_aggregate,),
    "sql.ambiguous_column": (names.qualified,),
    "sql.cast_type": (expressions.cast,),
    "sql.clock": (functions.constant_day,),
    "sql.correlated": (laterals.flattened,),
    "sql.correlated_value": (selects.untied,),
    "sql.count_distinct": (functions.one_expression, units.unit),
    "sql.distinct": (selects.distinct,),
    "sql.join_condition": (joins.on_unit,),
    "sql.lateral": (laterals.joined,),
    "sql.limit": (selects.whole_limit,),
    "sql.literal": (expressions.readable,),
    "sql.literal_argument": (expressions.share, expressions.plain_pattern),
    "sql.no_aggregate": (selects.with_count,),
    "sql.not_grouped": (groups.group,),
    "sql.one_unit": (units.unit,),
    "sql.ordinal": (selects.last_item,),
    "sql.parameter": (expressions.constant,),
    "sql.set_operation": (expressions.dropped, selects.left_side),
    "sql.set_units": (joins.union_all,),
    "sql.star_grouped": (selects.count_only,),
    "sql.subquery": (joins.kept_side,),
    "sql.subquery_columns": (selects.one_column,),
    "sql.subquery_rows": (selects.one_value,),
    "sql.unit_value": (joins.tied_otherwise, units.unit),
    "sql.unknown_column": (names.text_meant, names.nearest, joins.tied_otherwise),
    "sql.unknown_dataset": (names.nearest,),
    "sql.unknown_function": (expressions.several_quantiles, functions.buckets, functions.in_other_words, names.nearest),
    "sql.unknown_table": (names.common, names.nearest),
    "sql.unsupported": (
        expressions.dropped,
        expressions.rewritten,
        expressions.nearest_part,
        expressions.limited,
        expressions.pivoted,
        expressions.one_text,
        expressions.spelt_out,
        names.two_parts,
    ),
    "sql.volatile": (expressions.dropped, functions.all_rows),
    "sql.window": (joins.by_unit,),
    "sql.window_place": (selects.in_a_derived_table,),
}
"""By code: what proposes edits, the best first."""
