"""The functions of dates and timestamps on single values, as the engine computes them in UTC."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta

from sandbox.plan.arithmetic import truncated
from sandbox.plan.nodes import Type
from sandbox.plan.values import DAY, stored

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00")
DATE_UNITS = ("year", "quarter", "month", "week", "day")
CLOCK_UNITS = ("hour", "minute", "second")
STEPS = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1), "second": timedelta(seconds=1)}
MAX_DAYS = 4_000_000
"""More days than this lead out of the calendar from any day of it."""
MAX_MONTHS = 150_000


def year(moment: date) -> int:
    return moment.year


def month(moment: date) -> int:
    return moment.month


def day(moment: date) -> int:
    return moment.day


def day_of_week(moment: date) -> int:
    """Sunday is 0."""
    return moment.isoweekday() % 7


def day_of_year(moment: date) -> int:
    return moment.timetuple().tm_yday


def quarter(moment: date) -> int:
    return (moment.month + 2) // 3


def hour(moment: date) -> int:
    return moment.hour if isinstance(moment, datetime) else 0


def day_of(moment: date) -> date:
    """The day of a moment."""
    return moment.date() if isinstance(moment, datetime) else moment


def truncate(unit: str, moment: date) -> date:
    """The start of the moment's unit, of the moment's type."""
    if isinstance(moment, datetime) and unit in STEPS:
        return EPOCH + (moment - EPOCH) // STEPS[unit] * STEPS[unit]
    start = day_of(moment)
    match unit:
        case "year":
            start = start.replace(month=1, day=1)
        case "quarter":
            start = start.replace(month=3 * quarter(start) - 2, day=1)
        case "month":
            start = start.replace(day=1)
        case "week":
            start = _monday(start)
        case _:
            pass
    return stored(Type.TIMESTAMP, start) if isinstance(moment, datetime) else start  # type: ignore[return-value]


def _monday(moment: date) -> date:
    """The Monday of the day's week; 1 January of the year 1 is one."""
    return moment - DAY * moment.weekday()


def following(unit: str, start: date) -> date:
    """The start of the unit after the one that starts at `start`; raises OverflowError at the calendar's end."""
    match unit:
        case "year" | "quarter" | "month":
            moved = add_months(start, {"year": 12, "quarter": 3, "month": 1}[unit])
            if moved is None:
                raise OverflowError
            return moved
        case "week":
            return start + 7 * DAY
        case _:
            return start + STEPS.get(unit, DAY)


def add_days(moment: date, days: int) -> date | None:
    try:
        return moment + DAY * days
    except OverflowError:
        return None


def add_months(moment: date, months: int) -> date | None:
    """The same day of the month, or its last one."""
    total = 12 * moment.year + moment.month - 1 + months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        return None
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def difference(unit: str, start: date, end: date) -> int:
    """How many boundaries of the unit lie between two moments; weeks are whole ones of seven days."""
    if unit == "week":
        return truncated(difference("day", start, end), 7)
    count = _ordinals(unit)
    return count(end) - count(start)


def _ordinals(unit: str) -> Callable[[date], int]:
    match unit:
        case "year":
            return lambda moment: moment.year
        case "quarter":
            return lambda moment: 4 * moment.year + quarter(moment)
        case "month":
            return lambda moment: 12 * moment.year + moment.month
        case "day":
            return lambda moment: day_of(moment).toordinal()
        case _:
            return lambda moment: (stored(Type.TIMESTAMP, moment) - EPOCH) // STEPS[unit]  # type: ignore[operator]
