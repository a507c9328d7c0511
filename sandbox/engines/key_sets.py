"""Whether a group key's part is in its public value set."""

from __future__ import annotations

from datetime import date

from sqlglot import exp

from sandbox.engines.operands import Parameters, between, binary, wrap
from sandbox.errors import Fault
from sandbox.plan.nodes import Type
from sandbox.plan.values import Values


def consecutive(values: Values) -> bool:
    """Whether a value set is all whole numbers, or all days, between its ends."""
    match values.members, values.lo, values.hi:
        case (tuple(members), int(lo), int(hi)) if values.type is Type.INTEGER:
            return hi - lo + 1 == len(members)
        case (tuple(members), date(), date()) if values.type is Type.DATE:
            return (values.hi - values.lo).days + 1 == len(members)
    return False


def within(value: exp.Expr, values: Values, parameters: Parameters) -> exp.Expr:
    """Whether a group key's part is in its value set."""
    members = values.members
    if members is None:
        raise Fault("a public group key without a value set")
    if consecutive(values):
        inside = between(value, *(parameters.bind(values.type, end) for end in (values.lo, values.hi)))
    elif members:
        inside = exp.In(this=wrap(value), expressions=[parameters.bind(values.type, member) for member in members])
    else:
        inside = exp.false()
    if not values.nullable:
        return inside
    return binary(exp.Or, inside, exp.Is(this=wrap(value), expression=exp.Null()))
