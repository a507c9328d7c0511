"""Literals for the arguments of functions that must be literals: several that mean something for each function."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.values import stored

UNITS = (("year",), ("quarter",), ("month",), ("week",), ("day",))
CLOCKS = (*UNITS, ("hour",), ("minute",), ("second",))
EXPRESSIONS = ("", "a", "^a.c$", r"\d{2,4}-\d+", "(a|b)*c?", "[^a-c中]", r"\s", ".{3}", r"(?:x{2,}|é)+?", "$")
PATTERNS = ("", "a", "%", "a%", "%c", "_b_", "\\", "中", "abc")


def literal_choices(name: str, types: tuple[Type, ...]) -> list[tuple[Scalar, ...]]:
    """Values for the arguments that must be literals, in their order."""
    match name:
        case "date_trunc" | "date_difference" | "date_elapsed":
            return list(CLOCKS if Type.TIMESTAMP in types[1:] else UNITS)
        case "like":
            return [(word,) for word in PATTERNS]
        case "replace":
            return [("a", "bb"), ("", "x"), ("x", "yy" * 100), ("b", "")]
        case "round" | "trunc" | "round_even" if len(types) == 2:
            return [(0,), (2,), (-1,), (-15,), (15,)]
        case "width_bucket":
            double = types[1] is types[2] is Type.DOUBLE
            thirds = [(Fraction(-1, 3), Fraction(1, 3), 7)] if double else []
            return [(0, 10, 5), (0, 1, 1), *thirds]
        case "clamp" if types[0] in (Type.INTEGER, Type.DOUBLE):
            return [(-1, 7), (0, 0), (-(2**63), 2**63 - 1)]
        case "clamp":
            return [tuple(stored(types[1], date(year, 2, 28)) for year in (1970, 2020))]
        case "lpad" | "rpad":
            return [("x",), ("中é",), ("xyz" * 80,)]
        case "regexp_matches" | "regexp_full_match":
            return [(one,) for one in EXPRESSIONS]
        case "regexp_extract":
            return [("(a)|(b)", 2), ("([a-z]+)[0-9]?", 1), ("b.*$", 0)]
        case "regexp_replace":
            return [("a|b", "xy"), ("", "-"), ("[^a]", "")]
        case "time_bucket":
            widths = [(1, "month"), (7, "month"), (36, "month"), (1, "day"), (14, "day"), (1000, "day")]
            return [*widths, *[(900, "second"), (1, "second")] * (types[2] is Type.TIMESTAMP)]
        case "strftime":
            return [("%Y-%m-%d %H:%M:%S.%f",), ("%y/%-m/%-d %j %a %A %b %B %u %w %G-W%V",), ("%I%p %-H %% 年",), ("a",)]
        case "strptime":
            return [("%Y-%m-%d",), ("%d.%m.%y",), ("%Y-%m-%d %H:%M:%S",), ("%b %d %Y",)]
        case _:
            return [()]
