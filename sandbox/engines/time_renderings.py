"""How DuckDB computes the functions of dates and timestamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from sandbox.engines.operands import Operands, between, binary, call, cast, choose, every, number, own, within_calendar
from sandbox.engines.renderings import Rendering, function, whole
from sandbox.errors import Fault
from sandbox.plan.calendar_parts import MAX_SECONDS
from sandbox.plan.moments import MAX_DAYS, MAX_MONTHS
from sandbox.plan.nodes import Type
from sandbox.plan.values import TEXT_LENGTH


def _date_trunc(of: Operands) -> exp.Expr:
    return cast(call("DATE_TRUNC", *of.arguments), of.signature.result.name)


def _shift(interval: str, most: int, type_: str = "INTEGER") -> Rendering:
    """A moment moved by a number that is checked to lead to a day the engine knows."""

    def render(of: Operands) -> exp.Expr:
        moment, target = of.arguments[0], of.signature.result

        def moved(step: exp.Expr) -> exp.Expr:
            sum_ = binary(exp.Add, moment, call(interval, cast(step, type_)))
            return choose((between(step, number(-most), number(most)), cast(sum_, "TIMESTAMP")))

        shifted = of.bind(1, moved)
        checked = within_calendar(shifted, Type.TIMESTAMP, of.parameters)
        return checked if target is Type.TIMESTAMP else cast(checked, "DATE")

    return render


def _difference(of: Operands) -> exp.Expr:
    _, start, end = of.arguments
    if of.literal(0) == "week":
        days = call("DATE_DIFF", of.parameters.bind(Type.TEXT, "day"), start, end)
        return binary(exp.IntDiv, days, number(7))
    return call("DATE_DIFF", *of.arguments)


def _near(value: exp.Expr, lo: int, hi: int) -> exp.Expr:
    """A number brought between two limits, NULL to one of them."""
    return call("GREATEST", call("LEAST", value, number(hi)), number(lo))


def _bound(of: Operands, build: Callable[[list[exp.Expr]], exp.Expr]) -> exp.Expr:
    """`build` over all arguments, each evaluated once."""

    def further(found: list[exp.Expr]) -> exp.Expr:
        if len(found) == len(of.arguments):
            return build(found)
        return of.bind(len(found), lambda one: further([*found, one]))

    return further([])


def _first_of_month(year: exp.Expr, month: exp.Expr) -> exp.Expr:
    return call("MAKE_DATE", _near(year, 1, 9999), _near(month, 1, 12), number(1))


def _is_day(year: exp.Expr, month: exp.Expr, day: exp.Expr) -> exp.Expr:
    last = call("DAY", call("LAST_DAY", _first_of_month(year, month)))
    return every(
        [
            between(year, number(1), number(9999)),
            between(month, number(1), number(12)),
            between(day, number(1), last),
        ]
    )


def _make_date(of: Operands) -> exp.Expr:
    """The first of the month and the days after it: the engine raises on days that do not exist."""

    def made(found: list[exp.Expr]) -> exp.Expr:
        year, month, day = found
        days = cast(binary(exp.Sub, _near(day, 1, 31), number(1)), "INTEGER")
        return choose((_is_day(year, month, day), binary(exp.Add, _first_of_month(year, month), days)))

    return _bound(of, made)


def _make_timestamp(of: Operands) -> exp.Expr:
    """Of a day and a time that exist; the engine is never given others."""

    def made(found: list[exp.Expr]) -> exp.Expr:
        year, month, day, hour, minute, second = found
        time = [
            between(hour, number(0), number(23)),
            between(minute, number(0), number(59)),
            binary(exp.GTE, second, number(0)),
            binary(exp.LT, second, number(60)),
        ]
        near = _near(day, 1, 28), _near(hour, 0, 23), _near(minute, 0, 59), _near(second, 0, 60)
        start = call("MAKE_TIMESTAMP", _near(year, 1, 9999), _near(month, 1, 12), *near)
        further = cast(binary(exp.Sub, _near(day, 1, 31), _near(day, 1, 28)), "INTEGER")
        sum_ = cast(binary(exp.Add, start, call("TO_DAYS", further)), "TIMESTAMP")
        return choose((every([_is_day(year, month, day), *time]), sum_))

    return within_calendar(_bound(of, made), Type.TIMESTAMP, of.parameters)


def _time_bucket(of: Operands) -> exp.Expr:
    count, _, moment = of.arguments
    intervals = {"month": "TO_MONTHS", "day": "TO_DAYS", "second": "TO_SECONDS"}
    interval = intervals.get(str(of.literal(1)))
    if interval is None:
        raise Fault("time_bucket without a unit")
    width = call(interval, cast(count, "BIGINT" if interval == "TO_SECONDS" else "INTEGER"))
    return within_calendar(call("TIME_BUCKET", width, moment), of.signature.result, of.parameters)


def _epoch_ms(of: Operands) -> exp.Expr:
    """EPOCH_MS, as sqlglot knows it."""
    return cast(exp.UnixToTime(this=own(of.arguments[0]), scale=number(3)), "BIGINT")


def _strptime(of: Operands) -> exp.Expr:
    return within_calendar(call("TRY_STRPTIME", *of.arguments), Type.TIMESTAMP, of.parameters)


TIME_RENDERINGS: Mapping[str, Rendering] = {
    "year": whole("YEAR"),
    "quarter": whole("QUARTER"),
    "month": whole("MONTH"),
    "day": whole("DAY"),
    "day_of_week": whole("DAYOFWEEK"),
    "day_of_year": whole("DAYOFYEAR"),
    "hour": whole("HOUR"),
    "date_trunc": _date_trunc,
    "date_add_days": _shift("TO_DAYS", MAX_DAYS),
    "date_add_months": _shift("TO_MONTHS", MAX_MONTHS),
    "date_difference": _difference,
    "date_elapsed": function("DATE_SUB"),
    "date_add_seconds": _shift("TO_SECONDS", MAX_SECONDS, "BIGINT"),
    "week": whole("WEEK"),
    "iso_year": whole("ISOYEAR"),
    "year_week": whole("YEARWEEK"),
    "iso_day_of_week": whole("ISODOW"),
    "decade": whole("DECADE"),
    "century": whole("CENTURY"),
    "millennium": whole("MILLENNIUM"),
    "minute": whole("MINUTE"),
    "second": whole("SECOND"),
    "millisecond": whole("MILLISECOND"),
    "microsecond": whole("MICROSECOND"),
    "epoch": function("EPOCH"),
    "epoch_ms": _epoch_ms,
    "epoch_us": whole("EPOCH_US"),
    "day_name": function("DAYNAME"),
    "month_name": function("MONTHNAME"),
    "last_day": function("LAST_DAY"),
    "make_date": _make_date,
    "make_timestamp": _make_timestamp,
    "time_bucket": _time_bucket,
    "strftime": lambda of: call("LEFT", call("STRFTIME", *of.arguments), number(TEXT_LENGTH)),
    "strptime": _strptime,
}
"""One row for each of the function table."""
