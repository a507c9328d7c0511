"""The values of a card's column, as load enforces them."""

from __future__ import annotations

from fractions import Fraction

from policies.cards import ColumnCard, ColumnType
from sandbox.plan.nodes import Type
from sandbox.plan.values import Members, Values, of_members


def column_values(column: ColumnCard, members: Members | None) -> Values:
    """The values of a column; `members` are those of a public column, or of the public table's key it refers to.

    NULL only where the card allows it: a load with one elsewhere is refused. A DOUBLE range holds both the declared
    ends and the 64-bit numbers nearest to them.
    """
    type_ = Type(column.type.value)
    if column.type is ColumnType.UNIT:
        return Values(type_, nullable=False, per_unit=True)
    found = column.values if members is None else members
    if found is not None:
        return of_members(type_, found, nullable=column.nullable, granularity=column.granularity)
    lo, hi = column.lo, column.hi
    if isinstance(lo, (int, Fraction)) and isinstance(hi, (int, Fraction)) and type_ is Type.DOUBLE:
        lo, hi = min(lo, Fraction(float(lo))), max(hi, Fraction(float(hi)))
    granularity = Fraction(1) if type_ is Type.INTEGER else column.granularity
    return Values(type_, column.nullable, lo, hi, granularity)  # type: ignore[arg-type]
