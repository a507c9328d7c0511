"""Scalar expressions: the parser's nodes to calls of the function table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from query_gateway.sql import literals
from query_gateway.sql.aggregates import AGGREGATES
from query_gateway.sql.forms import simpler
from query_gateway.sql.functions import CALLS, CASTS, INTERVALS, NAMED, PARTS
from query_gateway.sql.state import State
from sandbox.errors import Refusal
from sandbox.plan.expressions import meaningful
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.nodes import Call, Expression, Literal, Type
from sandbox.plan.signatures import Signature

_TIMES = (Type.DATE, Type.TIMESTAMP)
_GUESSES = (Type.INTEGER, Type.TEXT, Type.BOOLEAN, Type.DATE, Type.TIMESTAMP, Type.DOUBLE)


@dataclass(frozen=True, slots=True)
class Typed:
    """A lowered expression."""

    expression: Expression
    type: Type | None
    """None: a NULL that takes its type from where it stands."""
    size: int
    """Nodes, every use of a shared part counted."""


_WRITTEN = (Type.BOOLEAN, Type.INTEGER, Type.DOUBLE, Type.DATE, Type.TIMESTAMP)


class Context(Protocol):
    """Where an expression stands: what its columns are, and which nodes mean something of their own there."""

    def column(self, node: exp.Column) -> Typed: ...

    def special(self, node: exp.Expr) -> Typed | None: ...


class Scalars:
    """Lowers expressions in one context."""

    def __init__(self, state: State, context: Context) -> None:
        self._state = state
        self._context = context

    def predicate(self, node: exp.Expr) -> Typed:
        """A condition. Refuses `plan.type` when it is not BOOLEAN."""
        found = self.lower(node)
        if found.type is None:
            return Typed(Literal(Type.BOOLEAN, None), Type.BOOLEAN, 1)
        if found.type in (Type.UNIT, Type.PRESENCE):
            raise self._state.refuse("sql.unit_value", node)
        if found.type is not Type.BOOLEAN:
            raise self._state.refuse("plan.type", node, function="condition", types=found.type)
        return found

    def lower(self, node: exp.Expr) -> Typed:
        """The node in the plan language. Refuses what has no meaning there, with its place."""
        self._state.spend()
        special = self._context.special(node)
        if special is not None:
            return special
        kind = CALLS.get(type(node))
        match node:
            case exp.Paren():
                return self.lower(node.this)
            case exp.Column():
                return self._context.column(node)
            case exp.Add() | exp.Sub() | exp.DateAdd() if isinstance(node.expression, exp.Interval):
                return self._moved(node)
            case exp.Add() | exp.Sub():
                return self._sum(node)
            case exp.And() | exp.Or():
                return self._chain(node)
            case exp.Is():
                return self._is(node)
            case exp.Case():
                return self._case(node)
            case exp.If():
                return self.call("case", self._each((node.this, node.args["true"], node.args.get("false"))), node)
            case exp.Literal() | exp.Boolean() | exp.Null():
                return self._constant(node)
            case exp.Cast():
                return self._cast(node)
            case _ if kind is not None:
                return self.call(kind.function, self._each(_parts(node, kind.arguments)), node)
            case _:
                return self._form(node)

    def _form(self, node: exp.Expr) -> Typed:
        try:
            other = simpler(node)
        except ValueError:
            raise self._state.refuse("plan.type", node, function=node.name or node.key, types="this number") from None
        if other is not None:
            return self.lower(other)
        match node:
            case exp.Between():
                value = self.lower(node.this)
                self._state.spend(value.size)
                ends = self.lower(node.args["low"]), self.lower(node.args["high"])
                above = self.call("greater_equal", (value, ends[0]), node)
                return self.call("and", (above, self.call("less_equal", (value, ends[1]), node)), node)
            case exp.In() if node.args.get("query") is None and not node.find(exp.Values):
                return self.call("in", self._each((node.this, *node.expressions)), node)
            case exp.Like() | exp.ILike():
                return self._like(node)
            case exp.NullSafeEQ():
                return self.call("not", (self.call("is_distinct_from", self._operands(node), node),), node)
            case exp.DPipe():
                return self.call("concat", self._texts((node.this, node.expression), node), node)
            case exp.Concat():
                empty = Typed(Literal(Type.TEXT, ""), Type.TEXT, 1)
                parts = [self.call("coalesce", (part, empty), node) for part in self._texts(node.expressions, node)]
                return self.call("concat", parts, node)
            case exp.Trim():
                side = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.args.get("position") or "", "trim")
                return self.call(side, self._each(_parts(node, ("this", "expression"))), node)
            case exp.Pad():
                parts = self._each((node.this, node.args["expression"], node.args.get("fill_pattern")))
                return self.call("lpad" if node.args.get("is_left") else "rpad", parts, node)
            case exp.TimeToStr():
                return self._formatted(node)
            case exp.DateBin():
                return self._bucket(node)
            case exp.UnixToTime() if node.args.get("scale") is not None and node.args["scale"].name == "3":
                return self.call("epoch_ms", (self.lower(node.this),), node)
            case exp.Extract():
                return self._part(node.name, self.lower(node.expression), node)
            case exp.TimestampTrunc():
                return self.call("date_trunc", (self._unit(node), self.lower(node.this)), node)
            case exp.DateDiff():
                ends = self.lower(node.expression), self.lower(node.this)
                return self.call("date_difference", (self._unit(node), *ends), node)
            case exp.Log():
                return self._logarithm(node)
            case exp.Anonymous():
                return self._named(node)
            case exp.In() | exp.Exists() | exp.Any() | exp.All() | exp.Subquery() | exp.Query():
                raise self._state.refuse("sql.subquery", node)
            case exp.Star():
                raise self._state.refuse("sql.unsupported", node, what="*")
            case _ if isinstance(node, (*AGGREGATES, exp.Filter)):
                raise self._state.refuse("sql.aggregate_place", node)
        raise self._state.refuse("sql.unsupported", node, what=type(node).__name__.upper())

    def call(self, function: str, arguments: Sequence[Typed], node: exp.Expr) -> Typed:
        """A call, folded where it is a constant. Refuses `plan.type`, `plan.literal`, `sql.unit_value`,
        `sql.literal_argument`.
        """
        if any(one.type is Type.UNIT for one in arguments) and function in ("is_null", "is_not_null"):
            return Typed(Literal(Type.BOOLEAN, function == "is_not_null"), Type.BOOLEAN, 1)
        arguments, signature = self._typed(function, arguments, node)
        expressions = tuple(one.expression for one in arguments)
        if all(isinstance(one, Literal) for one in expressions):
            folded = literals.fold(function, expressions, self._state.places.span(node))
            if folded is not None:
                return Typed(folded, folded.type, 1)
        for position in sorted(FUNCTIONS[function].literals(len(expressions))):
            if not isinstance(expressions[position], Literal):
                raise self._state.refuse("sql.literal_argument", node, function=function, position=str(position + 1))
        try:
            meaningful(function, expressions, signature)
        except Refusal as refusal:
            raise self._state.refuse(refusal.code, node, **refusal.detail) from None
        return Typed(Call(function, expressions), signature.result, 1 + sum(one.size for one in arguments))

    def _typed(self, function: str, arguments: Sequence[Typed], node: exp.Expr) -> tuple[Sequence[Typed], Signature]:
        """The arguments with every constant given the type that the function takes, and the signature."""
        given = [one for one in arguments if one.type is not None]
        attempts = [list(arguments), self._with_times(arguments, node)]
        for attempt in attempts:
            guesses = (*dict.fromkeys(one.type for one in attempt if one.type), *_GUESSES)
            for guess in guesses if len(given) < len(arguments) else guesses[:1]:
                filled = [one if one.type else Typed(Literal(guess, None), guess, 1) for one in attempt]
                try:
                    return filled, resolve(function, tuple(one.type or guess for one in filled))
                except Refusal as refusal:
                    if refusal.code == "plan.unit_value":
                        raise self._state.refuse("sql.unit_value", node) from None
        types = ", ".join(one.type or "NULL" for one in arguments)
        raise self._state.refuse("plan.type", node, function=function, types=types)

    def _with_times(self, arguments: Sequence[Typed], node: exp.Expr) -> list[Typed]:
        """The arguments with text constants read as dates, where one is compared with a date."""
        wanted = next((one.type for one in arguments if one.type in _TIMES), None)
        if wanted is None:
            return list(arguments)
        return [self._as_time(one, wanted, node) for one in arguments]

    def _as_time(self, one: Typed, wanted: Type, node: exp.Expr) -> Typed:
        match one.expression:
            case Literal(Type.TEXT, str(value)) if value.lower() not in _UNITS and "%" not in value:
                written = Type.TIMESTAMP if ":" in value else wanted
                return Typed(literals.time(value, written, self._state.places.span(node)), written, 1)
        return one

    def _each(self, nodes: Sequence[exp.Expr | None]) -> list[Typed]:
        null = Typed(Literal(Type.INTEGER, None), None, 1)
        return [null if node is None else self.lower(node) for node in nodes]

    def _texts(self, nodes: Sequence[exp.Expr], node: exp.Expr) -> list[Typed]:
        """What is put together to a text: other values as they are written."""
        return [self.call("cast_text", (part,), node) if part.type in _WRITTEN else part for part in self._each(nodes)]

    def _operands(self, node: exp.Expr) -> list[Typed]:
        return self._each((node.this, node.args["expression"]))

    def _chain(self, node: exp.Expr) -> Typed:
        """AND and OR over any number of terms, without recursing along the chain."""
        pending, terms = [node], []
        while pending:
            one = pending.pop()
            if type(one) is type(node):
                pending += [one.args["expression"], one.this]
            elif isinstance(one, exp.Paren) and type(one.this) is type(node):
                pending.append(one.this)
            else:
                terms.append(self.predicate(one))
        return self.call("and" if isinstance(node, exp.And) else "or", terms, node)

    def _sum(self, node: exp.Expr) -> Typed:
        """Addition and subtraction, of dates too."""
        left, right = self._operands(node)
        adds = isinstance(node, exp.Add)
        match left.type, right.type:
            case (Type.DATE, Type.DATE) if not adds:
                unit = Typed(Literal(Type.TEXT, "day"), Type.TEXT, 1)
                return self.call("date_difference", (unit, right, left), node)
            case (Type.DATE, Type.INTEGER):
                days = right if adds else self.call("negate", (right,), node)
                return self.call("date_add_days", (left, days), node)
            case (Type.INTEGER, Type.DATE) if adds:
                return self.call("date_add_days", (right, left), node)
        return self.call("add" if adds else "subtract", (left, right), node)

    def _moved(self, node: exp.Expr) -> Typed:
        """A date plus or minus an interval."""
        interval = node.args["expression"]
        function, step = self._interval(interval)
        amount = self._amount(interval.this)
        factor = -step if isinstance(node, exp.Sub) else step
        if factor != 1:
            amount = self.call("multiply", (amount, Typed(Literal(Type.INTEGER, factor), Type.INTEGER, 1)), node)
        return self.call(function, (self.lower(node.this), amount), node)

    def _interval(self, interval: exp.Expr) -> tuple[str, int]:
        """What adding one of an interval's unit means."""
        unit = interval.args["unit"].name.lower().removesuffix("s") if interval.args.get("unit") else ""
        if unit not in INTERVALS or interval.this is None:
            raise self._state.refuse("sql.unsupported", interval, what=f"INTERVAL {unit.upper()}".strip())
        return INTERVALS[unit]

    def _bucket(self, node: exp.DateBin) -> Typed:
        """time_bucket: a constant interval, in months, days or seconds."""
        if not isinstance(node.this, exp.Interval):
            raise self._state.refuse("sql.literal_argument", node, function="time_bucket", position="1")
        function, step = self._interval(node.this)
        match self._amount(node.this.this).expression:
            case Literal(Type.INTEGER, int(count)):
                width = Typed(Literal(Type.INTEGER, count * step), Type.INTEGER, 1)
                unit = function.removeprefix("date_add_").removesuffix("s")
                parts = width, Typed(Literal(Type.TEXT, unit), Type.TEXT, 1), self.lower(node.args["expression"])
                return self.call("time_bucket", parts, node)
        raise self._state.refuse("sql.literal_argument", node, function="time_bucket", position="1")

    def _formatted(self, node: exp.TimeToStr) -> Typed:
        """strftime, in either order of its arguments."""
        value, spelled = self._each((node.this, node.args["format"]))
        if value.type is Type.TEXT and spelled.type is not Type.TEXT:
            value, spelled = spelled, value
        return self.call("strftime", (value, spelled), node)

    def _amount(self, node: exp.Expr) -> Typed:
        if isinstance(node, exp.Literal) and node.is_string:
            digits = node.name.strip()
            sign = -1 if digits.startswith("-") else 1
            if not digits.lstrip("+-").isdecimal():
                raise self._state.refuse("sql.literal", node, text=digits, type="interval")
            value = literals.number(digits.lstrip("+-"), self._state.places.span(node)).value
            return Typed(Literal(Type.INTEGER, sign * int(str(value))), Type.INTEGER, 1)
        return self.lower(node)

    def _is(self, node: exp.Is) -> Typed:
        value = self.lower(node.this)
        match node.expression:
            case exp.Null():
                return self.call("is_null", (value,), node)
            case exp.Boolean(this=wanted):
                holds = value if wanted else self.call("not", (value,), node)
                return self.call("coalesce", (holds, Typed(Literal(Type.BOOLEAN, False), Type.BOOLEAN, 1)), node)
        raise self._state.refuse("sql.unsupported", node, what="IS")

    def _case(self, node: exp.Case) -> Typed:
        operand = self.lower(node.this) if node.this is not None else None
        parts: list[Typed] = []
        for branch in node.args["ifs"]:
            if operand is None:
                parts.append(self.predicate(branch.this))
            else:
                self._state.spend(operand.size)
                parts.append(self.call("equal", (operand, self.lower(branch.this)), branch))
            parts.append(self.lower(branch.args["true"]))
        return self.call("case", [*parts, *self._each((node.args.get("default"),))], node)

    def _constant(self, node: exp.Expr) -> Typed:
        span = self._state.places.span(node)
        match node:
            case exp.Null():
                return Typed(Literal(Type.INTEGER, None), None, 1)
            case exp.Boolean(this=value):
                return Typed(Literal(Type.BOOLEAN, bool(value)), Type.BOOLEAN, 1)
        literal = literals.text(node.name, span) if node.is_string else literals.number(node.name, span)
        return Typed(literal, literal.type, 1)

    def _cast(self, node: exp.Cast) -> Typed:
        found = CASTS.get(node.to.this)
        if found is None:
            raise self._state.refuse("sql.cast_type", node, type=node.to.sql(dialect="duckdb"))
        value, (function, type_) = self.lower(node.this), found
        match value.expression:
            case Literal(Type.TEXT, str(written)) if type_ in _TIMES:
                return Typed(literals.time(written, type_, self._state.places.span(node)), type_, 1)
            case Literal(_, None) if value.type is None:
                return Typed(Literal(type_, None), type_, 1)
        return value if value.type is type_ else self.call(function, (value,), node)

    def _like(self, node: exp.Expr) -> Typed:
        value, pattern = self._operands(node)
        if isinstance(node, exp.ILike):
            value = self.call("lower", (value,), node)
            match pattern.expression:
                case Literal(Type.TEXT, str(written)):
                    pattern = Typed(Literal(Type.TEXT, written.lower()), Type.TEXT, 1)
        found = self.call("like", (value, pattern), node)
        return self.call("not", (found,), node) if node.args.get("negate") else found

    def _unit(self, node: exp.Expr) -> Typed:
        unit = node.args.get("unit")
        name = unit.name.lower().removesuffix("s") if isinstance(unit, exp.Var | exp.Literal) else ""
        if name not in _UNITS:
            raise self._state.refuse("sql.unsupported", node, what=f"the date unit {name}".strip())
        return Typed(Literal(Type.TEXT, name), Type.TEXT, 1)

    def _part(self, part: str, value: Typed, node: exp.Expr) -> Typed:
        function = PARTS.get(part.lower())
        if function is None:
            raise self._state.refuse("sql.unsupported", node, what=f"the date part {part}")
        return self.call(function, (value,), node)

    def _logarithm(self, node: exp.Log) -> Typed:
        """To the base 10 unless another is given. The parser makes one node of log2(x) and log(2, x)."""
        if node.args.get("expression") is None:
            return self.call("log10", (self.lower(node.this),), node)
        written = re.match(r"log(2|10)(?=\s*\()", self._state.places.text(node), re.IGNORECASE)
        if written is not None:
            return self.call(written[0].lower(), (self.lower(node.expression),), node)
        return self.call("log", self._operands(node), node)

    def _named(self, node: exp.Anonymous) -> Typed:
        function = NAMED[node.name.lower()]
        arguments = node.expressions
        match function, arguments:
            case "avg", _:
                raise self._state.refuse("sql.aggregate_place", node)
            case "date_part", [exp.Literal(is_string=True) as part, value]:
                return self._part(part.name, self.lower(value), node)
            case "date_elapsed", [exp.Literal(is_string=True) as unit, *moments]:
                name = exp.Literal.string(unit.name.lower().removesuffix("s"))
                return self.call(function, self._each((name, *moments)), node)
            case "date_part", _:
                raise self._state.refuse("sql.literal_argument", node, function="date_part", position="1")
        return self.call(function, self._each(arguments), node)


_UNITS = frozenset({"day", "week", "month", "quarter", "year", "hour", "minute", "second"})


def _parts(node: exp.Expr, names: Sequence[str]) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for name in names:
        value = node.args.get(name)
        found += value if isinstance(value, list) else [value] if value is not None else []
    return found


def presence(unit: Typed) -> Expression | None:
    """That a unit is there, where it can be missing."""
    return Call("is_not_null", (unit.expression,)) if unit.type is Type.PRESENCE else None
