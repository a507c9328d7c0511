"""What is known of an expression's values, given those of the columns it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from sandbox.errors import Refusal
from sandbox.plan.functions import FUNCTIONS, evaluate, resolve
from sandbox.plan.limits import Limits
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Scalar, Type
from sandbox.plan.signatures import VALUES, Signature
from sandbox.plan.values import INTEGER_HI, INTEGER_LO, TEXT_LENGTH, Members, Values, enumerated, of_literal, size

EQUALITIES = ("equal", "not_equal", "is_distinct_from", "in", "is_null", "is_not_null")
TEXT_COST = 16
LARGEST = 2**1024 - 2**971
"""The largest 64-bit floating point number."""
KINDS: Mapping[Type, type | tuple[type, ...]] = {
    Type.BOOLEAN: bool,
    Type.INTEGER: int,
    Type.DOUBLE: (int, Fraction),
    Type.TEXT: str,
    Type.DATE: date,
    Type.TIMESTAMP: date,
}


def references(expression: Expression) -> Iterator[str]:
    """The columns that an expression reads."""
    match expression:
        case Ref(name):
            yield name
        case Literal():
            return
        case Call(_, arguments):
            for argument in arguments:
                yield from references(argument)


def conjuncts(condition: Expression | None) -> tuple[Expression, ...]:
    """The top-level AND terms of a condition."""
    match condition:
        case None:
            return ()
        case Call("and", arguments):
            return tuple(term for argument in arguments for term in conjuncts(argument))
        case _:
            return (condition,)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What is known of an expression over given columns."""

    values: Values
    cost: int
    """Of the engine for one row, as `call_cost` counts it. Unit: row operations."""


@dataclass(slots=True)
class Judge:
    """Judges the expressions of one plan, equal ones over the same columns once, and keeps count of what that costs."""

    limits: Limits
    nodes: int = 0
    evaluations: int = 0
    found: dict[tuple[object, ...], Judged] = field(default_factory=dict)
    """By what an expression consists of: a call by its function and its judged arguments."""

    def count(self) -> None:
        """One more node. Refuses: `plan.too_large`."""
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise Refusal("plan.too_large", {"what": "nodes", "limit": str(self.limits.nodes)})

    def judge(self, expression: Expression, columns: Mapping[str, Values]) -> Judged:
        """What is known of an expression over these columns.

        Refuses: `plan.invalid`, `plan.too_large`, and what `functions.resolve` and `meaningful` refuse.
        """
        self.count()
        match expression:
            case Ref(name):
                if name not in columns:
                    raise Refusal("plan.invalid", {"what": f"no column {name} is in reach"})
                values = columns[name]
                return self.found.setdefault((id(values),), Judged(values, 0))
            case Literal(type_, value):
                key: tuple[object, ...] = (type_, type(value), value)
                return self.found.get(key) or self.found.setdefault(key, Judged(of_literal(_sound(expression)), 0))
            case Call(name, arguments):
                given = tuple(self.judge(argument, columns) for argument in arguments)
                key = (name, *given)
                return self.found.get(key) or self.found.setdefault(key, self._called(expression, given))

    def _called(self, call: Call, given: tuple[Judged, ...]) -> Judged:
        values = tuple(one.values for one in given)
        signature = resolve(call.function, tuple(one.type for one in values))
        meaningful(call.function, call.arguments, signature)
        found, spent = evaluate(call.function, signature, values, self.limits.evaluations - self.evaluations)
        self.evaluations += spent
        return Judged(found, call_cost(call, signature) + sum(one.cost for one in given))

    def either(self, left: Values, right: Values) -> Values:
        """The values of a column that is one or the other. Refuses: `plan.type`."""
        found, spent = either(left, right, self.limits.evaluations - self.evaluations)
        self.evaluations += spent
        return found

    def members(self, values: Values) -> Members | None:
        """The finite value set, without NULL, as far as evaluations are left to count it out."""
        spent = 0 if values.members is not None else size(values) or 0
        if spent > self.limits.evaluations - self.evaluations:
            return None
        self.evaluations += spent
        return enumerated(values)

    def condition(self, expression: Expression, columns: Mapping[str, Values]) -> Judged:
        """A predicate. Refuses: `plan.type`."""
        found = self.judge(expression, columns)
        if found.values.type is not Type.BOOLEAN:
            raise Refusal("plan.type", {"function": "condition", "types": found.values.type})
        return found


def either(left: Values, right: Values, budget: int) -> tuple[Values, int]:
    """The values of a column that is one or the other, and what it took to know its value set, as of `evaluate`.

    A unit key is one where both are; else it tells presence. Refuses: `plan.type`.
    """
    if {left.type, right.type} <= {Type.UNIT, Type.PRESENCE}:
        unit = left.type is right.type is Type.UNIT
        return Values(Type.UNIT if unit else Type.PRESENCE, nullable=left.nullable or right.nullable), 0
    if left.type is not right.type:
        raise Refusal("plan.type", {"function": "union", "types": f"{left.type}, {right.type}"})
    types = (Type.BOOLEAN, left.type, right.type)
    return evaluate("case", resolve("case", types), (Values(Type.BOOLEAN), left, right), budget)


def call_cost(call: Call, signature: Signature) -> int:
    """What a call costs for one row: one for each argument beyond the first, at least one; of texts 16 times that.

    Never less than the function's own `work`.

    Comparing texts for equality costs as little as comparing numbers. A literal does not make a function one of texts.
    Unit: row operations.
    """
    pairs = zip(call.arguments, signature.parameters, strict=True)
    read = [type_ for argument, type_ in pairs if not isinstance(argument, Literal)]
    texts = Type.TEXT in (*read, signature.result) and call.function not in EQUALITIES
    least = FUNCTIONS[call.function].effort(_literal_values(call.arguments))
    return max(least, max(1, len(call.arguments) - 1) * (TEXT_COST if texts else 1))


def _literal_values(arguments: tuple[Expression, ...]) -> tuple[Scalar, ...]:
    return tuple(one.value if isinstance(one, Literal) else None for one in arguments)


def _sound(literal: Literal) -> Literal:
    """The literal, if its value is of its type and the engine can hold it."""
    type_, value = literal.type, literal.value
    fits = type_ in VALUES and (value is None or (isinstance(value, KINDS[type_]) and _fits(type_, value)))
    if not fits:
        raise Refusal("plan.invalid", {"what": f"not a literal of type {type_}"})
    return literal


def _fits(type_: Type, value: Scalar) -> bool:
    match value:
        case bool():
            return type_ is Type.BOOLEAN
        case int() if type_ is Type.INTEGER:
            return INTEGER_LO <= value <= INTEGER_HI
        case int() | Fraction():
            return -LARGEST <= value <= LARGEST
        case str():
            return len(value) <= TEXT_LENGTH and "\0" not in value
        case _:
            return hasattr(value, "hour") == (type_ is Type.TIMESTAMP) and getattr(value, "tzinfo", None) is None


def meaningful(name: str, arguments: tuple[Expression, ...], signature: Signature) -> None:
    """Refuses `plan.literal` where an argument must be a literal and is none, or one that means nothing there."""
    function = FUNCTIONS[name]
    values = _literal_values(arguments)
    for position in sorted(function.literals(len(arguments))):
        if not isinstance(arguments[position], Literal) or not function.meant(position, values, signature):
            raise Refusal("plan.literal", {"function": name, "position": str(position + 1)})
