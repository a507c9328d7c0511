"""From the text of a cell to the value that is stored, as SQL: parsing by declared type, then the card's action.

Both are functions of the cell and the card alone, so one unit's values never change another's (rules 5, 16).
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from math import ceil, floor

from policies.cards import CardValue, ColumnCard, ColumnType, Violation
from sandbox.errors import Fault
from sandbox.plan.nodes import Type
from sandbox.plan.values import CALENDAR, TEXT_LENGTH

_STORED = {
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DOUBLE: "DOUBLE",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}

_DATE = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_ZONE = r"(Z|\+00(:?00)?)?"
_CLOCK = rf"[ T]\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d{{1,6}}0*)?)?{_ZONE}"
_MIDNIGHT = rf"([ T]00:00(:00(\.0+)?)?{_ZONE})?"
_INTEGER = r"([+-]?\d+)(\.0*)?"
_DOUBLE = r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)"


class Values:
    """Values that go to the engine as bound parameters."""

    def __init__(self) -> None:
        self.bound: dict[str, object] = {}

    def bind(self, value: object, kind: str) -> str:
        """The parameter's expression, of that engine type."""
        name = f"v{len(self.bound)}"
        self.bound[name] = value
        return f"CAST(${name} AS {kind})"


def parse_sql(text: str, kind: ColumnType) -> str:
    """The typed value of a cell's text; NULL when it is none or not of the type."""
    trimmed = f"trim({text})"
    match kind:
        case ColumnType.TEXT:
            return text
        case ColumnType.BOOLEAN:
            low = f"lower({trimmed})"
            return f"CASE WHEN {low} IN ('true', 't', '1') THEN true WHEN {low} IN ('false', 'f', '0') THEN false END"
        case ColumnType.INTEGER:
            return f"TRY_CAST(regexp_extract({trimmed}, '^{_INTEGER}$', 1) AS BIGINT)"
        case ColumnType.DOUBLE:
            return _matching(f"lower({trimmed})", _DOUBLE, "DOUBLE")
        case ColumnType.DATE:
            shape = f"^({_DATE}){_MIDNIGHT}$"
            return f"TRY_CAST(replace(regexp_extract({trimmed}, '{shape}', 1), '/', '-') AS DATE)"
        case ColumnType.TIMESTAMP:
            shape = f"^({_DATE}({_CLOCK})?)$"
            plain = rf"regexp_replace(regexp_extract({trimmed}, '{shape}', 1), '(Z|\+00(:?00)?)$', '')"
            return f"TRY_CAST(replace({plain}, '/', '-') AS TIMESTAMP)"
        case ColumnType.UNIT:
            raise Fault("a unit key is not parsed as a value")


def _matching(text: str, shape: str, kind: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, '{shape}') THEN TRY_CAST({text} AS {kind}) END"


def enforce_sql(column: ColumnCard, value: str, members: str | None, values: Values) -> str:
    """The stored value: the card's action applied to whatever lies outside the declared domain.

    `members` is a query of the value set or of the public table's key, when the column has one. A missing value stays
    missing where the card allows it; where it does not, only `other` can stand for it. What is declared of a column, a
    key above all, is judged on these values: nothing cuts them further.
    """
    value = _cut(column, value, values)
    outside = (
        "NULL" if column.violation is not Violation.OTHER else values.bind(_plain(column.other), stored_type(column))
    )
    absent = "NULL" if column.nullable else outside
    if members is not None:
        return f"CASE WHEN {value} IS NULL THEN {absent} WHEN {value} IN ({members}) THEN {value} ELSE {outside} END"
    if column.type is ColumnType.DOUBLE:
        return _double(column, value, values)
    if column.lo is None or column.hi is None:
        return value
    lo, hi = (values.bind(_plain(end), stored_type(column)) for end in (column.lo, column.hi))
    if column.violation is Violation.CLAMP:
        return f"CASE WHEN {value} < {lo} THEN {lo} WHEN {value} > {hi} THEN {hi} ELSE {value} END"
    return f"CASE WHEN {value} BETWEEN {lo} AND {hi} THEN {value} END"


def _cut(column: ColumnCard, value: str, values: Values) -> str:
    """The value within what every value of its type is: texts cut short, no day or moment outside the calendar."""
    if column.values is not None or column.lo is not None:
        return value
    match column.type:
        case ColumnType.TEXT:
            return f"left({value}, {TEXT_LENGTH})"
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            first, last = (values.bind(end, stored_type(column)) for end in CALENDAR[Type(column.type.value)])
            return f"CASE WHEN {value} BETWEEN {first} AND {last} THEN {value} END"
        case _:
            return value


def _double(column: ColumnCard, value: str, values: Values) -> str:
    """NaN becomes NULL; then onto the grid, and only then into the range (rule 16)."""
    if column.lo is None or column.hi is None or column.granularity is None:
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    lo, hi, grain = Fraction(_number(column.lo)), Fraction(_number(column.hi)), column.granularity
    up, down = (values.bind(float(part), "DOUBLE") for part in (grain.denominator, grain.numerator))
    first, last = (values.bind(float(step), "DOUBLE") for step in (ceil(lo / grain), floor(hi / grain)))
    step = f"round({value} * {up} / {down})"
    clamped = f"least(greatest({step}, {first}), {last}) * {down} / {up}"
    if column.violation is Violation.CLAMP:
        kept = f"NOT isnan({value})"
    else:
        kept = f"{value} BETWEEN {values.bind(float(lo), 'DOUBLE')} AND {values.bind(float(hi), 'DOUBLE')}"
    return f"CASE WHEN {value} IS NOT NULL AND {kept} THEN {clamped} END"


def _number(value: CardValue) -> Fraction | int:
    if isinstance(value, Fraction | int):
        return value
    raise Fault("a double's range has numbers for ends")


def _plain(value: CardValue | None) -> bool | int | float | str | date | datetime | None:
    return float(value) if isinstance(value, Fraction) else value


def stored_type(column: ColumnCard) -> str:
    """The engine's type of a stored column."""
    return _STORED[column.type]


def members_of(column: ColumnCard) -> list[object]:
    """The declared value set, for a table that `members` queries."""
    return [_plain(value) for value in column.values or ()]
