"""The functions of numbers.

Rule: total and row-local (rules 2, 15); where a range follows, sums clamp to it (rule 16)
"""

from __future__ import annotations

import math
import operator

from sandbox.plan import arithmetic, curve_ranges, meanings, ranges, sets, whole_numbers
from sandbox.plan.curve_ranges import RIGHT_ANGLE, bounded, positive, transcendental, within
from sandbox.plan.function import Function, at
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import NUMBERS, either, fixed, keeping, same, taking

INTEGER, DOUBLE = Type.INTEGER, Type.DOUBLE
NUMBER = either(fixed((INTEGER,), INTEGER), fixed((DOUBLE,), DOUBLE))
REAL = fixed((DOUBLE,), DOUBLE)
REALS = fixed((DOUBLE, DOUBLE), DOUBLE)
SINGLE = fixed((INTEGER,), INTEGER)
PAIR = fixed((INTEGER, INTEGER), INTEGER)
UNKNOWN = arithmetic.unknown

NUMBER_FUNCTIONS: tuple[Function, ...] = (
    Function("add", same(NUMBERS, 2, 2), arithmetic.add, ranges.additive(operator.add)),
    Function("subtract", same(NUMBERS, 2, 2), arithmetic.subtract, ranges.additive(operator.sub)),
    Function("multiply", same(NUMBERS, 2, 2), arithmetic.multiply, ranges.multiply),
    Function("divide", REALS, arithmetic.divide, ranges.divide),
    Function("integer_divide", fixed((INTEGER, INTEGER), INTEGER), arithmetic.integer_divide, ranges.integer_divide),
    Function("modulo", same(NUMBERS, 2, 2), arithmetic.modulo, ranges.modulo),
    Function("negate", NUMBER, arithmetic.negate, ranges.negate),
    Function("abs", NUMBER, arithmetic.absolute, ranges.absolute),
    Function(
        "round",
        either(NUMBER, keeping(NUMBERS, (INTEGER,))),
        arithmetic.rounded,
        ranges.digits_kept(arithmetic.rounded),
        literals=at(1),
        meant=meanings.digits,
        members=sets.wholes,
    ),
    Function("floor", NUMBER, arithmetic.floor, ranges.monotone(arithmetic.floor, ranges.ONE), members=sets.wholes),
    Function("ceil", NUMBER, arithmetic.ceil, ranges.monotone(arithmetic.ceil, ranges.ONE), members=sets.wholes),
    Function("sign", taking(NUMBERS, (), INTEGER), arithmetic.sign, ranges.sign),
    Function("sqrt", REAL, arithmetic.sqrt, curve_ranges.sqrt),
    Function("ln", REAL, UNKNOWN, transcendental(math.log, positive)),
    Function("exp", REAL, UNKNOWN, transcendental(math.exp)),
    Function("power", REALS, UNKNOWN, curve_ranges.power),
    Function(
        "width_bucket",
        fixed((DOUBLE, DOUBLE, DOUBLE, INTEGER), INTEGER),
        arithmetic.width_bucket,
        ranges.width_bucket,
        literals=at(1, 2, 3),
        meant=meanings.buckets,
    ),
    Function("log", REALS, UNKNOWN, transcendental(curve_ranges.logarithm, curve_ranges.based)),
    Function("log2", REAL, UNKNOWN, transcendental(math.log2, positive)),
    Function("log10", REAL, UNKNOWN, transcendental(math.log10, positive)),
    Function("cbrt", REAL, UNKNOWN, transcendental(math.cbrt)),
    Function("sin", REAL, UNKNOWN, bounded(-1, 1)),
    Function("cos", REAL, UNKNOWN, bounded(-1, 1)),
    Function("tan", REAL, UNKNOWN, transcendental(math.tan, within(-1.5, 1.5))),
    Function("cot", REAL, UNKNOWN, transcendental(curve_ranges.cotangent, curve_ranges.one_branch)),
    Function("asin", REAL, UNKNOWN, bounded(-RIGHT_ANGLE, RIGHT_ANGLE, math.asin, within(-1, 1), total=False)),
    Function("acos", REAL, UNKNOWN, bounded(0, math.pi, math.acos, within(-1, 1), total=False)),
    Function("atan", REAL, UNKNOWN, bounded(-RIGHT_ANGLE, RIGHT_ANGLE, math.atan)),
    Function("atan2", REALS, UNKNOWN, bounded(-math.pi, math.pi)),
    Function("sinh", REAL, UNKNOWN, transcendental(math.sinh)),
    Function("cosh", REAL, UNKNOWN, curve_ranges.even(transcendental(math.cosh))),
    Function("tanh", REAL, UNKNOWN, bounded(-1, 1, math.tanh)),
    Function("asinh", REAL, UNKNOWN, bounded(-711, 711, math.asinh)),
    Function("acosh", REAL, UNKNOWN, bounded(0, 711, math.acosh, within(1, math.inf), total=False)),
    Function("atanh", REAL, UNKNOWN, transcendental(math.atanh, lambda box: box[0] > -1 and box[1] < 1)),
    Function("degrees", REAL, arithmetic.scaled(180 / math.pi), transcendental(math.degrees)),
    Function("radians", REAL, arithmetic.scaled(math.pi / 180), transcendental(math.radians)),
    Function(
        "trunc",
        either(NUMBER, keeping(NUMBERS, (INTEGER,))),
        arithmetic.truncate,
        ranges.digits_kept(arithmetic.truncate),
        literals=at(1),
        meant=meanings.digits,
        members=sets.wholes,
    ),
    Function(
        "round_even",
        fixed((DOUBLE, INTEGER), DOUBLE),
        arithmetic.rounded_half_even,
        ranges.digits_kept(arithmetic.rounded_half_even),  # type: ignore[arg-type]
        literals=at(1),
        meant=meanings.digits,
        members=sets.wholes,
    ),
    Function("even", REAL, arithmetic.next_even, ranges.monotone(arithmetic.next_even, ranges.ONE)),  # type: ignore[arg-type]
    Function("gcd", PAIR, whole_numbers.greatest_divisor, whole_numbers.divisor_range, work=512),
    Function("lcm", PAIR, whole_numbers.least_multiple, whole_numbers.multiple_range, work=512),
    Function("factorial", SINGLE, whole_numbers.factorial, whole_numbers.factorial_range),
    Function("bit_count", SINGLE, whole_numbers.bit_count, ranges.constant(0, whole_numbers.BITS)),
    Function("bit_and", PAIR, operator.and_, whole_numbers.bits_range),
    Function("bit_or", PAIR, operator.or_, whole_numbers.bits_range),
    Function("bit_xor", PAIR, operator.xor, whole_numbers.bits_range),
    Function("bit_not", SINGLE, operator.invert, whole_numbers.complement_range),
    Function("shift_left", PAIR, whole_numbers.shift_left, whole_numbers.shift_left_range),
    Function("shift_right", PAIR, whole_numbers.shift_right, whole_numbers.shift_right_range),
)
"""Rows of the function table."""
