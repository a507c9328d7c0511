"""What is known of exact aggregates inside a group and of window functions: values, fixed-point grids (design §4.3).

Nothing here was read off the data: a result's range follows from the argument's range and the most rows there can be.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, isqrt

from sandbox.errors import Refusal
from sandbox.plan.checked import Folded, Grid
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.nodes import Fold, Type, Windowed
from sandbox.plan.ranges import LONG, finer, grid, known, span
from sandbox.plan.signatures import NUMBERS, VALUES
from sandbox.plan.values import Values, of_literal
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction

EXACT = 2**53
"""Every whole number up to this is a 64-bit floating point number."""
SQUARES = 2**63
"""The most that the grid steps of a group may add up to where they are squared: squares stay below 2¹²⁶ (rule 27)."""
ORDERED = (Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE, Type.TIMESTAMP)
SPREADS = {
    FoldFunction.VAR_POP: Fraction(1, 4),
    FoldFunction.VAR_SAMP: Fraction(1, 2),
    FoldFunction.STDDEV_POP: Fraction(1, 4),
    FoldFunction.STDDEV_SAMP: Fraction(1, 2),
}
"""The largest variance, as a share of the squared width of the range."""
ROOTS = (FoldFunction.STDDEV_POP, FoldFunction.STDDEV_SAMP)
QUANTILES = (FoldFunction.QUANTILE_CONT, FoldFunction.QUANTILE_DISC)
COUNTS = (FoldFunction.ROWS, FoldFunction.DISTINCT)
FRAMED = {
    WindowFunction.ROWS: FoldFunction.ROWS,
    WindowFunction.SUM: FoldFunction.SUM,
    WindowFunction.AVG: FoldFunction.AVG,
    WindowFunction.MIN: FoldFunction.MIN,
    WindowFunction.MAX: FoldFunction.MAX,
}
"""Window functions that are folds of the rows in a frame."""
PICKED = (WindowFunction.FIRST_VALUE, WindowFunction.LAST_VALUE, WindowFunction.NTH_VALUE)
SHIFTED = (WindowFunction.LAG, WindowFunction.LEAD)
NUMBERED = {
    WindowFunction.NTILE: 1,
    WindowFunction.LAG: 0,
    WindowFunction.LEAD: 0,
    WindowFunction.NTH_VALUE: 1,
}
"""Functions with a number, and its least value."""
PLACES = (WindowFunction.ROW_NUMBER, WindowFunction.RANK, WindowFunction.DENSE_RANK)
SHARES = (WindowFunction.PERCENT_RANK, WindowFunction.CUME_DIST)
DISTANCES = (Type.INTEGER, Type.DATE)
"""Of an order by whose one value a RANGE frame may count."""


def fold_cost(fold: Fold, rows: int) -> int:
    """What a fold costs for one row: two, and a sort where it needs one. Unit: row operations."""
    sorts = fold.function in (FoldFunction.FIRST, FoldFunction.DISTINCT, *QUANTILES)
    return 2 + (rows.bit_length() if sorts else 0)


def window_cost(windowed: Windowed, rows: int) -> int:
    """What a window function costs for one row: a sort, and a search in its frame. Unit: row operations."""
    return 2 * (1 + rows.bit_length()) * (2 if windowed.frame is not None else 1)


def folded(fold: Fold, argument: Values | None, rows: int, *, private: bool) -> Folded:
    """A fold of at most so many rows. Inside a unit every sum is taken on a grid.

    Refuses: `plan.type`, `plan.unit_value`, `plan.unbounded_sum`, `plan.overflow`, `plan.invalid`.
    """
    function = fold.function
    wants = function is not FoldFunction.ROWS
    if (argument is None and wants) or (fold.fraction is not None) != (function in QUANTILES):
        raise Refusal("plan.invalid", {"what": f"the parts of {function}"}, subject=fold.name)
    if fold.fraction is not None and not 0 <= fold.fraction <= 1:
        raise Refusal("plan.invalid", {"what": "a quantile outside 0..1"}, subject=fold.name)
    if fold.order and function is not FoldFunction.FIRST:
        raise Refusal("plan.invalid", {"what": f"an order of {function}"}, subject=fold.name)
    subject = f"{fold.name}.argument"
    _typed(function, argument, subject)
    sure = fold.filter is None
    return _fold(function, argument, rows, private=private, sure=sure, subject=subject)


def windowed(
    window: Windowed, argument: Values | None, terms: tuple[Values, ...], rows: int, *, private: bool
) -> Folded:
    """A window function over a partition of at most so many rows; `terms` are the values that it is ordered by.

    Refuses: as `folded`.
    """
    function = window.function
    subject = f"{window.name}.argument"
    _shape(window, argument, terms)
    match function:
        case _ if function in PLACES:
            return Folded(Values(Type.INTEGER, nullable=False, lo=1, hi=max(1, rows), granularity=Fraction(1)), None)
        case _ if function in SHARES:
            share = known(Type.DOUBLE, (0, 1), nullable=False, granularity=grid(0, 1))
            return Folded(share, None)
        case WindowFunction.NTILE:
            tiles = min(window.number or 1, max(1, rows))
            return Folded(Values(Type.INTEGER, nullable=False, lo=1, hi=tiles, granularity=Fraction(1)), None)
    if argument is not None and argument.type not in VALUES:
        raise Refusal("plan.unit_value", {"function": function}, subject=subject)
    if function in PICKED and argument is not None:
        return Folded(replace(argument, nullable=True, per_unit=False), None)
    if function in SHIFTED and argument is not None:
        return Folded(_shifted(window, argument, subject), None)
    _typed(FRAMED[function], argument, subject)
    return _fold(FRAMED[function], argument, rows, private=private, sure=False, subject=subject)


def _shape(window: Windowed, argument: Values | None, terms: tuple[Values, ...]) -> None:
    """Refuses `plan.invalid` where a part is missing or one too many, or where a frame cannot be."""
    function = window.function
    takes = function in PICKED or function in SHIFTED or function in FRAMED
    needs = takes and function is not WindowFunction.ROWS
    framed = function in PICKED or function in FRAMED
    least = NUMBERED.get(function)
    fits = (
        (argument is None or takes)
        and (argument is not None or not needs)
        and (window.frame is not None) == framed
        and (window.filter is None or function in FRAMED)
        and (window.default is None or function in SHIFTED)
        and (window.number is None if least is None else window.number is not None and window.number >= least)
    )
    match window.frame:
        case Frame(unit, start, end):
            fits = fits and (start is None or end is None or start <= end)
            fits = fits and (unit is not FrameUnit.GROUPS or bool(terms))
            distance = unit is FrameUnit.RANGE and bool(start or end)
            fits = fits and (not distance or (len(terms) == 1 and terms[0].type in DISTANCES))
    if not fits:
        raise Refusal("plan.invalid", {"what": f"the parts of {function}"}, subject=window.name)


def _shifted(window: Windowed, argument: Values, subject: str) -> Values:
    """Those of the argument and of the default."""
    default = window.default
    if default is None or default.value is None:
        return replace(argument, nullable=True, per_unit=False)
    if default.type is not argument.type:
        raise Refusal(
            "plan.type", {"function": window.function, "types": f"{argument.type}, {default.type}"}, subject=subject
        )
    other = of_literal(default)
    lo, hi = (argument.lo, other.lo), (argument.hi, other.hi)
    ends = (None, None) if None in (*lo, *hi) else (min(lo), max(hi))  # type: ignore[type-var]
    bytes_ = max(argument.text_bytes, other.text_bytes)
    return Values(argument.type, argument.nullable, *ends, finer((argument, other)), text_bytes=bytes_)


def _typed(function: FoldFunction, argument: Values | None, subject: str) -> None:
    """Refuses `plan.type`, `plan.unit_value` where the argument's type is none that the function takes."""
    if argument is None:
        return
    if argument.type not in VALUES:
        raise Refusal("plan.unit_value", {"function": function}, subject=subject)
    match function:
        case FoldFunction.ALL | FoldFunction.ANY:
            allowed: tuple[Type, ...] = (Type.BOOLEAN,)
        case FoldFunction.ROWS | FoldFunction.DISTINCT | FoldFunction.FIRST:
            allowed = tuple(VALUES)
        case FoldFunction.MIN | FoldFunction.MAX | FoldFunction.QUANTILE_DISC:
            allowed = ORDERED
        case _:
            allowed = tuple(NUMBERS)
    if argument.type not in allowed or (argument.members == () and function not in COUNTS):
        types = "NULL" if argument.members == () else argument.type
        raise Refusal("plan.type", {"function": function, "types": types}, subject=subject)


