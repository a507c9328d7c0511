"""A plan's expression as SQL: literals become bound parameters, names are generated ones, conversions are spelt out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from sandbox.engines.functions import render_call
from sandbox.engines.operands import SQL_TYPES, Parameters, cast
from sandbox.plan.functions import evaluate, resolve
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Type
from sandbox.plan.values import Values, converted, of_literal


@dataclass(frozen=True, slots=True)
class Rendered:
    """An expression and what the range rules know of it: that proves where arithmetic stays within 64 bits."""

    sql: exp.Expr
    values: Values


def column(relation: str, name: str) -> exp.Expr:
    """A qualified column."""
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(relation, quoted=True))


def render_expression(expression: Expression, scope: Mapping[str, Rendered], parameters: Parameters) -> Rendered:
    """The expression over the columns in scope."""
    match expression:
        case Ref(name):
            found = scope[name]
            return Rendered(found.sql.copy(), found.values)
        case Literal(type_, value):
            return Rendered(parameters.bind(type_, value), of_literal(expression))
        case Call(name, arguments):
            given = [render_expression(argument, scope, parameters) for argument in arguments]
            signature = resolve(name, tuple(one.values.type for one in given))
            values = tuple(one.values for one in given)
            result, _ = evaluate(name, signature, values, 0)
            sql = tuple(map(_converted, given, signature.parameters))
            known = tuple(map(converted, values, signature.parameters))
            return Rendered(render_call(name, sql, signature, known, result, parameters), result)


def _converted(given: Rendered, wanted: Type) -> exp.Expr:
    """The implicit conversion, spelt out."""
    return given.sql if given.values.type is wanted else cast(given.sql, SQL_TYPES[wanted])
