"""The functions of texts and the casts on single values, as the engine computes them."""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction

from sandbox.plan.arithmetic import Number, UnknownValueError, integer
from sandbox.plan.moments import day_of
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.values import TEXT_LENGTH, stored

FAR = 1_000_000
"""No text is so long: offsets and lengths beyond it mean what it means."""
WHOLE = re.compile(r"-?[0-9]{1,18}")
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
CALENDAR_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")


def near(count: int) -> int:
    return max(-FAR, min(count, FAR))


def cut(text: str) -> str:
    return text[:TEXT_LENGTH]


def _cased(text: str, changed: str) -> str:
    """Case mapping beyond ASCII differs between engines: known only where there is none."""
    if any(not one.isascii() and (one.lower() != one or one.upper() != one) for one in text):
        raise UnknownValueError
    return changed


def lower(text: str) -> str:
    return _cased(text, text.lower())


def upper(text: str) -> str:
    return _cased(text, text.upper())


def trim(text: str, chosen: str = " ") -> str:
    return text.strip(chosen)


def ltrim(text: str, chosen: str = " ") -> str:
    return text.lstrip(chosen)


def rtrim(text: str, chosen: str = " ") -> str:
    return text.rstrip(chosen)


def substring(text: str, start: int, reach: int | None = None) -> str:
    """From the 1-based `start`, or that far from the end when negative; a negative length reaches backwards."""
    start = near(start)
    first = start - 1 if start >= 0 else len(text) + start
    end = len(text) if reach is None else first + near(reach)
    return text[max(0, min(first, end)) : max(0, first, end)]


def left(text: str, count: int) -> str:
    """The first `count` characters; all but the last −`count` when negative."""
    return text[:count] if count >= 0 else text[: max(0, len(text) + count)]


def right(text: str, count: int) -> str:
    """The last `count` characters; all but the first −`count` when negative."""
    return text[max(0, len(text) - count) :] if count >= 0 else text[-count:]


def length(text: str) -> int:
    return len(text)


def concat(*texts: str) -> str:
    return cut("".join(texts))


def replace(text: str, search: str, replacement: str) -> str:
    return cut(text.replace(search, replacement)) if search else text


def starts_with(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


def ends_with(text: str, suffix: str) -> bool:
    return text.endswith(suffix)


def contains(text: str, part: str) -> bool:
    return part in text


def like(text: str, pattern: str) -> bool:
    """% is any text and _ any character; there is no escape."""
    spelled = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    return re.fullmatch(spelled, text, re.DOTALL) is not None


def cast_integer(value: bool | Number | str) -> int | None:
    match value:
        case str() if WHOLE.fullmatch(value):
            return int(value)
        case str():
            raise UnknownValueError
        case _:
            return integer(round(value))


def cast_double(value: bool | Number | str) -> Fraction:
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        raise UnknownValueError
    return Fraction(float(value))


def cast_text(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            text = value.isoformat(" ")
            return text.rstrip("0") if value.microsecond else text
        case date():
            return value.isoformat()
        case int() | str():
            return str(value)
        case _:
            raise UnknownValueError


def cast_date(value: date | str) -> date | None:
    if not isinstance(value, str):
        return day_of(value)
    if not CALENDAR_DAY.fullmatch(value):
        raise UnknownValueError
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def cast_timestamp(value: date | str) -> datetime | None:
    if not isinstance(value, str):
        return stored(Type.TIMESTAMP, value)  # type: ignore[return-value]
    if not CALENDAR_DAY.fullmatch(value) and not CLOCK.fullmatch(value):
        raise UnknownValueError
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def cast_boolean(value: bool | Number | str) -> bool:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise UnknownValueError
        return value == "true"
    return value != 0
