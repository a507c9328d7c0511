"""Edits of one expression: its range, its type, its literals, and words that it does not need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from query_gateway.sql.edits import CLAMP, DAY, Edit, Refused, without_term
from query_gateway.sql.functions import PARTS
from query_gateway.sql.scope import nearest
from sandbox.errors import Span
from sandbox.plan.nodes import Type

SHORT = 2_000
"""Characters of a text that is searched for a pattern of several parts."""
_NEEDLESS: Mapping[str, tuple[str, ...]] = {
    "* EXCLUDE": (r"\s+EXCLUDE\s*(\([^()]*\)|\w+)",),
    "* RENAME": (r"\s+RENAME\s*\([^()]*\)",),
    "CLUSTER BY": (r"\s+CLUSTER\s+BY\s+[\w., ]+",),
    "COLLATE": (r"\s+COLLATE\s+\w+",),
    "DISTINCT ON": (r"\s+ON\s*\([^()]*\)",),
    "DISTINCT here": (r"\bDISTINCT\s+",),
    "ESCAPE": (r"\s+ESCAPE\s+'[^']*'",),
    "EXCLUDE in a frame": (r"\s+EXCLUDE\s+(CURRENT\s+ROW|GROUP|TIES|NO\s+OTHERS)",),
    "EXCEPT ALL": (r"(?<=EXCEPT)\s+ALL\b",),
    "FOR UPDATE": (r"\s+FOR\s+UPDATE",),
    "INTERSECT ALL": (r"(?<=INTERSECT)\s+ALL\b",),
    "LIMIT with a percentage": (r"\s+PERCENT\b|\s*%",),
    "ORDER": (r"\s+ORDER\s+BY\s+[^()]*(?=\))",),
    "ORDER BY of a hidden item": (r"\s+ORDER\s+BY\s+[^()]*$",),
    "SELECT INTO": (r"\s+INTO\s+\w+",),
    "TABLESAMPLE": (r"\s+TABLESAMPLE\s+\w*\s*(\([^()]*\)|[\d.]+\s*(%|PERCENT|ROWS)?)",),
    "UNION BY_NAME": (r"\s+BY\s+NAME",),
    "USING SAMPLE": (r"\s+USING\s+SAMPLE\s+[\w.]*\s*(\([^()]*\)|%)?",),
    "VAR": (r"\s+ORDER\s+BY\s+ALL",),
    "DISTINCT in a window": (r"\bDISTINCT\s+",),
    "GROUP BY a constant": (r"\s+GROUP\s+BY\s+('[^']*'|[\d.]+)",),
    "REGEXPREPLACE MODIFIERS": (r",\s*'[a-z]+'(?=\s*\))",),
    "WITH RECURSIVE": (r"\bRECURSIVE\s+",),
    "WITH TOTALS": (r"\s+WITH\s+TOTALS",),
    "a table hint": (r"\s+WITH\s*\([^()]*\)",),
    "this WITHIN GROUP": (r"\s+DESC(?=\s*\))",),
    "a version of a table": (r"\s+AT\s*\([^()]*\)",),
    "this kind of join": (r"\b(ASOF|POSITIONAL)\s+",),
}
"""By what is not offered: the words that can be left out."""


def clamp(refused: Refused) -> Iterator[list[Edit]]:
    """The argument held within limits that the caller is to choose."""
    span = refused.span
    yield [Edit(span.start, span.end, f"clamp({refused.text}, {CLAMP[0]}, {CLAMP[1]})")]


def cast(refused: Refused) -> Iterator[list[Edit]]:
    """A cast to DOUBLE; CONVERT as a cast."""
    found = re.fullmatch(r"CONVERT\s*\(\s*(\w+)\s*,\s*(.+)\)", refused.text, re.IGNORECASE | re.DOTALL)
    if found is not None:
        yield [Edit(refused.span.start, refused.span.end, f"CAST({found[2].strip()} AS {found[1]})")]
    tokens = [token for token in refused.places.tokens if token.start >= refused.span.start]
    starts = [index for index, token in enumerate(tokens) if token.token_type in (TokenType.ALIAS, TokenType.DCOLON)]
    for start in starts[:1]:
        end = start + 1
        if end + 1 < len(tokens) and tokens[end + 1].token_type is TokenType.L_PAREN:
            end = next((i for i in range(end, len(tokens)) if tokens[i].token_type is TokenType.R_PAREN), end)
        for type_ in ("DOUBLE", "TIMESTAMP", "VARCHAR"):
            yield [Edit(tokens[start + 1].start, tokens[end].end + 1, type_)]


def dropped(refused: Refused) -> Iterator[list[Edit]]:
    """The query without words that it does not need."""
    detail = refused.refusal.detail
    for pattern in _NEEDLESS.get(detail.get("what") or detail.get("function", ""), ()):
        for found in re.finditer(pattern, refused.parsed.sql, re.IGNORECASE):
            yield [Edit(found.start(), found.end(), "")]


_ONE_LEVEL = ((r"\b(ROLLUP|CUBE)\s*\(([^()]*)\)", r"\2"),)
_WITH_LEVELS = ((r"\bGROUP\s+BY\s+([^()]+?)\s+WITH\s+(ROLLUP|CUBE)\b", r"GROUP BY \2 (\1)"),)
_INSTEAD: Mapping[str, tuple[tuple[str, str], ...]] = {
    "*": ((r"COUNT\s*\(\s*DISTINCT\s*\*\s*\)", "COUNT(*)"),),
    "COUNT(NULL)": ((r"COUNT\s*\(\s*(DISTINCT\s+)?NULL\s*\)", "COUNT(*)"),),
    "FIRST or LAST without ORDER BY": ((r"\b(FIRST|LAST)\s*\(", "MIN("),),
    "GROUP CUBE": _WITH_LEVELS,
    "GROUP ROLLUP": _WITH_LEVELS,
    "IN without brackets": ((r"\bIN\s+('[^']*'|[\w.]+)", r"IN (\1)"),),
    "IS": ((r"\bIS\s+NOT\s+", "<> "), (r"\bIS\s+", "= ")),
    "a quantile without its fraction": (
        (r"\b(QUANTILE\w*|PERCENTILE\w*)\s*\((?!\s*[\d.])([^(),]+)\)", r"\1(\2, 0.5)"),
    ),
    "grouping sets of these rows": _ONE_LEVEL,
    "quantiles of grouping sets": _ONE_LEVEL,
    "RANGE with a distance by this order": ((r"\bRANGE\s+BETWEEN", "ROWS BETWEEN"),),
}
"""By what is not offered: words, and others in their place."""


def rewritten(refused: Refused) -> Iterator[list[Edit]]:
    """The query in other words."""
    for pattern, words in _INSTEAD.get(refused.refusal.detail.get("what", ""), ()):
        for found in re.finditer(pattern, refused.parsed.sql, re.IGNORECASE):
            yield [Edit(found.start(), found.end(), found.expand(words))]


def nearest_part(refused: Refused) -> Iterator[list[Edit]]:
    """The part of a date that was meant."""
    found = re.fullmatch(r"the date (?:unit|part) (\w+)", refused.refusal.detail.get("what", ""))
    near = nearest(found[1], list(PARTS)) if found is not None else ""
    if found is not None and near:
        for place in re.finditer(rf"\b{found[1]}\b", refused.parsed.sql, re.IGNORECASE):
            yield [Edit(place.start(), place.end(), near)]


def unlisted(refused: Refused) -> Iterator[list[Edit]]:
    """An alias without the columns that it lists."""
    found = re.search(r"(?<=\w)\s*\([\w\s,]+\)$", refused.text)
    if found is not None:
        yield [Edit(refused.span.start + found.start(), refused.span.end, "")]


def limited(refused: Refused) -> Iterator[list[Edit]]:
    """FETCH FIRST as LIMIT."""
    found = re.search(r"FETCH\s+(?:FIRST|NEXT)\s+(\d+)?\s*ROWS?\s+ONLY", refused.parsed.sql, re.IGNORECASE)
    if found is not None:
        yield [Edit(found.start(), found.end(), f"LIMIT {found[1] or 1}")]


def one_text(refused: Refused) -> Iterator[list[Edit]]:
    """Several values counted as one text, where they stand in brackets."""
    for found in re.finditer(r"COUNT\s*\(\s*DISTINCT\s*\(([^()]*)\)\s*\)", refused.parsed.sql, re.IGNORECASE):
        parts = ", '|', ".join(f"CAST({part.strip()} AS VARCHAR)" for part in found[1].split(","))
        yield [Edit(found.start(), found.end(), f"COUNT(DISTINCT concat({parts}))")]


def spelt_out(refused: Refused) -> Iterator[list[Edit]]:
    """A row of values among constants, or equal to one, as comparisons of its parts."""
    for node in refused.parsed.select.find_all(exp.In, exp.EQ):
        row, span = node.this.unnest(), refused.places.span(node)
        listed = node.expressions if isinstance(node, exp.In) else [node.expression.unnest()]
        rows = [one for one in listed if isinstance(one, exp.Tuple) and isinstance(row, exp.Tuple)]
        if span is None or not rows or len(rows) != len(listed):
            continue
        parts = [refused.places.text(one) for one in row.expressions]
        values = [[refused.places.text(one) for one in each.expressions] for each in rows]
        terms = [" AND ".join(f"{a} = {b}" for a, b in zip(parts, each, strict=False)) for each in values]
        yield [Edit(span.start, span.end, f"({' OR '.join(f'({term})' for term in terms)})")]


def pivoted(refused: Refused) -> Iterator[list[Edit]]:
    """What PIVOT spreads over columns, as groups in rows."""
    if refused.refusal.detail.get("what") != "PIVOT" or len(refused.parsed.sql) > SHORT:
        return
    found = re.fullmatch(
        r"SELECT\s+\*\s+FROM\s+(.+?)\s+PIVOT\s*\(\s*(.+?)\s+FOR\s+(\S+)\s+IN\s*\(.*\)\s*\)\s*;?\s*",
        refused.parsed.sql,
        re.IGNORECASE | re.DOTALL,
    )
    if found is not None:
        made = f"SELECT {found[3]}, {found[2]} FROM {found[1]} GROUP BY {found[3]}"
        yield [Edit(0, len(refused.parsed.sql), made)]


def comparable(refused: Refused) -> Iterator[list[Edit]]:
    """What a function or comparison takes: truths as numbers, texts as what they stand beside."""
    span, text, sql = refused.span, refused.text, refused.parsed.sql
    function, types = (refused.refusal.detail.get(one, "") for one in ("function", "types"))
    if function == "integer_divide" and (found := re.fullmatch(r"(.+?)\s*//\s*(.+)", text, re.DOTALL)):
        yield [Edit(span.start, span.end, f"floor({found[1]} / {found[2]})")]
    if function == "like" and (found := re.match(r"(.+?)\s*\bI?LIKE\b", text, re.DOTALL | re.IGNORECASE)):
        yield [Edit(span.start, span.start + found.end(1), f"CAST({found[1]} AS VARCHAR)")]
    if types == Type.BOOLEAN:
        yield [Edit(span.start, span.end, f"CAST({text} AS INTEGER)")]
    if types in (Type.DOUBLE, Type.INTEGER) and function == "condition":
        yield [Edit(span.start, span.end, f"{text} <> 0")]
    yield from _literals(refused)
    if types in (Type.DATE, Type.TIMESTAMP):
        yield [Edit(span.start, span.end, f"date_diff('day', {DAY}, {text})")]
    if types in (Type.TEXT, Type.DATE, Type.TIMESTAMP):
        call = re.search(r"\w+\s*\(\s*$", sql[: span.start])
        if call is not None and sql[span.end :].lstrip().startswith(")"):
            yield [Edit(call.start(), call.end(), "COUNT(")]
    yield from (each for select in refused.selects()[:1] for each in without_term(refused, select))


def _literals(refused: Refused) -> Iterator[list[Edit]]:
    """Texts that are numbers without quotes, numbers beside texts in them, yes and no as truths, words as 0."""
    numbers = {Type.DOUBLE.value, Type.INTEGER.value} & set(refused.refusal.detail.get("types", "").split(", "))
    for select in refused.selects()[:1]:
        literals = [one for one in select.find_all(exp.Literal) if refused.within(refused.span, _span(refused, one))]
        for one in literals:
            span = _span(refused, one)
            word = one.name.strip().lower()
            for text in (*_otherwise(one, word), *(("0",) if one.is_string and numbers else ())):
                yield [Edit(span.start, span.end, text)]


def _span(refused: Refused, node: exp.Expr) -> Span:
    return refused.places.span(node) or refused.span


def _otherwise(node: exp.Literal, word: str) -> Iterator[str]:
    if not node.is_string:
        yield f"'{node.name}'"
        if word in ("0", "1"):
            yield "TRUE" if word == "1" else "FALSE"
    elif re.fullmatch(r"-?\d+(\.\d+)?", word):
        yield word
    elif word in ("yes", "y", "true", "t", "是", "no", "n", "false", "f", "否"):
        yield "TRUE" if word in ("yes", "y", "true", "t", "是") else "FALSE"


def readable(refused: Refused) -> Iterator[list[Edit]]:
    """A date as it is written here: four digits of the year, two of month and day, hyphens between."""
    text = refused.refusal.detail.get("text", "")
    found = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})\D?", text)
    if found is not None:
        year, month, day = found[1], max(1, min(12, int(found[2]))), max(1, int(found[3]))
        place = refused.parsed.sql.find(f"'{text}'", refused.span.start)
        for shown in (day, min(day, 28)):
            if place >= 0:
                yield [Edit(place, place + len(text) + 2, f"'{year}-{month:02}-{shown:02}'")]


def constant(refused: Refused) -> Iterator[list[Edit]]:
    """A constant in place of a parameter, for the caller to choose."""
    place = refused.span.start
    found = next(
        (one for one in re.finditer(r"\?|[$:@]\w+|\{\w+\}", refused.parsed.sql) if one.end() > place),
        re.search(r"\?|[$:@]\w+", refused.parsed.sql),
    )
    if found is not None:
        for text in ("0", "'A'", DAY, "TRUE"):
            yield [Edit(found.start(), found.end(), text)]


def share(refused: Refused) -> Iterator[list[Edit]]:
    """The part of the rows below, between 0 and 1, where it is given in percent."""
    number = refused.text
    if refused.refusal.detail.get("function") == "quantile" and re.fullmatch(r"\d+(\.\d+)?", number):
        yield [Edit(refused.span.start, refused.span.end, f"{min(float(number) / 100, 1):g}")]


def several_quantiles(refused: Refused) -> Iterator[list[Edit]]:
    """A list of quantiles one by one."""
    pattern = r"\b(QUANTILE\w*|APPROX_QUANTILE)\s*\(([^()\[\]]+),\s*\[([^\[\]()]*)\]\s*\)"
    for found in re.finditer(pattern, refused.parsed.sql, re.IGNORECASE):
        calls = [f"{found[1]}({found[2].strip()}, {one.strip()})" for one in found[3].split(",")]
        yield [Edit(found.start(), found.end(), ", ".join(calls))]


def plain_pattern(refused: Refused) -> Iterator[list[Edit]]:
    """An equality in place of a pattern that is no constant; without the term where there is none."""
    found = re.fullmatch(r"(.+?)\s+I?LIKE\s+(.+)", refused.text, re.IGNORECASE | re.DOTALL)
    if found is not None:
        yield [Edit(refused.span.start, refused.span.end, f"{found[1]} = {found[2]}")]
    yield from (each for select in refused.selects()[:1] for each in without_term(refused, select))
