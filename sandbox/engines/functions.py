"""How DuckDB computes each function of the plan's table: one row each, total, nothing raised on any value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TypeAlias

from sqlglot import exp

from sandbox.engines.operands import (
    Operands,
    Parameters,
    balanced,
    between,
    binary,
    call,
    cast,
    choose,
    every,
    finite,
    is_null,
    negated,
    number,
    some,
    try_cast,
    within_calendar,
    wrap,
)
from sandbox.errors import Fault
from sandbox.plan.arithmetic import bucket_width
from sandbox.plan.moments import MAX_DAYS, MAX_MONTHS
from sandbox.plan.nodes import Type
from sandbox.plan.ranges import span
from sandbox.plan.signatures import Signature
from sandbox.plan.values import INTEGER_HI, INTEGER_LO, TEXT_LENGTH, Values

Rendering: TypeAlias = Callable[[Operands], exp.Expr]

FAR = 1_000_000
"""No text is so long: offsets and lengths beyond it mean the same as it does."""


def render_call(
    name: str,
    arguments: tuple[exp.Expr, ...],
    signature: Signature,
    given: tuple[Values, ...],
    result: Values,
    parameters: Parameters,
) -> exp.Expr:
    """A call of the function table. `given` and `result` are what the range rules know; `arguments` are converted."""
    return RENDERINGS[name](Operands(arguments, signature, given, result, parameters))


def _proven(values: Values) -> bool:
    """Whether the range rules out the ends of 64 bits, so that no arithmetic went beyond them."""
    found = span(values)
    return found is not None and found[0] > INTEGER_LO and found[1] < INTEGER_HI


def _wide(value: exp.Expr) -> exp.Expr:
    return cast(value, "HUGEINT")


def _narrow(value: exp.Expr) -> exp.Expr:
    return try_cast(value, "BIGINT")


def _arithmetic(node: type[exp.Binary]) -> Rendering:
    def render(of: Operands) -> exp.Expr:
        left, right = of.arguments
        if not of.whole:
            return of.finite(binary(node, left, right))
        if _proven(of.result):
            return binary(node, left, right)
        return _narrow(binary(node, _wide(left), _wide(right)))

    return render


def _nonzero(of: Operands, build: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """`build` over the divisor; NULL where that is zero."""
    zero = number(0)
    return of.bind(1, lambda divisor: choose((binary(exp.NEQ, divisor, zero), build(divisor))))


def _divide(of: Operands) -> exp.Expr:
    return of.finite(_nonzero(of, lambda divisor: binary(exp.Div, of.arguments[0], divisor)))


def _integer_divide(of: Operands) -> exp.Expr:
    if _proven(of.given[0]):
        return _nonzero(of, lambda divisor: binary(exp.IntDiv, of.arguments[0], divisor))
    return _nonzero(of, lambda divisor: _narrow(binary(exp.IntDiv, _wide(of.arguments[0]), _wide(divisor))))


def _modulo(of: Operands) -> exp.Expr:
    if not of.whole:
        return of.finite(_nonzero(of, lambda divisor: binary(exp.Mod, of.arguments[0], divisor)))
    if _proven(of.given[0]):
        return _nonzero(of, lambda divisor: binary(exp.Mod, of.arguments[0], divisor))
    return _nonzero(of, lambda divisor: _narrow(binary(exp.Mod, _wide(of.arguments[0]), _wide(divisor))))


def _negate(of: Operands) -> exp.Expr:
    (value,) = of.arguments
    if not of.whole or _proven(of.given[0]):
        return exp.Neg(this=wrap(value))
    return _narrow(exp.Neg(this=wrap(_wide(value))))


def _abs(of: Operands) -> exp.Expr:
    (value,) = of.arguments
    if not of.whole or _proven(of.given[0]):
        return call("ABS", value)
    return _narrow(call("ABS", _wide(value)))


def _operator(node: type[exp.Binary]) -> Rendering:
    return lambda of: binary(node, *of.arguments)


def _function(name: str) -> Rendering:
    return lambda of: call(name, *of.arguments)


def _whole(name: str) -> Rendering:
    """A function whose result is cast to 64 bits."""
    return lambda of: cast(call(name, *of.arguments), "BIGINT")


def _finite(name: str) -> Rendering:
    return lambda of: of.finite(call(name, *of.arguments))


def _sqrt(of: Operands) -> exp.Expr:
    """Of a number below zero the engine says NaN, whatever range the others have."""
    found = span(of.given[0])
    root = call("SQRT", of.arguments[0])
    return root if found is not None and found[0] >= 0 else finite(root, of.parameters)


def _rounding(name: str) -> Rendering:
    """Integers are whole already."""
    return lambda of: of.arguments[0] if of.whole else call(name, of.arguments[0])


def _round(of: Operands) -> exp.Expr:
    if len(of.arguments) == 1:
        return _rounding("ROUND")(of)
    value, digits = of.arguments
    places = of.literal(1)
    if not of.whole:
        return finite(call("ROUND", value, cast(digits, "INTEGER")), of.parameters)
    if not isinstance(places, int):
        raise Fault("round without a number of digits")
    if places >= 0:
        return value
    step = cast(number(10**-places), "HUGEINT")
    half = cast(number(10**-places // 2), "HUGEINT")

    def rounded(one: exp.Expr) -> exp.Expr:
        steps = binary(exp.IntDiv, binary(exp.Add, call("ABS", _wide(one)), half), step)
        return _narrow(binary(exp.Mul, binary(exp.Mul, steps, step), call("SIGN", one)))

    return of.bind(0, rounded)


def _case(of: Operands) -> exp.Expr:
    *pairs, default = of.arguments
    return choose(*zip(pairs[::2], pairs[1::2], strict=True), default=default)


def _coalesce(of: Operands) -> exp.Expr:
    return exp.Coalesce(this=of.arguments[0], expressions=list(of.arguments[1:]))


def _nullif(of: Operands) -> exp.Expr:
    return of.bind(0, lambda value: choose((binary(exp.EQ, value, of.arguments[1]), exp.Null()), default=value))


def _in(of: Operands) -> exp.Expr:
    return exp.In(this=wrap(of.arguments[0]), expressions=list(of.arguments[1:]))


def _clamp(of: Operands) -> exp.Expr:
    _, lo, hi = of.arguments
    return of.bind(
        0,
        lambda value: choose((binary(exp.LT, value, lo), lo), (binary(exp.GT, value, hi), hi), default=value),
    )


def _width_bucket(of: Operands) -> exp.Expr:
    lo, hi, count = (of.literal(index) for index in (1, 2, 3))
    if not isinstance(lo, Fraction) or not isinstance(hi, Fraction) or not isinstance(count, int):
        raise Fault("width_bucket without limits")
    width = of.parameters.bind(Type.DOUBLE, Fraction(bucket_width(lo, hi, count)))
    low, high = of.arguments[1:3]

    def bucket(value: exp.Expr) -> exp.Expr:
        steps = call("FLOOR", binary(exp.Div, binary(exp.Sub, value, low), width))
        inner = call("LEAST", binary(exp.Add, cast(steps, "BIGINT"), number(1)), number(count))
        outside = (binary(exp.LT, value, low), number(0)), (binary(exp.GTE, value, high), number(count + 1))
        return cast(choose(*outside, (negated(is_null(value)), inner)), "BIGINT")

    return of.bind(0, bucket)


def _cast(of: Operands) -> exp.Expr:
    """Casts that values can fail are tried; those of text to numbers and dates are checked afterwards."""
    (value,) = of.arguments
    source, target = of.given[0].type, of.signature.result
    if source is target:
        return value
    match target:
        case Type.DOUBLE if source is Type.TEXT:
            return finite(try_cast(value, "DOUBLE"), of.parameters)
        case Type.DATE | Type.TIMESTAMP if source is Type.TEXT:
            return within_calendar(try_cast(value, target.name), target, of.parameters)
        case Type.INTEGER | Type.BOOLEAN:
            return try_cast(value, "BIGINT" if target is Type.INTEGER else "BOOLEAN")
        case Type.TEXT:
            return cast(value, "VARCHAR") if source is not Type.TEXT else value
        case _:
            return cast(value, target.name)


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


def _cut(value: exp.Expr) -> exp.Expr:
    return call("LEFT", value, number(TEXT_LENGTH))


def _concat(of: Operands) -> exp.Expr:
    """Cut after every two, so that no text in between is long."""
    return _cut(balanced(lambda left, right: _cut(binary(exp.DPipe, left, right)), of.arguments))


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


RENDERINGS: Mapping[str, Rendering] = {
    "add": _arithmetic(exp.Add),
    "subtract": _arithmetic(exp.Sub),
    "multiply": _arithmetic(exp.Mul),
    "divide": _divide,
    "integer_divide": _integer_divide,
    "modulo": _modulo,
    "negate": _negate,
    "equal": _operator(exp.EQ),
    "not_equal": _operator(exp.NEQ),
    "less": _operator(exp.LT),
    "less_equal": _operator(exp.LTE),
    "greater": _operator(exp.GT),
    "greater_equal": _operator(exp.GTE),
    "is_null": lambda of: is_null(of.arguments[0]),
    "is_not_null": lambda of: negated(is_null(of.arguments[0])),
    "is_distinct_from": _operator(exp.NullSafeNEQ),
    "and": lambda of: every(of.arguments),
    "or": lambda of: some(of.arguments),
    "not": lambda of: negated(of.arguments[0]),
    "case": _case,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "in": _in,
    "like": _operator(exp.Like),
    "least": _function("LEAST"),
    "greatest": _function("GREATEST"),
    "clamp": _clamp,
    "abs": _abs,
    "round": _round,
    "floor": _rounding("FLOOR"),
    "ceil": _rounding("CEIL"),
    "sign": _whole("SIGN"),
    "sqrt": _sqrt,
    "ln": _finite("LN"),
    "exp": _finite("EXP"),
    "power": _finite("POWER"),
    "cast_integer": _cast,
    "cast_double": _cast,
    "cast_text": _cast,
    "cast_date": _cast,
    "cast_timestamp": _cast,
    "cast_boolean": _cast,
    "year": _whole("YEAR"),
    "quarter": _whole("QUARTER"),
    "month": _whole("MONTH"),
    "day": _whole("DAY"),
    "day_of_week": _whole("DAYOFWEEK"),
    "day_of_year": _whole("DAYOFYEAR"),
    "hour": _whole("HOUR"),
    "date_trunc": _date_trunc,
    "date_add_days": _shift("TO_DAYS", MAX_DAYS),
    "date_add_months": _shift("TO_MONTHS", MAX_MONTHS),
    "date_difference": _difference,
    "lower": _function("LOWER"),
    "upper": _function("UPPER"),
    "trim": _function("TRIM"),
    "ltrim": _function("LTRIM"),
    "rtrim": _function("RTRIM"),
    "substring": _offsets("SUBSTRING"),
    "length": _whole("LENGTH"),
    "concat": _concat,
    "starts_with": _function("STARTS_WITH"),
    "ends_with": _function("ENDS_WITH"),
    "contains": _function("CONTAINS"),
    "replace": lambda of: _cut(call("REPLACE", *of.arguments)),
    "left": _offsets("LEFT"),
    "right": _offsets("RIGHT"),
    "width_bucket": _width_bucket,
}
"""One row for each of the function table."""
