"""Plan → canonical bytes: JSON with sorted keys and no spaces, the same bytes for the same plan.

Numbers of literals are strings, so that they stay exact. `decoding.py` reads the bytes.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TypeAlias

from sandbox.plan.nodes import (
    Call,
    Constants,
    Expression,
    Filter,
    Join,
    Limit,
    Literal,
    Mark,
    Measure,
    Output,
    Plan,
    Project,
    Ref,
    Relation,
    Released,
    Scalar,
    Scan,
    Sort,
    Union,
)

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
                "argument": None if aggregate.argument is None else _expression(aggregate.argument),
                "filter": None if aggregate.filter is None else _expression(aggregate.filter),
            }
            for aggregate in measure.aggregates
        ],
    }


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
                "condition": None if condition is None else _expression(condition),
            }
        case Mark(source, other, name, unit, condition):
            return {
                "node": "mark",
                "source": _relation(source),
                "other": _relation(other),
                "name": name,
                "unit": unit,
                "condition": None if condition is None else _expression(condition),
            }
        case Union(left, right, columns):
            pairs: list[Json] = [{"name": one.name, "left": one.left, "right": one.right} for one in columns]
            return {"node": "union", "left": _relation(left), "right": _relation(right), "columns": pairs}
        case Constants(listed, rows):
            literals: list[Json] = [[_expression(one) for one in row] for row in rows]
            return {"node": "constants", "columns": list(listed), "rows": literals}
        case Sort(source, terms):
            orders: list[Json] = [
                {"expression": _expression(term.expression), "descending": term.descending} for term in terms
            ]
            return {"node": "sort", "source": _relation(source), "terms": orders}
        case Limit(source, count, offset):
            return {"node": "limit", "source": _relation(source), "count": count, "offset": offset}


def _output(output: Output) -> Json:
    return {"name": output.name, "expression": _expression(output.expression)}


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
