"""Parts, counts and constructions of dates and timestamps, on single values as the engine computes them in UTC."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from fractions import Fraction

from sandbox.plan.arithmetic import truncated
from sandbox.plan.moments import EPOCH, STEPS, add_months, day_of
from sandbox.plan.nodes import Type
from sandbox.plan.values import DAY, stored

MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
"""Microseconds."""
MAX_SECONDS = 350_000_000_000
"""More seconds than this lead out of the calendar from any moment of it."""
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
FIRST_MONTH = 12 * 2000
FIRST_MONDAY = datetime.fromisoformat("2000-01-03T00:00:00")
"""Where buckets of months, and of days and seconds, are counted from."""


def moment(value: date) -> datetime:
    """The start of a day; a timestamp as it is."""
    return stored(Type.TIMESTAMP, value)  # type: ignore[return-value]


def week(value: date) -> int:
    """ISO 8601."""
    return value.isocalendar().week


def iso_year(value: date) -> int:
    return value.isocalendar().year


def year_week(value: date) -> int:
    return 100 * iso_year(value) + week(value)


def iso_day_of_week(value: date) -> int:
    """Monday is 1."""
    return value.isoweekday()


def decade(value: date) -> int:
    return value.year // 10


def century(value: date) -> int:
    return (value.year + 99) // 100


def millennium(value: date) -> int:
    return (value.year + 999) // 1000


def minute(value: date) -> int:
    return moment(value).minute


def second(value: date) -> int:
    return moment(value).second


def millisecond(value: date) -> int:
    """Of the minute."""
    return microsecond(value) // 1000


def microsecond(value: date) -> int:
    """Of the minute."""
    return moment(value).second * SECOND + moment(value).microsecond


def epoch_us(value: date) -> int:
    """Microseconds since 1970."""
    return (moment(value) - EPOCH) // MICROSECOND


def epoch_ms(value: date) -> int:
    """Rounded, halves away from zero."""
    micros = epoch_us(value)
    millis = (abs(micros) + 500) // 1000
    return millis if micros >= 0 else -millis


def epoch(value: date) -> Fraction:
    """Seconds since 1970."""
    return Fraction(epoch_us(value) / SECOND)


def day_name(value: date) -> str:
    return DAY_NAMES[value.weekday()]


def month_name(value: date) -> str:
    return MONTH_NAMES[value.month - 1]


def last_day(value: date) -> date:
    """Of the month."""
    return day_of(value).replace(day=monthrange(value.year, value.month)[1])


def make_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def make_timestamp(year: int, month: int, day: int, hour: int, minute_: int, seconds: Fraction) -> datetime | None:
    start = make_date(year, month, day)
    if start is None or not (0 <= hour < 24 and 0 <= minute_ < 60 and 0 <= seconds < 60):
        return None
    micros = round(float(seconds) * SECOND)
    try:
        return moment(start) + timedelta(hours=hour, minutes=minute_, microseconds=micros)
    except OverflowError:
        return None


def add_seconds(value: datetime, seconds: int) -> datetime | None:
    try:
        return value + timedelta(seconds=seconds)
    except OverflowError:
        return None


def elapsed(unit: str, start: date, end: date) -> int:
    """How many whole units have passed from one moment to another: a person's age in years, for one."""
    if start > end:
        return -elapsed(unit, end, start)
    match unit:
        case "year" | "quarter" | "month":
            months = 12 * (end.year - start.year) + end.month - start.month
            reached = add_months(start, months)
            months -= reached is None or reached > end
            return truncated(months, {"year": 12, "quarter": 3, "month": 1}[unit])
        case "week":
            return (end - start) // (7 * DAY)
        case _:
            return (end - start) // STEPS.get(unit, DAY)


def bucket(count: int, unit: str, value: date) -> date | None:
    """The start of the bucket of so many months, days or seconds; NULL before the calendar."""
    try:
        if unit == "month":
            months = (12 * value.year + value.month - 1 - FIRST_MONTH) // count * count + FIRST_MONTH
            start = date(months // 12, months % 12 + 1, 1)
            return moment(start) if isinstance(value, datetime) else start
        step = DAY * count if unit == "day" else timedelta(seconds=count)
        found = FIRST_MONDAY + (moment(value) - FIRST_MONDAY) // step * step
        return found if isinstance(value, datetime) else day_of(found)
    except (ValueError, OverflowError):
        return None
