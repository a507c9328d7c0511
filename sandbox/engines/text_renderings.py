"""How DuckDB computes the functions of texts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sandbox.engines.operands import Operands, balanced, binary, call, choose, number
from sandbox.engines.renderings import Rendering, cut, function, operator, whole
from sandbox.plan.ranges import span
from sandbox.plan.texts import FAR


def _concat(of: Operands) -> exp.Expr:
    """Cut after every two, so that no text in between is long."""
    return cut(balanced(lambda left, right: cut(binary(exp.DPipe, left, right)), of.arguments))


def _offsets(name: str) -> Rendering:
    """A function of a text and numbers of characters, which are brought near enough for the engine."""

    def near(of: Operands, index: int) -> exp.Expr:
        found = span(of.given[index])
        if found is not None and found[0] >= -FAR and found[1] <= FAR:
            return of.arguments[index]
        lo, hi = number(-FAR), number(FAR)
        return of.bind(
            index,
            lambda one: choose((binary(exp.LT, one, lo), lo), (binary(exp.GT, one, hi), hi), default=one),
        )

    def render(of: Operands) -> exp.Expr:
        numbers = (near(of, index) for index in range(1, len(of.arguments)))
        return call(name, of.arguments[0], *numbers)

    return render


TEXT_RENDERINGS: Mapping[str, Rendering] = {
    "like": operator(exp.Like),
    "lower": function("LOWER"),
    "upper": function("UPPER"),
    "trim": function("TRIM"),
    "ltrim": function("LTRIM"),
    "rtrim": function("RTRIM"),
    "substring": _offsets("SUBSTRING"),
    "length": whole("LENGTH"),
    "concat": _concat,
    "starts_with": function("STARTS_WITH"),
    "ends_with": function("ENDS_WITH"),
    "contains": function("CONTAINS"),
    "replace": lambda of: cut(call("REPLACE", *of.arguments)),
    "left": _offsets("LEFT"),
    "right": _offsets("RIGHT"),
}
"""One row for each of the function table."""
