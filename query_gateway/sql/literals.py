"""Constants: exact numbers, dates and texts, and the arithmetic on them, which is exact too."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from sandbox.errors import Refusal, Span
from sandbox.plan.nodes import Expression, Literal, Type

MAX_TEXT = 256
"""Characters of a text constant."""
_MAX_DIGITS = 400
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)
_INTEGER = re.compile(r"\d+", re.ASCII)
_ARITHMETIC = {"add", "subtract", "multiply", "divide", "negate"}


def number(text: str, span: Span | None) -> Literal:
    """A number as written: INTEGER without point or exponent, else an exact DOUBLE. Refuses `sql.number`."""
    if len(text) > _MAX_DIGITS:
        raise Refusal("sql.number", {"number": text[:20]}, span=span)
    if _INTEGER.fullmatch(text):
        return _integer(int(text), span)
    try:
        value = Decimal(text)
        if abs(value.adjusted()) > _MAX_DIGITS:
            raise Refusal("sql.number", {"number": text[:20]}, span=span)
        return _double(Fraction(value), span)
    except ArithmeticError:
        raise Refusal("sql.number", {"number": text[:20]}, span=span) from None


def text(value: str, span: Span | None) -> Literal:
    """A text constant. Refuses `sql.literal`."""
    if len(value) > MAX_TEXT or "\0" in value:
        raise Refusal("sql.literal", {"text": value[:20], "type": Type.TEXT}, span=span)
    return Literal(Type.TEXT, value)


def time(value: str, type_: Type, span: Span | None) -> Literal:
    """A DATE or TIMESTAMP constant in ISO form. Refuses `sql.literal`."""
    form = _DATE if type_ is Type.DATE else _TIMESTAMP
    written = value.strip()
    try:
        if type_ is Type.TIMESTAMP and _DATE.fullmatch(written):
            return Literal(type_, datetime.fromisoformat(written))
        if not form.fullmatch(written):
            raise ValueError
        return Literal(type_, date.fromisoformat(written) if type_ is Type.DATE else datetime.fromisoformat(written))
    except ValueError:
        raise Refusal("sql.literal", {"text": value[:40], "type": type_}, span=span) from None


def fold(function: str, arguments: Sequence[Expression], span: Span | None) -> Literal | None:
    """The exact value of a call whose arguments are all constants; None where it is left to the engine.

    Refuses: `sql.number` when the value is out of range.
    """
    constants = [one for one in arguments if isinstance(one, Literal)]
    if len(constants) != len(arguments):
        return None
    if function in ("date_add_days", "date_add_months"):
        return _moved(function, constants)
    if function not in _ARITHMETIC:
        return None
    values = [one.value for one in constants if one.type in (Type.INTEGER, Type.DOUBLE)]
    numbers = [value for value in values if isinstance(value, int | Fraction) and not isinstance(value, bool)]
    if len(numbers) != len(arguments):
        return None
    result = _computed(function, numbers)
    if result is None:
        return None
    if all(one.type is Type.INTEGER for one in constants) and function != "divide":
        return _integer(int(result), span)
    return _double(Fraction(result), span)


def _computed(function: str, numbers: Sequence[int | Fraction]) -> int | Fraction | None:
    match function, numbers:
        case "negate", [x]:
            return -x
        case "add", [x, y]:
            return x + y
        case "subtract", [x, y]:
            return x - y
        case "multiply", [x, y]:
            return x * y
        case "divide", [x, y] if y != 0:
            return Fraction(x) / Fraction(y)
    return None


def _moved(function: str, constants: Sequence[Literal]) -> Literal | None:
    start, amount = constants[0], constants[1].value
    if not isinstance(start.value, date) or not isinstance(amount, int):
        return None
    try:
        if function == "date_add_days":
            return Literal(start.type, start.value + timedelta(days=amount))
        year, month = divmod(start.value.year * 12 + start.value.month - 1 + amount, 12)
        day = min(start.value.day, monthrange(year, month + 1)[1]) if 1 <= year <= 9999 else 0
        return Literal(start.type, start.value.replace(year=year, month=month + 1, day=day))
    except (OverflowError, ValueError):
        return Literal(start.type, None)


def _integer(value: int, span: Span | None) -> Literal:
    # -2**63 is written as the negation of 2**63, which is not an INTEGER: nothing is lost by refusing it
    if not -(2**63) <= value < 2**63:
        raise Refusal("sql.number", {"number": str(value)[:20]}, span=span)
    return Literal(Type.INTEGER, value)


def _double(value: Fraction, span: Span | None) -> Literal:
    limit = 10**_MAX_DIGITS
    if abs(value) > Fraction(10**308) or value.denominator >= limit or abs(value.numerator) >= limit:
        raise Refusal("sql.number", {"number": "…"}, span=span)
    return Literal(Type.DOUBLE, value)
