"""The functions of dates and timestamps.

Rule: total and row-local, in UTC and without a clock (rules 2, 15); days of a range are value sets (rule 23)
"""

from __future__ import annotations

from sandbox.plan import arithmetic, date_ranges, formats, meanings, moments, ranges, sets
from sandbox.plan import calendar_parts as parts
from sandbox.plan.function import Function, at
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import TIMES, bucket, difference, fixed, keeping, taking, truncation

INTEGER, DOUBLE, TEXT, DATE, TIMESTAMP = Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE, Type.TIMESTAMP
NAMED = taking(TIMES, (), TEXT)
PART = taking(TIMES, (), INTEGER)

TIME_FUNCTIONS: tuple[Function, ...] = (
    Function("year", PART, moments.year, date_ranges.year),
    Function("quarter", PART, moments.quarter, ranges.constant(1, 4)),
    Function("month", PART, moments.month, ranges.constant(1, 12)),
    Function("day", PART, moments.day, ranges.constant(1, 31)),
    Function("day_of_week", PART, moments.day_of_week, ranges.constant(0, 6)),
    Function("day_of_year", PART, moments.day_of_year, ranges.constant(1, 366)),
    Function("hour", PART, moments.hour, ranges.constant(0, 23)),
    Function(
        "date_trunc",
        truncation,
        moments.truncate,
        date_ranges.truncate,
        literals=at(0),
        meant=meanings.unit,
        members=sets.starts,
    ),
    Function("date_add_days", keeping(TIMES, (INTEGER,)), moments.add_days, date_ranges.shifted(moments.add_days)),
    Function(
        "date_add_months", keeping(TIMES, (INTEGER,)), moments.add_months, date_ranges.shifted(moments.add_months)
    ),
    Function(
        "date_difference",
        difference,
        moments.difference,
        date_ranges.difference(moments.difference),
        literals=at(0),
        meant=meanings.unit,
    ),
    Function(
        "date_elapsed", difference, parts.elapsed, date_ranges.difference(parts.elapsed), at(0), meanings.unit, work=16
    ),
    Function(
        "date_add_seconds",
        fixed((TIMESTAMP, INTEGER), TIMESTAMP),
        parts.add_seconds,
        date_ranges.shifted(parts.add_seconds),  # type: ignore[arg-type]
    ),
    Function("week", PART, parts.week, ranges.constant(1, 53)),
    Function("iso_year", PART, parts.iso_year, date_ranges.counted(parts.iso_year)),
    Function("year_week", PART, parts.year_week, date_ranges.counted(parts.year_week)),
    Function("iso_day_of_week", PART, parts.iso_day_of_week, ranges.constant(1, 7)),
    Function("decade", PART, parts.decade, date_ranges.counted(parts.decade)),
    Function("century", PART, parts.century, date_ranges.counted(parts.century)),
    Function("millennium", PART, parts.millennium, date_ranges.counted(parts.millennium)),
    Function("minute", PART, parts.minute, ranges.constant(0, 59)),
    Function("second", PART, parts.second, ranges.constant(0, 59)),
    Function("millisecond", PART, parts.millisecond, ranges.constant(0, 59_999)),
    Function("microsecond", PART, parts.microsecond, ranges.constant(0, 59_999_999)),
    Function("epoch", taking(TIMES, (), DOUBLE), parts.epoch, date_ranges.epoch),
    Function("epoch_ms", PART, parts.epoch_ms, date_ranges.counted(parts.epoch_ms)),
    Function("epoch_us", PART, parts.epoch_us, date_ranges.counted(parts.epoch_us)),
    Function("day_name", NAMED, parts.day_name, date_ranges.named(parts.DAY_NAMES)),
    Function("month_name", NAMED, parts.month_name, date_ranges.named(parts.MONTH_NAMES)),
    Function("last_day", taking(TIMES, (), DATE), parts.last_day, date_ranges.ordered(parts.last_day)),
    Function("make_date", fixed((INTEGER,) * 3, DATE), parts.make_date, date_ranges.made, work=16),
    Function(
        "make_timestamp",
        fixed((*(INTEGER,) * 5, DOUBLE), TIMESTAMP),
        parts.make_timestamp,
        date_ranges.made,
        work=64,
    ),
    Function(
        "time_bucket",
        bucket,
        parts.bucket,
        date_ranges.bucketed,
        at(0, 1),
        meanings.bucket,
        members=sets.buckets,
        work=16,
    ),
    Function(
        "strftime",
        taking(TIMES, (TEXT,), TEXT),
        formats.strftime,
        ranges.opaque,
        at(1),
        formats.written,
        members=sets.written,
        work=64,
    ),
    Function(
        "strptime", fixed((TEXT, TEXT), TIMESTAMP), arithmetic.unknown, ranges.partial, at(1), formats.read, work=64
    ),
)
"""Rows of the function table."""
