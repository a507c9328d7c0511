"""The page docs/functions.md, made from the function table: `python -m tests.support.function_page` writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from fractions import Fraction
from itertools import product
from pathlib import Path

from sandbox.errors import Refusal
from sandbox.plan.expressions import call_cost
from sandbox.plan.functions import FUNCTIONS, evaluate, resolve
from sandbox.plan.nodes import Call, Literal, Ref, Scalar, Type
from sandbox.plan.number_functions import NUMBER_FUNCTIONS
from sandbox.plan.signatures import VALUES
from sandbox.plan.text_functions import TEXT_FUNCTIONS
from sandbox.plan.time_functions import TIME_FUNCTIONS
from sandbox.plan.value_functions import VALUE_FUNCTIONS
from sandbox.plan.values import Values, of_members
from tests.support.function_examples import EXAMPLES
from tests.support.function_literals import literal_choices

PAGE = Path(__file__).parents[2] / "docs" / "functions.md"
GROUPS = {
    "Numbers": NUMBER_FUNCTIONS,
    "Any values": VALUE_FUNCTIONS,
    "Dates and timestamps": TIME_FUNCTIONS,
    "Texts": TEXT_FUNCTIONS,
}
HEAD = """# The scalar functions

Made from the function table by `python -m tests.support.function_page`; a test keeps it so. A function that is not
here does not exist. Every function is total: it raises on no value, and where it has none its result is NULL. A NULL
argument gives NULL unless SQL says otherwise.

*Result* is what is known of the result when nothing is known of the arguments but that they are there; *of narrow
arguments*, when whole numbers lie in 1 to 10, numbers in 1 to 10 on a grid of 1/8, dates and timestamps in 2024.
`step` is the grid on which the values are summed. A range that no rule gives is "any": write `clamp(x, lo, hi)` to sum
it. *Cost* is of one row, in row operations, of which the time class of an answer is made.

The examples are over `persons p JOIN visits v`: `birth_year` and `income` are numbers, `日期` is a date, `科室` a
text, `emergency` true or false.
"""
NARROW: dict[Type, Values] = {
    Type.BOOLEAN: Values(Type.BOOLEAN, nullable=False),
    Type.INTEGER: Values(Type.INTEGER, False, 1, 10, Fraction(1)),
    Type.DOUBLE: Values(Type.DOUBLE, False, Fraction(1), Fraction(10), Fraction(1, 8)),
    Type.TEXT: Values(Type.TEXT, nullable=False),
    Type.DATE: Values(Type.DATE, False, date(2024, 1, 1), date(2024, 12, 31)),
    Type.TIMESTAMP: Values(
        Type.TIMESTAMP, False, datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2024-12-31T23:59:59")
    ),
}


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    for title, rows in GROUPS.items():
        yield f"## {title}\n"
        yield "| function | arguments → result | result | of narrow arguments | cost | example |"
        yield "|---|---|---|---|---|---|"
        for row in rows:
            yield f"| {' | '.join(map(_cell, _row(row.name)))} |"
        yield ""


def _row(name: str) -> tuple[str, ...]:
    found = list(signatures(name))
    kinds: dict[str, None] = {}
    for types in found:
        signature = resolve(name, types)
        if signature.parameters == types:
            kinds[f"{', '.join(types)} → {signature.result}"] = None
    types = found[-1] if name not in ("round", "trunc") else found[0]
    loose, narrow = (_known(name, types, given) for given in (_loose, NARROW.__getitem__))
    return f"`{name}`", "; ".join(kinds), loose, narrow, str(function_cost(name)), f"`{EXAMPLES[name]}`"


def signatures(name: str) -> Iterator[tuple[Type, ...]]:
    """The argument types that the function takes, in the fewest arguments."""
    special = {
        "make_timestamp": (*(Type.INTEGER,) * 5, Type.DOUBLE),
        "width_bucket": (Type.DOUBLE, Type.DOUBLE, Type.DOUBLE, Type.INTEGER),
    }
    if name in special:
        yield special[name]
        return
    for count in (1, 2, 3):
        any_ = False
        for types in product(VALUES, repeat=count):
            try:
                resolve(name, types)
            except Refusal:
                continue
            any_ = True
            yield types
        if any_:
            return


def function_cost(name: str) -> int:
    """Of one row, of the arguments that its row of the page is about."""
    found = list(signatures(name))
    return _cost(name, found[-1] if name not in ("round", "trunc") else found[0])


def _loose(type_: Type) -> Values:
    return Values(type_, nullable=False)


def _known(name: str, types: tuple[Type, ...], given: Callable[[Type], Values]) -> str:
    signature = resolve(name, types)
    places = sorted(FUNCTIONS[name].literals(len(types)))
    chosen = literal_choices(name, types)[0] if places and name != "in" else ()
    fixed = dict(zip(places, chosen, strict=False))
    arguments = tuple(
        of_members(type_, [_stored(type_, fixed[place])], nullable=False) if place in fixed else given(type_)
        for place, type_ in enumerate(types)
    )
    return _words(evaluate(name, signature, arguments, 1000)[0])


def _cost(name: str, types: tuple[Type, ...]) -> int:
    """Of one row, the literals where they must be."""
    places = FUNCTIONS[name].literals(len(types))
    arguments = tuple(Literal(type_, None) if place in places else Ref("c1") for place, type_ in enumerate(types))
    return call_cost(Call(name, arguments), resolve(name, types))


def _stored(type_: Type, value: Scalar) -> Scalar:
    return Fraction(value) if type_ is Type.DOUBLE and isinstance(value, int) else value


def _words(values: Values) -> str:
    """What is known of values, in words."""
    end = ", or NULL" if values.nullable else ""
    if values.type is Type.BOOLEAN:
        return "true or false" + end
    shown = [str(one) for one in values.members or ()]
    if 0 < len(shown) <= 12 and values.lo is None and all(map(str.isalpha, shown)):
        return "one of " + ", ".join(shown) + end
    if values.lo is None or values.hi is None:
        return (f"one of {len(values.members)}" if values.members is not None else "any") + end
    step = f", step {_number(values.granularity)}" if values.granularity and values.type is Type.DOUBLE else ""
    return f"{_number(values.lo)} to {_number(values.hi)}{step}{end}"


def _number(value: object) -> str:
    if not isinstance(value, Fraction):
        return str(value)
    if value.numerator == 1 and value.denominator > 1 and value.denominator & (value.denominator - 1) == 0:
        power = value.denominator.bit_length() - 1
        return f"1/{value.denominator}" if power < 8 else f"2^-{power}"
    return f"{float(value):.6g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|") if text.startswith("`") else text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
