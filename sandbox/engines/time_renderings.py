"""How DuckDB computes the functions of dates and timestamps."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sandbox.engines.operands import Operands, between, binary, call, cast, choose, number, within_calendar
from sandbox.engines.renderings import Rendering, whole
from sandbox.plan.moments import MAX_DAYS, MAX_MONTHS
from sandbox.plan.nodes import Type


def _date_trunc(of: Operands) -> exp.Expr:
    return cast(call("DATE_TRUNC", *of.arguments), of.signature.result.name)


def _shift(interval: str, most: int) -> Rendering:
    """A moment moved by a number that is checked to lead to a day the engine knows."""

    def render(of: Operands) -> exp.Expr:
        moment, target = of.arguments[0], of.signature.result

        def moved(step: exp.Expr) -> exp.Expr:
            sum_ = binary(exp.Add, moment, call(interval, cast(step, "INTEGER")))
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
}
"""One row for each of the function table."""
