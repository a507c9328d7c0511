"""A plan in a form that a reviewer reads: relations as one line, names as generated, literals as in SQL."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Fold,
    Group,
    Join,
    Limit,
    Literal,
    Mark,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    Sort,
    Type,
    Union,
    Window,
    Windowed,
)
from sandbox.plan.plan import Plan

_INFIX = {
    "add": "+",
    "and": "and",
    "divide": "/",
    "equal": "=",
    "greater": ">",
    "greater_equal": ">=",
    "integer_divide": "//",
    "less": "<",
    "less_equal": "<=",
    "modulo": "%",
    "multiply": "*",
    "not_equal": "<>",
    "or": "or",
    "subtract": "-",
}


def lines(plan: Plan) -> Iterator[str]:
    """The plan, a measure, key, aggregate or part of the answer a line."""
    for measure in plan.measures:
        yield f"{measure.name} over {relation(measure.source)}"
        yield from (f"  by {_output(key)}" for key in measure.keys)
        if measure.levels is not None:
            sets = (f"({', '.join(one)})" for one in measure.levels.sets)
            yield f"  sets {measure.levels.name}: {' '.join(sets)}"
        yield from (f"  {_aggregate(aggregate)}" for aggregate in measure.aggregates)
    yield f"answer {relation(plan.answer)}"
    yield "shows " + ", ".join(f"{label.name} as {label.label!r}" for label in plan.labels)


def relation(node: Relation) -> str:
    """A relation."""
    match node:
        case Scan(dataset, table, columns):
            return f"{dataset}.{table}({', '.join(f'{one.name}: {one.column}' for one in columns)})"
        case Released(measure):
            return measure
        case Filter(source, predicate):
            return f"{relation(source)} where {expression(predicate)}"
        case Project(source, outputs):
            return f"({relation(source)} select {', '.join(map(_output, outputs))})"
        case Join(left, right, kind, unit, condition):
            return f"({relation(left)} {kind} join {relation(right)} on {_matching(condition, unit=unit)})"
        case Mark(source, other, name, unit, condition):
            return f"({relation(source)} mark {name} of {relation(other)} on {_matching(condition, unit=unit)})"
        case Union(left, right, columns):
            pairs = ", ".join(f"{one.name}={one.left}|{one.right}" for one in columns)
            return f"({relation(left)} union {relation(right)} as {pairs})"
        case Constants(names, rows):
            listed = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
            return f"values({', '.join(names)}: {listed})"
        case Sort(source, terms):
            return f"{relation(source)} order {_orders(terms)}"
        case Limit(source, count, offset):
            return f"{relation(source)} limit {count}" + (f" offset {offset}" if offset else "")
        case Distinct(source):
            return f"distinct {relation(source)}"
        case Group(source, keys, folds):
            by = ", ".join(map(_output, keys)) or "()"
            return f"({relation(source)} group by {by} fold {', '.join(map(_fold, folds))})"
        case Window(source, functions):
            return f"({relation(source)} window {', '.join(map(_windowed, functions))})"


def _orders(terms: tuple[Order, ...]) -> str:
    return ", ".join(
        expression(one.expression) + (" desc" if one.descending else "") + (" nulls first" if one.nulls_first else "")
        for one in terms
    )


def _fold(fold: Fold) -> str:
    argument = "" if fold.argument is None else expression(fold.argument)
    argument += "" if fold.fraction is None else f", {fold.fraction}"
    argument += f" order {_orders(fold.order)}" if fold.order else ""
    condition = "" if fold.filter is None else f" where {expression(fold.filter)}"
    return f"{fold.name}={fold.function}({argument}){condition}"


def _windowed(one: Windowed) -> str:
    given = [expression(part) for part in (one.argument, one.default) if part is not None]
    given[1:1] = [] if one.number is None else [str(one.number)]
    condition = "" if one.filter is None else f" where {expression(one.filter)}"
    over = [f"by {', '.join(map(expression, one.partition))}"] if one.partition else []
    over += [f"order {_orders(one.order)}"] if one.order else []
    if one.frame is not None:
        ends = ["all" if end is None else str(end) for end in (one.frame.start, one.frame.end)]
        over.append(f"{one.frame.unit} {ends[0]}..{ends[1]}")
    return f"{one.name}={one.function}({', '.join(given)}){condition} over ({' '.join(over)})"


def _matching(condition: Expression | None, *, unit: bool) -> str:
    terms = ["unit"] if unit else []
    terms += [] if condition is None else [expression(condition)]
    return " and ".join(terms) or "true"


def expression(node: Expression) -> str:
    """An expression."""
    match node:
        case Ref(name):
            return name
        case Literal():
            return _literal(node)
        case Call(function, arguments) if function in _INFIX and len(arguments) > 1:
            return f"({f' {_INFIX[function]} '.join(map(expression, arguments))})"
        case Call(function, arguments):
            return f"{function}({', '.join(map(expression, arguments))})"


def _literal(literal: Literal) -> str:
    match literal:
        case Literal(type_, None):
            return f"null::{type_}"
        case Literal(Type.TEXT, str(value)):
            return repr(value)
        case Literal(Type.DOUBLE, value):
            return f"{value}d"
        case Literal(Type.BOOLEAN, value):
            return "true" if value else "false"
    return str(literal.value)


def _output(output: Output) -> str:
    return f"{output.name}={expression(output.expression)}"


def _aggregate(aggregate: Aggregate) -> str:
    argument = "" if aggregate.argument is None else expression(aggregate.argument)
    argument += "" if aggregate.other is None else f", {expression(aggregate.other)}"
    argument += "" if aggregate.fraction is None else f", {aggregate.fraction}"
    condition = "" if aggregate.filter is None else f" where {expression(aggregate.filter)}"
    return f"{aggregate.name}={aggregate.function}({argument}){condition}"
