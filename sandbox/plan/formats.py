"""Formats of dates and timestamps: which a literal may be, and how a moment is written in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from sandbox.plan.calendar_parts import DAY_NAMES, MONTH_NAMES, iso_day_of_week, iso_year, moment, week
from sandbox.plan.moments import day_of_week, day_of_year
from sandbox.plan.nodes import Scalar
from sandbox.plan.signatures import Signature
from sandbox.plan.texts import cut

OF_DAYS: Mapping[str, Callable[[date], str]] = {
    "%Y": lambda value: f"{value.year:04}",
    "%y": lambda value: f"{value.year % 100:02}",
    "%m": lambda value: f"{value.month:02}",
    "%-m": lambda value: str(value.month),
    "%d": lambda value: f"{value.day:02}",
    "%-d": lambda value: str(value.day),
    "%j": lambda value: f"{day_of_year(value):03}",
    "%a": lambda value: DAY_NAMES[value.weekday()][:3],
    "%A": lambda value: DAY_NAMES[value.weekday()],
    "%b": lambda value: MONTH_NAMES[value.month - 1][:3],
    "%B": lambda value: MONTH_NAMES[value.month - 1],
    "%u": lambda value: str(iso_day_of_week(value)),
    "%w": lambda value: str(day_of_week(value)),
    "%V": lambda value: f"{week(value):02}",
    "%G": lambda value: f"{iso_year(value):04}",
    "%%": lambda _: "%",
}
OF_CLOCKS: Mapping[str, Callable[[date], str]] = {
    "%H": lambda value: f"{moment(value).hour:02}",
    "%-H": lambda value: str(moment(value).hour),
    "%I": lambda value: f"{(moment(value).hour + 11) % 12 + 1:02}",
    "%p": lambda value: "AM" if moment(value).hour < 12 else "PM",
    "%M": lambda value: f"{moment(value).minute:02}",
    "%S": lambda value: f"{moment(value).second:02}",
    "%f": lambda value: f"{moment(value).microsecond:06}",
}
READ = ("%Y", "%y", "%m", "%d", "%b", "%B", "%H", "%M", "%S")
"""What a format to read by may hold, each once."""
_SPELLED = re.compile(r"%-?[A-Za-z%]|%")


def _specifiers(found: Scalar) -> list[str] | None:
    return _SPELLED.findall(found) if isinstance(found, str) else None


def written(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """A format that moments are written in."""
    found = _specifiers(values[position])
    return bool(values[position]) and found is not None and all(one in OF_DAYS or one in OF_CLOCKS for one in found)


def read(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """A format that texts are read by."""
    found = _specifiers(values[position])
    return found is not None and found != [] and len(set(found)) == len(found) and set(found) <= set(READ)


def of_days(found: str) -> bool:
    """Whether the day alone decides what is written."""
    return all(one in OF_DAYS for one in _specifiers(found) or ())


def strftime(value: date, found: str) -> str:
    return cut(_SPELLED.sub(lambda one: {**OF_DAYS, **OF_CLOCKS}[one[0]](value), found))
