"""The allow-list: which nodes of the parser's tree, and which arguments of each, this language has.

Everything else is refused, including any argument that is not empty and that the lowering does not read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from sqlglot import exp

from query_gateway.sql.aggregates import NUMBERS, PAIRS
from query_gateway.sql.forms import FORMS, NODES
from query_gateway.sql.functions import CALLS, NAMED, names, written
from query_gateway.sql.places import Places
from sandbox.errors import Refusal, Span

_BINARY = ("this", "expression")
_SETS = ("this", "expression", "distinct", "with_", "order", "limit", "offset")
_STRUCTURE: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.Alias: ("this", "alias"),
    exp.All: ("this",),
    exp.Any: ("this",),
    exp.Between: ("this", "low", "high"),
    exp.Boolean: ("this",),
    exp.CTE: ("this", "alias", "materialized"),
    exp.Case: ("this", "ifs", "default"),
    exp.Cast: ("this", "to"),
    exp.Column: ("this", "table"),
    exp.Concat: ("expressions", "safe", "coalesce"),
    exp.Count: ("this", "big_int"),
    exp.CountIf: ("this",),
    exp.DPipe: ("this", "expression", "safe"),
    exp.DataType: ("this",),
    exp.DateAdd: ("this", "expression"),
    exp.DateBin: ("this", "expression"),
    exp.DateDiff: ("this", "expression", "unit", "date_part_boundary"),
    exp.Distinct: ("expressions",),
    exp.Exists: ("this",),
    exp.Except: _SETS,
    exp.Extract: ("this", "expression"),
    exp.Filter: ("this", "expression"),
    exp.From: ("this",),
    exp.Cube: ("expressions",),
    exp.Group: ("expressions", "all"),
    exp.Grouping: ("expressions",),
    exp.GroupingId: ("expressions",),
    exp.GroupingSets: ("expressions",),
    exp.Having: ("this",),
    exp.ILike: ("this", "expression", "negate"),
    exp.Identifier: ("this", "quoted"),
    exp.If: ("this", "true", "false"),
    exp.In: ("this", "expressions", "query"),
    exp.Intersect: _SETS,
    exp.Interval: ("this", "unit"),
    exp.Is: ("this", "expression"),
    exp.Join: ("this", "side", "kind", "on", "using", "method"),
    exp.Like: ("this", "expression", "negate"),
    exp.Limit: ("expression",),
    exp.Log: ("this", "expression"),
    exp.Literal: ("this", "is_string"),
    exp.Null: (),
    exp.Offset: ("expression",),
    exp.Order: ("this", "expressions"),
    exp.Ordered: ("this", "desc", "nulls_first"),
    exp.Pad: ("this", "expression", "fill_pattern", "is_left"),
    exp.Paren: ("this",),
    exp.Rollup: ("expressions",),
    exp.Select: (
        "expressions",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "qualify",
        "windows",
        "distinct",
        "order",
        "limit",
        "offset",
        "with_",
    ),
    exp.Star: (),
    exp.Subquery: ("this", "alias"),
    exp.Table: ("this", "db", "alias"),
    exp.TableAlias: ("this", "columns"),
    exp.TimeToStr: ("this", "format"),
    exp.TimestampTrunc: ("this", "unit"),
    exp.Trim: ("this", "position", "expression"),
    exp.TryCast: ("this", "to", "safe"),
    exp.UnixToTime: ("this", "scale"),
    exp.Tuple: ("expressions",),
    exp.Union: _SETS,
    exp.Values: ("expressions", "alias"),
    exp.Var: ("this",),
    exp.Where: ("this",),
    exp.With: ("expressions",),
    exp.Anonymous: ("this", "expressions"),
    exp.ArgMax: _BINARY,
    exp.ArgMin: _BINARY,
    exp.CumeDist: (),
    exp.DenseRank: (),
    exp.First: ("this",),
    exp.FirstValue: ("this",),
    exp.Lag: ("this", "offset", "default"),
    exp.Last: ("this",),
    exp.LastValue: ("this",),
    exp.Lead: ("this", "offset", "default"),
    exp.LogicalAnd: ("this",),
    exp.LogicalOr: ("this",),
    exp.Max: ("this",),
    exp.Median: ("this",),
    exp.Min: ("this",),
    exp.NthValue: ("this", "offset"),
    exp.Ntile: ("this",),
    exp.PercentRank: (),
    exp.PercentileCont: _BINARY,
    exp.PercentileDisc: _BINARY,
    exp.Qualify: ("this",),
    exp.Quantile: ("this", "quantile"),
    exp.Rank: (),
    exp.RowNumber: (),
    exp.Stddev: ("this",),
    exp.StddevPop: ("this",),
    exp.StddevSamp: ("this",),
    exp.Variance: ("this",),
    exp.VariancePop: ("this",),
    exp.Window: ("this", "partition_by", "order", "spec", "over", "alias"),
    exp.WindowSpec: ("kind", "start", "start_side", "end", "end_side"),
    exp.WithinGroup: _BINARY,
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.NullSafeEQ: _BINARY,
}
ALLOWED: Mapping[type[exp.Expr], tuple[str, ...]] = {
    **_STRUCTURE,
    **dict.fromkeys(NUMBERS, ("this",)),
    **dict.fromkeys(PAIRS, ("this", "expression")),
    **{kind: call.arguments + call.markers for kind, call in CALLS.items()},
    **{kind: arguments for kind, (_, arguments) in NODES.items()},
}
_CLOCKS = {"now", "today", "get_current_timestamp", "transaction_timestamp", "current_localtimestamp"}
_VOLATILE = {"random", "rand", "setseed", "gen_random_uuid", "uuid", "uuidv4", "uuidv7", "nextval", "newid", "randn"}
_SAMPLES = {"TABLESAMPLE", "USING SAMPLE"}
_CODES: Mapping[type[exp.Expr], str] = {
    exp.Placeholder: "sql.parameter",
    exp.Parameter: "sql.parameter",
    exp.CurrentDate: "sql.clock",
    exp.CurrentTime: "sql.clock",
    exp.CurrentTimestamp: "sql.clock",
    exp.Localtimestamp: "sql.clock",
    exp.AggFunc: "sql.aggregate",
    exp.IgnoreNulls: "sql.aggregate",
}
_WORDS: Mapping[tuple[str, str], str] = {
    ("Column", "db"): "a name of more than two parts",
    ("Column", "catalog"): "a name of more than two parts",
    ("Table", "catalog"): "a name of more than two parts",
    ("Group", "totals"): "WITH TOTALS",
    ("In", "field"): "IN without brackets",
    ("Join", "method"): "this kind of join",
    ("Limit", "limit_options"): "LIMIT with a percentage",
    ("Distinct", "on"): "DISTINCT ON",
    ("Select", "cluster"): "CLUSTER BY",
    ("Select", "into"): "SELECT INTO",
    ("Select", "locks"): "FOR UPDATE",
    ("Select", "sample"): "USING SAMPLE",
    ("WindowSpec", "exclude"): "EXCLUDE in a frame",
    ("Star", "except_"): "* EXCLUDE",
    ("Star", "replace"): "* REPLACE",
    ("Star", "rename"): "* RENAME",
    ("Table", "hints"): "a table hint",
    ("Table", "pivots"): "PIVOT",
    ("Table", "sample"): "TABLESAMPLE",
    ("Table", "version"): "a version of a table",
    ("Table", "when"): "a version of a table",
    ("With", "recursive"): "WITH RECURSIVE",
}
_NODES: Mapping[str, str] = {
    "Collate": "COLLATE",
    "Fetch": "FETCH",
}
"""What nodes are called that have no name of their own."""


def restrict(root: exp.Expr, places: Places) -> None:
    """Refuses the first node or argument, in reading order, that is not on the list.

    Refuses: `sql.unsupported`, `sql.unknown_function`, `sql.aggregate`, `sql.subquery`, `sql.parameter`,
    `sql.clock`, `sql.cast_type`.
    """
    found = [problem for node in root.walk() if (problem := _judge(node, places)) is not None]
    if found:
        raise min(found, key=lambda problem: problem.span.start if problem.span else len(places.sql))


def _judge(node: exp.Expr, places: Places) -> Refusal | None:
    allowed = ALLOWED.get(type(node))
    if allowed is None:
        return _unknown(node, places)
    if isinstance(node, exp.Anonymous):
        return (
            None
            if isinstance(node.this, str) and node.this.lower() in NAMED.keys() | FORMS.keys()
            else _unknown(node, places)
        )
    if isinstance(node, exp.Join) and node.args.get("method") not in (None, "NATURAL"):
        return _argument(node, "method", places, places.span(node))
    for name, value in node.args.items():
        if value in (None, False) or value == [] or name in allowed:
            continue
        return _argument(node, name, places, _first(value, places) or places.span(node))
    return None


def _argument(node: exp.Expr, name: str, places: Places, span: Span | None) -> Refusal:
    match node, name:
        case exp.DataType(parent=exp.Cast() as cast), _:
            return Refusal("sql.cast_type", {"type": node.sql(dialect="duckdb")[:60]}, span=places.span(cast))
    what = _WORDS.get((type(node).__name__, name), f"{type(node).__name__.upper()} {name.strip('_').upper()}")
    if what in _SAMPLES:
        return Refusal("sql.volatile", {"function": what}, span=span)
    return Refusal("sql.unsupported", {"what": what}, span=span)


def _unknown(node: exp.Expr, places: Places) -> Refusal:
    name, span = written(node, places), places.span(node)
    if isinstance(node, exp.Lateral):
        return Refusal("sql.lateral", span=span)
    if isinstance(node, exp.Func) and isinstance(node.parent, exp.Table):
        return Refusal("sql.table_function", {"function": name}, span=span)
    if isinstance(node, exp.Anonymous) and name.lower() in _CLOCKS:
        return Refusal("sql.clock", span=span)
    if isinstance(node, exp.Rand | exp.Uuid) or name.lower() in _VOLATILE:
        return Refusal("sql.volatile", {"function": name}, span=span)
    for kind, code in _CODES.items():
        if isinstance(node, kind):
            details = {"sql.aggregate": {"function": name}}
            return Refusal(code, details.get(code, {}), span=span)
    if isinstance(node, exp.Func):
        near = difflib.get_close_matches(name.lower(), names(), 1, 0.75)
        return Refusal("sql.unknown_function", {"function": name, "near": near[0] if near else ""}, span=span)
    what = _NODES.get(type(node).__name__, type(node).__name__.upper())
    return Refusal("sql.unsupported", {"what": what}, span=span)


def _first(value: object, places: Places) -> Span | None:
    nodes: Iterator[exp.Expr] = (
        one for one in (value if isinstance(value, list) else [value]) if isinstance(one, exp.Expr)
    )
    return next((span for one in nodes if (span := places.span(one)) is not None), None)
