"""Which SQL function or operator is which function of the plan language, and the order of its arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from query_gateway.sql.aggregates import NAMES
from query_gateway.sql.forms import FORMS
from query_gateway.sql.places import Places
from sandbox.plan.nodes import Type


@dataclass(frozen=True, slots=True)
class CallOf:
    """A node that becomes a call: the function, and the node's arguments in the function's order."""

    function: str
    arguments: tuple[str, ...]
    markers: tuple[str, ...] = ()
    """Arguments that say nothing more than the function does."""


def _binary(function: str) -> CallOf:
    return CallOf(function, ("this", "expression"))


def _unary(function: str) -> CallOf:
    return CallOf(function, ("this",))


CALLS: Mapping[type[exp.Expr], CallOf] = {
    **{
        kind: _unary(kind.__name__.lower())
        for kind in (
            exp.Acos,
            exp.Acosh,
            exp.Asin,
            exp.Asinh,
            exp.Atan,
            exp.Atanh,
            exp.Cbrt,
            exp.Cos,
            exp.Cosh,
            exp.Cot,
            exp.Degrees,
            exp.Factorial,
            exp.Radians,
            exp.Sin,
            exp.Sinh,
            exp.Tan,
            exp.Tanh,
        )
    },
    exp.Ascii: _unary("ascii"),
    exp.Atan2: _binary("atan2"),
    exp.BitwiseAnd: _binary("bit_and"),
    exp.BitwiseLeftShift: _binary("shift_left"),
    exp.BitwiseNot: _unary("bit_not"),
    exp.BitwiseOr: _binary("bit_or"),
    exp.BitwiseRightShift: _binary("shift_right"),
    exp.BitwiseXor: _binary("bit_xor"),
    exp.Chr: CallOf("chr", ("expressions",)),
    exp.ConcatWs: CallOf("concat_ws", ("expressions",), ("safe", "coalesce")),
    exp.DateFromParts: CallOf("make_date", ("year", "month", "day")),
    exp.DayOfWeekIso: _unary("iso_day_of_week"),
    exp.Dayname: _unary("day_name"),
    exp.JarowinklerSimilarity: _binary("jaro_winkler_similarity"),
    exp.LastDay: _unary("last_day"),
    exp.Levenshtein: _binary("levenshtein"),
    exp.Minute: _unary("minute"),
    exp.Monthname: _unary("month_name"),
    exp.RegexpExtract: CallOf("regexp_extract", ("this", "expression", "group"), ("null_if_pos_overflow",)),
    exp.RegexpFullMatch: _binary("regexp_full_match"),
    exp.RegexpLike: _binary("regexp_matches"),
    exp.RegexpReplace: CallOf("regexp_replace", ("this", "expression", "replacement"), ("single_replace",)),
    exp.Repeat: CallOf("repeat", ("this", "times")),
    exp.Reverse: _unary("reverse"),
    exp.Second: _unary("second"),
    exp.SimilarTo: _binary("regexp_full_match"),
    exp.SplitPart: CallOf("split_part", ("this", "delimiter", "part_index")),
    exp.StrPosition: CallOf("position", ("this", "substr")),
    exp.StrToTime: CallOf("strptime", ("this", "format")),
    exp.TimeToUnix: _unary("epoch"),
    exp.TimestampFromParts: CallOf("make_timestamp", ("year", "month", "day", "hour", "min", "sec")),
    exp.Translate: CallOf("translate", ("this", "from_", "to")),
    exp.Trunc: CallOf("trunc", ("this", "decimals")),
    exp.Unicode: _unary("unicode"),
    exp.Week: _unary("week"),
    exp.WeekOfYear: _unary("week"),
    exp.Abs: _unary("abs"),
    exp.Add: _binary("add"),
    exp.AddMonths: _binary("date_add_months"),
    exp.Ceil: _unary("ceil"),
    exp.Coalesce: CallOf("coalesce", ("this", "expressions")),
    exp.Contains: _binary("contains"),
    exp.Day: _unary("day"),
    exp.DayOfMonth: _unary("day"),
    exp.DayOfWeek: _unary("day_of_week"),
    exp.DayOfYear: _unary("day_of_year"),
    exp.Div: _binary("divide"),
    exp.EQ: _binary("equal"),
    exp.EndsWith: _binary("ends_with"),
    exp.Exp: _unary("exp"),
    exp.Floor: _unary("floor"),
    exp.GT: _binary("greater"),
    exp.GTE: _binary("greater_equal"),
    exp.Greatest: CallOf("greatest", ("this", "expressions"), ("ignore_nulls",)),
    exp.Hour: _unary("hour"),
    exp.IntDiv: _binary("integer_divide"),
    exp.LT: _binary("less"),
    exp.LTE: _binary("less_equal"),
    exp.Least: CallOf("least", ("this", "expressions"), ("ignore_nulls",)),
    exp.Left: _binary("left"),
    exp.Length: _unary("length"),
    exp.Ln: _unary("ln"),
    exp.Lower: _unary("lower"),
    exp.Mod: _binary("modulo"),
    exp.Month: _unary("month"),
    exp.Mul: _binary("multiply"),
    exp.NEQ: _binary("not_equal"),
    exp.Neg: _unary("negate"),
    exp.Not: _unary("not"),
    exp.NullSafeNEQ: _binary("is_distinct_from"),
    exp.Nullif: _binary("nullif"),
    exp.Pow: _binary("power"),
    exp.Quarter: _unary("quarter"),
    exp.Replace: CallOf("replace", ("this", "expression", "replacement")),
    exp.Right: _binary("right"),
    exp.Round: CallOf("round", ("this", "decimals")),
    exp.Sign: _unary("sign"),
    exp.Sqrt: _unary("sqrt"),
    exp.StartsWith: _binary("starts_with"),
    exp.Sub: _binary("subtract"),
    exp.Substring: CallOf("substring", ("this", "start", "length")),
    exp.Upper: _unary("upper"),
    exp.WidthBucket: CallOf("width_bucket", ("this", "min_value", "max_value", "num_buckets")),
    exp.Year: _unary("year"),
}

NAMED: Mapping[str, str] = {
    "bit_count": "bit_count",
    "century": "century",
    "clamp": "clamp",
    "damerau_levenshtein": "damerau_levenshtein",
    "date_add_days": "date_add_days",
    "date_add_months": "date_add_months",
    "date_difference": "date_difference",
    "date_part": "date_part",
    "date_sub": "date_elapsed",
    "datepart": "date_part",
    "datesub": "date_elapsed",
    "decade": "decade",
    "epoch_us": "epoch_us",
    "even": "even",
    "gcd": "gcd",
    "greatest_common_divisor": "gcd",
    "hamming": "hamming",
    "isoyear": "iso_year",
    "jaccard": "jaccard",
    "jaro_similarity": "jaro_similarity",
    "lcm": "lcm",
    "least_common_multiple": "lcm",
    "mean": "avg",
    "microsecond": "microsecond",
    "millennium": "millennium",
    "millisecond": "millisecond",
    "mismatches": "hamming",
    "nfc_normalize": "nfc_normalize",
    "ord": "unicode",
    "prefix": "starts_with",
    "round_even": "round_even",
    "roundbankers": "round_even",
    "strip_accents": "strip_accents",
    "strlen": "octet_length",
    "suffix": "ends_with",
    "try_strptime": "strptime",
    "weekday": "day_of_week",
    "yearweek": "year_week",
}
"""Functions that the parser does not know by class. `date_part` and `avg` are no rows of the table but forms."""

PARTS: Mapping[str, str] = {
    "year": "year",
    "years": "year",
    "quarter": "quarter",
    "month": "month",
    "months": "month",
    "day": "day",
    "days": "day",
    "dayofmonth": "day",
    "dow": "day_of_week",
    "dayofweek": "day_of_week",
    "weekday": "day_of_week",
    "doy": "day_of_year",
    "dayofyear": "day_of_year",
    "hour": "hour",
    "hours": "hour",
    **{f"{unit}{s}": unit for unit in ("minute", "second", "millisecond", "microsecond") for s in ("", "s")},
    "century": "century",
    "decade": "decade",
    "epoch": "epoch",
    "isodow": "iso_day_of_week",
    "isoyear": "iso_year",
    "millennium": "millennium",
    "week": "week",
    "weeks": "week",
    "yearweek": "year_week",
}
"""The parts of a date that EXTRACT and date_part name."""

INTERVALS: Mapping[str, tuple[str, int]] = {
    "second": ("date_add_seconds", 1),
    "minute": ("date_add_seconds", 60),
    "hour": ("date_add_seconds", 3600),
    "day": ("date_add_days", 1),
    "week": ("date_add_days", 7),
    "month": ("date_add_months", 1),
    "quarter": ("date_add_months", 3),
    "year": ("date_add_months", 12),
}
"""What adding one of this interval's unit means."""

