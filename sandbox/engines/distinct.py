"""Distinct values as SQL: a bounded number of each unit's per group key, and how many there are of all units (rule 21).

A unit keeps the values that come first by the keyed digest of its seed, the group key and the value, then by the value
itself: a choice on which no other unit has any influence, and of the set of its values, however often each is there
(rules 13 and 14). They travel as a list, so that one pass serves every statistic of the measure.
"""

from __future__ import annotations

from sqlglot import exp

from sandbox.engines.operands import call, number

_DIGEST, _VALUE, _EACH = "d", "x", "v"


def kept_values(digest: exp.Expr, value: exp.Expr, counted: exp.Expr | None, most: int) -> exp.Expr:
    """The first `most` different values of a unit's rows of one group key, as a list; NULL where none counts."""
    pair = call("STRUCT_PACK", _named(_DIGEST, digest), _named(_VALUE, value.copy()))
    found: exp.Expr = call("LIST", exp.Distinct(expressions=[pair]))
    if counted is not None:
        found = exp.Filter(this=found, expression=exp.Where(this=counted))
    each = exp.Dot(this=exp.to_identifier(_EACH), expression=exp.to_identifier(_VALUE))
    picked = exp.Lambda(this=each, expressions=[exp.to_identifier(_EACH)], colon=True)
    return call("LIST_TRANSFORM", call("LIST_SLICE", call("LIST_SORT", found), number(1), number(most)), picked)


def distinct_values(lists: exp.Expr) -> exp.Expr:
    """How many different values the lists of a group have together; NULL where it has no list."""
    return call("LEN", call("LIST_DISTINCT", call("FLATTEN", call("LIST", lists))))


def _named(name: str, value: exp.Expr) -> exp.Expr:
    return exp.PropertyEQ(this=exp.to_identifier(name), expression=value)
