"""Plan → canonical bytes: JSON with sorted keys and no spaces, the same bytes for the same plan.

Numbers of literals are strings, so that they stay exact. `decoding.py` reads the bytes.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TypeAlias

from sandbox.plan.grouping_sets import Levels
from sandbox.plan.nodes import (
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
    Measure,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scalar,
    Scan,
    Sort,
    Union,
    Window,
    Windowed,
)
from sandbox.plan.plan import Plan

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"


def encode(plan: Plan) -> bytes:
    """The canonical bytes of a plan."""
    tree: Json = {
        "measures": [_measure(measure) for measure in plan.measures],
        "answer": _relation(plan.answer),
        "labels": [{"name": label.name, "label": label.label} for label in plan.labels],
    }
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _measure(measure: Measure) -> Json:
    return {
        "name": measure.name,
        "source": _relation(measure.source),
        "keys": [_output(key) for key in measure.keys],
        "aggregates": [
            {
                "name": aggregate.name,
                "function": aggregate.function.value,
                "argument": _optional(aggregate.argument),
                "filter": _optional(aggregate.filter),
                "other": _optional(aggregate.other),
                "fraction": None if aggregate.fraction is None else str(aggregate.fraction),
            }
            for aggregate in measure.aggregates
        ],
        "levels": None if measure.levels is None else _levels(measure.levels),
    }


def _levels(levels: Levels) -> Json:
    return {"name": levels.name, "sets": [list(names) for names in levels.sets]}


def _relation(relation: Relation) -> Json:
    match relation:
        case Scan(dataset, table, columns):
            names: list[Json] = [{"name": column.name, "column": column.column} for column in columns]
            return {"node": "scan", "dataset": dataset, "table": table, "columns": names}
        case Released(measure):
            return {"node": "released", "measure": measure}
        case Filter(source, predicate):
            return {"node": "filter", "source": _relation(source), "predicate": _expression(predicate)}
        case Project(source, outputs):
            return {"node": "project", "source": _relation(source), "outputs": [_output(one) for one in outputs]}
        case Join(left, right, kind, unit, condition):
            return {
                "node": "join",
                "left": _relation(left),
                "right": _relation(right),
                "kind": kind.value,
                "unit": unit,
                "condition": _optional(condition),
            }
        case Mark(source, other, name, unit, condition):
            return {
                "node": "mark",
                "source": _relation(source),
                "other": _relation(other),
                "name": name,
                "unit": unit,
                "condition": _optional(condition),
            }
        case Union(left, right, columns):
            pairs: list[Json] = [{"name": one.name, "left": one.left, "right": one.right} for one in columns]
            return {"node": "union", "left": _relation(left), "right": _relation(right), "columns": pairs}
        case Constants(listed, rows):
            literals: list[Json] = [[_expression(one) for one in row] for row in rows]
            return {"node": "constants", "columns": list(listed), "rows": literals}
        case Sort(source, terms):
            return {"node": "sort", "source": _relation(source), "terms": _orders(terms)}
        case Limit(source, count, offset):
            return {"node": "limit", "source": _relation(source), "count": count, "offset": offset}
        case Distinct(source):
            return {"node": "distinct", "source": _relation(source)}
        case Group(source, keys, folds):
            parts: list[Json] = [_fold(fold) for fold in folds]
            return {"node": "group", "source": _relation(source), "keys": list(map(_output, keys)), "folds": parts}
        case Window(source, functions):
            made: list[Json] = [_windowed(function) for function in functions]
            return {"node": "window", "source": _relation(source), "functions": made}


def _orders(terms: tuple[Order, ...]) -> Json:
    return [
        {
            "expression": _expression(term.expression),
            "descending": term.descending,
            "nulls_first": term.nulls_first,
        }
        for term in terms
    ]


def _fold(fold: Fold) -> Json:
    return {
        "name": fold.name,
        "function": fold.function.value,
        "argument": _optional(fold.argument),
        "filter": _optional(fold.filter),
        "fraction": None if fold.fraction is None else str(fold.fraction),
        "order": _orders(fold.order),
    }


def _windowed(windowed: Windowed) -> Json:
    frame = windowed.frame
    return {
        "name": windowed.name,
        "function": windowed.function.value,
        "argument": _optional(windowed.argument),
        "filter": _optional(windowed.filter),
        "number": windowed.number,
        "default": _optional(windowed.default),
        "partition": list(map(_expression, windowed.partition)),
        "order": _orders(windowed.order),
        "frame": None if frame is None else {"unit": frame.unit.value, "start": frame.start, "end": frame.end},
    }


def _output(output: Output) -> Json:
    return {"name": output.name, "expression": _expression(output.expression)}


def _optional(expression: Expression | None) -> Json:
    return None if expression is None else _expression(expression)


def _expression(expression: Expression) -> Json:
    match expression:
        case Ref(name):
            return {"ref": name}
        case Literal(type_, value):
            return {"type": type_.value, "value": scalar_json(value)}
        case Call(function, arguments):
            return {"call": function, "arguments": [_expression(one) for one in arguments]}


def scalar_json(value: Scalar) -> Json:
    """A literal's value."""
    match value:
        case None | bool() | str():
            return value
        case datetime():
            return value.isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case _:
            return str(value)
