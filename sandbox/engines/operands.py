"""The pieces that renderings are made of: sqlglot nodes that read back as the tree they were built from.

sqlglot's builders drop parentheses, so every operand that is not a column, a parameter or a call is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

from sqlglot import exp

from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.ranges import span
from sandbox.plan.signatures import Signature
from sandbox.plan.values import CALENDAR, Values

SQL_TYPES = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INTEGER: "BIGINT",
    Type.DOUBLE: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.UNIT: "BIGINT",
    Type.PRESENCE: "BIGINT",
}


class Parameters:
    """The bound parameters of one statement and the fresh names of its lambdas and relations."""

    def __init__(self) -> None:
        self.values: list[Scalar] = []
        self._numbers = count(1)

    def bind(self, type_: Type, value: Scalar) -> exp.Expr:
        """The next parameter, cast to its type."""
        self.values.append(value)
        return cast(exp.Placeholder(this=str(len(self.values))), SQL_TYPES[type_])

    def statement(self, tree: exp.Expr) -> tuple[str, tuple[Scalar, ...]]:
        """The text of a finished statement and its parameters; those that no rendering used are left out."""
        places = [(parameter, int(parameter.this)) for parameter in tree.find_all(exp.Placeholder)]
        used = sorted({place for _, place in places})
        order = {place: number for number, place in enumerate(used, 1)}
        for parameter, place in places:
            parameter.set("this", str(order[place]))
        return tree.sql("duckdb", copy=False), tuple(self.values[place - 1] for place in used)

    def fresh(self, prefix: str) -> str:
        """A name that the statement does not use yet, nor any plan: those begin with a letter."""
        return f"_{prefix}{next(self._numbers)}"


@dataclass(frozen=True, slots=True)
class Operands:
    """A call to render: converted arguments, and what is known of them and of the result."""

    arguments: tuple[exp.Expr, ...]
    signature: Signature
    given: tuple[Values, ...]
    result: Values
    parameters: Parameters

    @property
    def whole(self) -> bool:
        """Whether the result is an INTEGER."""
        return self.signature.result is Type.INTEGER

    def bind(self, index: int, build: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
        """`build` over an argument that it may use more than once."""
        return shared(self.arguments[index], self.parameters, build)

    def finite(self, value: exp.Expr) -> exp.Expr:
        """The value, NULL where it is not finite; as it is where the range proves it finite.

        For functions that have a value wherever their range is known.
        """
        return value if span(self.result) is not None else finite(value, self.parameters)

    def literal(self, index: int) -> Scalar:
        """The value of a literal argument."""
        members = self.given[index].members
        return members[0] if members else None


def own(expression: exp.Expr) -> exp.Expr:
    """The expression, or a copy where it already stands somewhere."""
    return expression if expression.parent is None else expression.copy()


def wrap(expression: exp.Expr) -> exp.Expr:
    """The expression as an operand."""
    expression = own(expression)
    atomic = (exp.Column, exp.Identifier, exp.Placeholder, exp.Func, exp.Paren, exp.Literal, exp.Null)
    if isinstance(expression, atomic) and not isinstance(expression, (exp.And, exp.Or, exp.Xor, exp.Case)):
        return expression
    return exp.Paren(this=expression)


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[own(argument) for argument in arguments])


def number(value: int) -> exp.Expr:
    """A whole number that no analyst chose."""
    literal = exp.Literal.number(abs(value))
    return literal if value >= 0 else exp.Paren(this=exp.Neg(this=literal))


def binary(node: type[exp.Binary], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return node(this=wrap(left), expression=wrap(right))


def balanced(node: Callable[[exp.Expr, exp.Expr], exp.Expr], terms: Sequence[exp.Expr]) -> exp.Expr:
    """An associative operator over many terms, as shallow as can be."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return node(balanced(node, terms[:middle]), balanced(node, terms[middle:]))


def every(terms: Sequence[exp.Expr]) -> exp.Expr:
    """All of the terms."""
    return balanced(lambda left, right: binary(exp.And, left, right), terms)


def some(terms: Sequence[exp.Expr]) -> exp.Expr:
    """At least one of the terms."""
    return balanced(lambda left, right: binary(exp.Or, left, right), terms)


def in_order(value: exp.Expr, terms: Sequence[exp.Expr]) -> exp.Expr:
    """The argument of an aggregate that takes it in this order; where one row is all there is, there is none."""
    return exp.Order(this=value, expressions=list(terms)) if terms else value


def cast(expression: exp.Expr, type_: str) -> exp.Expr:
    return exp.Cast(this=own(expression), to=_data_type(type_).copy())


def try_cast(expression: exp.Expr, type_: str) -> exp.Expr:
    return exp.TryCast(this=own(expression), to=_data_type(type_).copy(), requires_string=False)


@cache
def _data_type(name: str) -> exp.DataType:
    """Read once: it is read as SQL is."""
    return exp.DataType.build(name, dialect="duckdb")


def choose(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Expr:
    """CASE WHEN … THEN … ELSE … END."""
    ifs = [exp.If(this=wrap(condition), true=wrap(value)) for condition, value in branches]
    return exp.Case(ifs=ifs, default=None if default is None else wrap(default))


def is_null(expression: exp.Expr) -> exp.Expr:
    return exp.Is(this=wrap(expression), expression=exp.Null())


def negated(expression: exp.Expr) -> exp.Expr:
    return exp.Not(this=wrap(expression))


def shared(value: exp.Expr, parameters: Parameters, build: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """`build` over a value that is written, and evaluated, once: an atom as it is, anything else bound by a lambda."""
    atom = value.this if isinstance(value, exp.Cast) else value
    if isinstance(atom, (exp.Column, exp.Identifier, exp.Placeholder)):
        return build(value)
    name = exp.to_identifier(parameters.fresh("x"))
    body = exp.Lambda(this=build(name), expressions=[name.copy()])
    return call("LIST_EXTRACT", call("LIST_TRANSFORM", exp.Array(expressions=[value]), body), number(1))


def finite(value: exp.Expr, parameters: Parameters) -> exp.Expr:
    """The value, NULL where it is not finite."""
    return shared(value, parameters, lambda one: choose((call("ISFINITE", one), one)))


def limited(value: exp.Expr, lo: exp.Expr, hi: exp.Expr) -> exp.Expr:
    """The value between two limits; NULL becomes one of them."""
    return call("LEAST", call("GREATEST", value, lo), hi)


def between(value: exp.Expr, lo: exp.Expr, hi: exp.Expr) -> exp.Expr:
    return exp.Between(this=wrap(value), low=wrap(lo), high=wrap(hi))


def within_calendar(value: exp.Expr, type_: Type, parameters: Parameters) -> exp.Expr:
    """A date or timestamp, NULL outside the years 1 to 9999."""
    lo, hi = (parameters.bind(type_, end) for end in CALENDAR[type_])
    return shared(value, parameters, lambda one: choose((between(one, lo, hi), one)))