CASTS: Mapping[exp.DType, tuple[str, Type]] = {
    **dict.fromkeys(
        (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT), ("cast_integer", Type.INTEGER)
    ),
    **dict.fromkeys((exp.DType.FLOAT, exp.DType.DOUBLE), ("cast_double", Type.DOUBLE)),
    **dict.fromkeys((exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.CHAR), ("cast_text", Type.TEXT)),
    **dict.fromkeys((exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ), ("cast_timestamp", Type.TIMESTAMP)),
    exp.DType.DATE: ("cast_date", Type.DATE),
    exp.DType.BOOLEAN: ("cast_boolean", Type.BOOLEAN),
}

_FORMS = f"""{NAMES} cast concat date_add date_diff date_trunc dayname dayofweek dayofyear epoch_ms extract
isodow log log10 log2 lpad ltrim monthname rpad rtrim strftime time_bucket trim"""


_OPERATORS = """add subtract multiply divide negate not equal not_equal less less_equal greater greater_equal
is_distinct_from bit_and bit_not bit_or bit_xor shift_left shift_right integer_divide modulo day_name month_name
iso_day_of_week"""
"""Calls that SQL writes by signs or words, or by another name."""


def names() -> tuple[str, ...]:
    """Every function name that SQL may use, for the nearest one to a misspelt name."""
    calls = {call.function for call in CALLS.values()} - set(_OPERATORS.split())
    return tuple(sorted(calls | set(NAMED) | set(FORMS) | set(_FORMS.split())))


def written(node: exp.Expr, places: Places) -> str:
    """The function's name as written; the operator's own where it was written as one."""
    found = re.match(r"\w+(?=\s*\()", places.text(node))
    if found is not None:
        return found[0][:60]
    name = node.this if isinstance(node, exp.Anonymous) else getattr(node, "sql_name", lambda: node.key)()
    return str(name)[:60]
