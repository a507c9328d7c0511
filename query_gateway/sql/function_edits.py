"""Edits of one function or aggregate: other words for it, or the counts that say what it would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from query_gateway.sql.edits import CLAMP, DAY, Edit, Refused, arguments, without_term
from query_gateway.sql.group_edits import keyed
from query_gateway.sql.schema import fold
from sandbox.plan.nodes import Type

IDIOMS: Mapping[str, tuple[str, ...]] = {
    "approx_count_distinct": ("COUNT(DISTINCT {0})",),
    "approx_distinct": ("COUNT(DISTINCT {0})",),
    "approx_quantile": ("QUANTILE_CONT({0}, {1})", "AVG({0})"),
    "arg_max": ("AVG({1})",),
    "arg_min": ("AVG({1})",),
    "average": ("AVG({0})",),
    "bool_and": ("COUNT_IF(NOT ({0})) = 0",),
    "bool_or": ("COUNT_IF({0}) > 0",),
    "charindex": ("position({0} IN {1})",),
    "count_distinct": ("COUNT(DISTINCT {0})",),
    "date": ("CAST({0} AS DATE)",),
    "date_format": ("strftime({0}, {1})",),
    "div": ("trunc(({0}) / ({1}))",),
    "every": ("COUNT_IF(NOT ({0})) = 0",),
    "favg": ("AVG({0})",),
    "fsum": ("SUM({0})",),
    "histogram": ("COUNT({0})",),
    "isnull": ("COALESCE({0}, {1})", "({0}) IS NULL"),
    "kahan_sum": ("SUM({0})",),
    "logical_and": ("COUNT_IF(NOT ({0})) = 0",),
    "logical_or": ("COUNT_IF({0}) > 0",),
    "max_by": ("AVG({1})",),
    "min_by": ("AVG({1})",),
    "nvl2": ("CASE WHEN ({0}) IS NOT NULL THEN {1} ELSE {2} END",),
    "percentile_approx": ("QUANTILE_CONT({0}, {1})", "AVG({0})"),
    "safe_divide": ("({0}) / ({1})",),
    "square": ("power({0}, 2)",),
    "squareroot": ("sqrt({0})",),
    "std": ("STDDEV({0})",),
    "stdev": ("STDDEV({0})",),
    "str_to_date": ("strptime({0}, {1})",),
    "sumkahan": ("SUM({0})",),
    "to_date": ("CAST({0} AS DATE)",),
    "to_number": ("CAST({0} AS DOUBLE)",),
    "total": ("SUM({0})",),
    "try_divide": ("({0}) / ({1})",),
    "var": ("VARIANCE({0})",),
}
"""What other dialects say, in words of this one."""
_DATE_PARTS = (("YYYY", "%Y"), ("MM", "%m"), ("DD", "%d"), ("HH24", "%H"), ("MI", "%M"), ("SS", "%S"))


def in_other_words(refused: Refused) -> Iterator[list[Edit]]:
    """The same by another name; of an aggregate that shows values, how often each occurs, or their mean."""
    found = arguments(refused)
    if found is None:
        return
    span, given = found
    name = _name(refused)
    if name in ("to_char", "format", "date_format") and len(given) == 2 and "%" not in given[1]:
        yield [Edit(span.start, span.end, f"strftime({given[0]}, {_date_format(given[1])})")]
    for template in IDIOMS.get(name, ()):
        yield from _written(refused, span.start, span.end, template, given)
    if refused.refusal.code == "sql.aggregate" and given:
        yield from _shared_out(refused, given)
        yield from _written(refused, span.start, span.end, "STDDEV({0})" if name in _SPREADS else "AVG({0})", given)
        yield from _written(refused, span.start, span.end, "COUNT({0})", given)


_SPREADS = ("kurtosis", "kurtosis_pop", "skewness", "mad", "entropy")


def _written(refused: Refused, start: int, end: int, template: str, given: list[str]) -> Iterator[list[Edit]]:
    try:
        text = template.format(*given)
    except IndexError:
        return
    ordered = refused.parsed.sql[end:].lstrip()
    if not ordered.upper().startswith("WITHIN"):
        yield [Edit(start, end, text)]


def _name(refused: Refused) -> str:
    return fold(refused.refusal.detail.get("function", ""))


def _date_format(text: str) -> str:
    for part, sign in _DATE_PARTS:
        text = re.sub(part, sign, text, flags=0 if part in ("MM", "MI") else re.IGNORECASE)
    return text


def _shared_out(refused: Refused, given: list[str]) -> Iterator[list[Edit]]:
    """Each value with its number of rows, where it has a value set or a type that can be counted by."""
    value = given[0].removeprefix("DISTINCT ").removeprefix("distinct ").split(" ORDER BY ")[0].split(" order by ")[0]
    for select in refused.selects()[:1]:
        items = [item for item in select.expressions if refused.places.text(item.unalias()) == refused.text]
        types = refused.types(select, value)
        if len(items) == 1 and types and not types & {Type.DOUBLE, Type.UNIT}:
            span = refused.places.span(items[0].unalias())
            added = keyed(refused, select, value)
            if span is not None and added:
                yield [Edit(span.start, span.end, f"{value}, COUNT(*)"), *added]


def buckets(refused: Refused) -> Iterator[list[Edit]]:
    """A histogram as counts of buckets, at limits that the caller is to choose."""
    found = arguments(refused)
    if found is None or _name(refused) not in ("histogram", "histogram_values", "approx_top_k"):
        return
    span, given = found
    key = f"width_bucket({given[0]}, {CLAMP[0]}, {CLAMP[1]}, 10)" if given else ""
    for select in refused.selects()[:1]:
        added = keyed(refused, select, key)
        if key and added:
            yield [Edit(span.start, span.end, f"{key} AS bucket, COUNT(*)"), *added]


def constant_day(refused: Refused) -> Iterator[list[Edit]]:
    """The clock as a day that the caller is to choose."""
    span = refused.span
    yield [Edit(span.start, span.end, DAY)]


def all_rows(refused: Refused) -> Iterator[list[Edit]]:
    """Every row, not a sample of them."""
    for select in refused.selects()[:1]:
        yield from without_term(refused, select)
        for item in select.expressions:
            span = refused.places.span(item)
            if refused.within(span) and span is not None:
                yield from _item_dropped(refused, select, item)


def _item_dropped(refused: Refused, select: exp.Select, item: exp.Expr) -> Iterator[list[Edit]]:
    items = refused.places.items(select)
    kept = [refused.item(one) for one in select.expressions if one is not item]
    if items is not None and kept:
        span = refused.places.of(items)
        yield [Edit(span.start, span.end, ", ".join(kept))]


def one_expression(refused: Refused) -> Iterator[list[Edit]]:
    """Several values counted as one text."""
    found = arguments(refused)
    if found is None:
        return
    span, given = found
    parts = [one.strip() for one in ", ".join(given).replace("DISTINCT", "").replace("distinct", "").split(",")]
    parts = [part.strip("() ") for part in parts]
    if len(parts) < 2:
        return
    texts = ", '|', ".join(f"CAST({part} AS VARCHAR)" for part in parts)
    yield [Edit(span.start, span.end, f"COUNT(DISTINCT concat({texts}))")]
    yield [Edit(span.start, span.end, f"COUNT(DISTINCT {parts[0]})")]