def _fold(
    function: FoldFunction, argument: Values | None, rows: int, *, private: bool, sure: bool, subject: str
) -> Folded:
    """`sure`: whether every row of the group counts, so that only a NULL argument makes a NULL result."""
    rows = max(1, rows)
    if argument is None or function in COUNTS:
        distinct = argument is not None and argument.members is not None and function is FoldFunction.DISTINCT
        most = min(rows, len(argument.members)) if distinct and argument and argument.members is not None else rows
        return Folded(Values(Type.INTEGER, nullable=False, lo=0, hi=most, granularity=Fraction(1)), None)
    nullable = argument.nullable or not (sure and private)
    match function:
        case FoldFunction.ALL | FoldFunction.ANY:
            return Folded(Values(Type.BOOLEAN, nullable), None)
        case FoldFunction.MIN | FoldFunction.MAX | FoldFunction.QUANTILE_DISC | FoldFunction.FIRST:
            return Folded(replace(argument, nullable=nullable, per_unit=False), None)
        case FoldFunction.QUANTILE_CONT:
            return Folded(_spread(span(argument), nullable=nullable), None)
        case FoldFunction.SUM if argument.type is Type.INTEGER:
            ends = span(argument)
            total = None if ends is None else (min(ends[0], rows * ends[0]), max(ends[1], rows * ends[1]))
            return Folded(known(Type.INTEGER, total, nullable=nullable or total is None), None)
        case FoldFunction.AVG if argument.type is Type.INTEGER:
            return Folded(_spread(span(argument), nullable=nullable), None)
        case FoldFunction.SUM | FoldFunction.AVG:
            return _summed(function, argument, rows, private=private, nullable=nullable, subject=subject)
        case _:
            return _varied(function, argument, rows, private=private, subject=subject)


