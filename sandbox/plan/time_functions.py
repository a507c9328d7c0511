"""The functions of dates and timestamps."""

from __future__ import annotations

from sandbox.plan import date_ranges, meanings, moments, ranges, sets
from sandbox.plan.function import Function, at
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import TIMES, difference, keeping, taking, truncation

INTEGER = Type.INTEGER
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
        "date_difference", difference, moments.difference, date_ranges.difference, literals=at(0), meant=meanings.unit
    ),
)
"""Rows of the function table."""
