"""How DuckDB computes the functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from sqlglot import exp

from sandbox.engines.operands import (
    Operands,
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
    own,
    try_cast,
    wrap,
)
from sandbox.engines.renderings import Rendering, finite_function, function, operator, whole
from sandbox.errors import Fault
from sandbox.plan.arithmetic import bucket_width
from sandbox.plan.nodes import Type
from sandbox.plan.ranges import span
from sandbox.plan.values import INTEGER_HI, INTEGER_LO, Values
from sandbox.plan.whole_numbers import BITS, LAST_FACTORIAL


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


def _guarded(name: str, lo: float, hi: float) -> Rendering:
    """A function that has no value outside two limits, whatever range its values have."""

    def render(of: Operands) -> exp.Expr:
        found = span(of.given[0])
        value = call(name, of.arguments[0])
        return value if found is not None and lo <= found[0] and found[1] <= hi else finite(value, of.parameters)

    return render


def _digits(name: str) -> Rendering:
    """A rounding to a number of digits; without one, to whole numbers."""

    def render(of: Operands) -> exp.Expr:
        value, *digits = of.arguments
        if of.whole and not digits:
            return value
        return call(name, value, *(cast(one, "INTEGER") for one in digits))

    return render


def _logarithm(base: int) -> Rendering:
    """To one of the bases that have a function of their own, which sqlglot knows as one node."""
    return lambda of: of.finite(exp.Log(this=number(base), expression=own(of.arguments[0])))


def _wide_pair(name: str) -> Rendering:
    """A function of two integers that may go beyond 64 bits."""
    return lambda of: _narrow(call(name, *map(_wide, of.arguments)))


def _factorial(of: Operands) -> exp.Expr:
    last = number(LAST_FACTORIAL)

    def product(value: exp.Expr) -> exp.Expr:
        near = call("GREATEST", call("LEAST", value, last), number(0))
        found = cast(call("FACTORIAL", cast(near, "INTEGER")), "BIGINT")
        return choose((between(value, number(0), last), found))

    return of.bind(0, product)


def _shift_left(of: Operands) -> exp.Expr:
    """A product with a power of two, since the engine raises where a shift overflows."""

    def shifted(value: exp.Expr, steps: exp.Expr) -> exp.Expr:
        near = call("GREATEST", call("LEAST", steps, number(BITS - 1)), number(0))
        power = binary(exp.BitwiseLeftShift, cast(number(1), "HUGEINT"), _wide(near))
        positive = every([binary(exp.GTE, one, number(0)) for one in (value, steps)])
        return choose((positive, _narrow(binary(exp.Mul, _wide(value), power))))

    return of.bind(0, lambda value: of.bind(1, lambda steps: shifted(value, steps)))


NUMBER_RENDERINGS: Mapping[str, Rendering] = {
    "add": _arithmetic(exp.Add),
    "subtract": _arithmetic(exp.Sub),
    "multiply": _arithmetic(exp.Mul),
    "divide": _divide,
    "integer_divide": _integer_divide,
    "modulo": _modulo,
    "negate": _negate,
    "abs": _abs,
    "round": _round,
    "floor": _rounding("FLOOR"),
    "ceil": _rounding("CEIL"),
    "sign": whole("SIGN"),
    "sqrt": _sqrt,
    "ln": finite_function("LN"),
    "exp": finite_function("EXP"),
    "power": finite_function("POWER"),
    "width_bucket": _width_bucket,
    "log": finite_function("LOG"),
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "cbrt": function("CBRT"),
    "sin": function("SIN"),
    "cos": function("COS"),
    "tan": finite_function("TAN"),
    "cot": finite_function("COT"),
    "asin": _guarded("ASIN", -1, 1),
    "acos": _guarded("ACOS", -1, 1),
    "atan": function("ATAN"),
    "atan2": function("ATAN2"),
    "sinh": finite_function("SINH"),
    "cosh": finite_function("COSH"),
    "tanh": function("TANH"),
    "asinh": function("ASINH"),
    "acosh": _guarded("ACOSH", 1, math.inf),
    "atanh": finite_function("ATANH"),
    "degrees": finite_function("DEGREES"),
    "radians": function("RADIANS"),
    "trunc": _digits("TRUNC"),
    "round_even": _digits("ROUND_EVEN"),
    "even": function("EVEN"),
    "gcd": _wide_pair("GCD"),
    "lcm": _wide_pair("LCM"),
    "factorial": _factorial,
    "bit_count": whole("BIT_COUNT"),
    "bit_and": operator(exp.BitwiseAnd),
    "bit_or": operator(exp.BitwiseOr),
    "bit_xor": operator(exp.BitwiseXor),
    "bit_not": lambda of: exp.BitwiseNot(this=wrap(of.arguments[0])),
    "shift_left": _shift_left,
    "shift_right": operator(exp.BitwiseRightShift),
}
"""One row for each of the function table."""