def _spread(ends: tuple[int | Fraction, int | Fraction] | None, *, nullable: bool) -> Values:
    """Real numbers between the ends."""
    if ends is None:
        return Values(Type.DOUBLE)
    return known(Type.DOUBLE, ends, nullable=nullable, granularity=grid(*ends))


def _summed(
    function: FoldFunction, argument: Values, rows: int, *, private: bool, nullable: bool, subject: str
) -> Folded:
    if not private:
        return Folded(Values(Type.DOUBLE), None)
    fixed = _grid(function, argument, EXACT, subject)
    lo, hi = fixed.low * fixed.step, fixed.high * fixed.step
    if function is FoldFunction.AVG:
        return Folded(_spread((lo, hi), nullable=nullable), fixed)
    total = min(lo, rows * lo), max(hi, rows * hi)
    return Folded(known(Type.DOUBLE, total, nullable=nullable, granularity=fixed.step), fixed)


def _varied(function: FoldFunction, argument: Values, rows: int, *, private: bool, subject: str) -> Folded:
    if not private:
        return Folded(Values(Type.DOUBLE), None)
    fixed = _grid(function, argument, min(EXACT, SQUARES // rows) // 2, subject)
    most = SPREADS[function] * ((fixed.high - fixed.low) * fixed.step) ** 2
    if function in ROOTS:
        most = Fraction(isqrt(ceil(most * 2**60)) + 1, 2**30)
    if most.numerator.bit_length() + most.denominator.bit_length() > LONG:
        raise Refusal("plan.overflow", {"aggregate": function}, subject=subject)
    return Folded(_spread((0, most), nullable=True), fixed)


def _grid(function: FoldFunction, argument: Values, most: int, subject: str) -> Grid:
    """The argument's own grid, else a power of two below 2⁻³⁰ of its range; coarser until no value has `most` steps.

    Refuses: `plan.unbounded_sum`, `plan.overflow`.
    """
    ends = span(argument)
    if ends is None:
        raise Refusal("plan.unbounded_sum", {"aggregate": function}, subject=subject)
    lo, hi = Fraction(ends[0]), Fraction(ends[1])
    step = Fraction(1) if argument.type is Type.INTEGER else argument.granularity
    if step is None or ceil(lo / step) > floor(hi / step) or max(step.numerator, step.denominator) >= EXACT:
        step = grid(lo, hi) if lo != hi else abs(lo) or Fraction(1)
    while max(abs(ceil(lo / step)), abs(floor(hi / step))) >= most:
        step *= 2
    low, high = ceil(lo / step), floor(hi / step)
    if low > high or max(step.numerator, step.denominator).bit_length() > 1000:
        raise Refusal("plan.overflow", {"aggregate": function}, subject=subject)
    if argument.type is Type.INTEGER and step != 1:
        raise Refusal("plan.overflow", {"aggregate": function}, subject=subject)
    return Grid(step, low, high)
