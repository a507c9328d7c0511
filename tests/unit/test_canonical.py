"""The canonical bytes of a plan: the same plan again, and nothing else decodes."""

from __future__ import annotations

import json
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest

from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.canonical import encode
from sandbox.plan.decoding import decode
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Constants,
    Filter,
    Join,
    JoinKind,
    Limit,
    Literal,
    Mark,
    Measure,
    Order,
    Output,
    Project,
    Ref,
    Released,
    Scan,
    ScanColumn,
    Sort,
    Type,
    Union,
    UnionColumn,
)
from sandbox.plan.plan import Label, Plan

VISITS = Scan("health", "visits", (ScanColumn("c1", "pid"), ScanColumn("c2", "income")))
PLAN = Plan(
    (
        Measure(
            "m1",
            Project(
                Join(
                    Filter(VISITS, Call("less", (Ref("c2"), Literal(Type.DOUBLE, Fraction(1, 3))))),
                    Scan("health", "people", (ScanColumn("c3", "pid"), ScanColumn("c4", "生日"))),
                    JoinKind.LEFT,
                    unit=True,
                    condition=None,
                ),
                (
                    Output("c5", Ref("c2")),
                    Output("c6", Literal(Type.TIMESTAMP, datetime.fromisoformat("2020-02-29T01:00"))),
                ),
            ),
            (Output("k1", Literal(Type.DATE, date(2020, 2, 29))),),
            (
                Aggregate("a1", AggregateFunction.ROWS, None, Literal(Type.BOOLEAN, value=True)),
                Aggregate("a2", AggregateFunction.SUM, Ref("c5"), None),
            ),
        ),
        Measure(
            "m2",
            Mark(
                Union(VISITS, VISITS, (UnionColumn("c7", "c2", "c2"),)),
                Constants(("c8",), ((Literal(Type.DOUBLE, Fraction(5, 2)),), (Literal(Type.DOUBLE, None),))),
                "c9",
                unit=False,
                condition=Call("equal", (Ref("c7"), Ref("c8"))),
            ),
            (),
            (Aggregate("a3", AggregateFunction.ROWS, None, Ref("c9")),),
        ),
    ),
    Limit(
        Sort(Released("m1"), (Order(Literal(Type.INTEGER, -(2**63)), descending=True, nulls_first=False),)),
        count=3,
        offset=0,
    ),
    (Label("k1", "日期"), Label("a1", "n")),
)


def test_a_plan_comes_back_the_same() -> None:
    content = encode(PLAN)
    assert decode(content) == PLAN
    assert encode(decode(content)) == content


def _edit(path: str, value: Any) -> bytes:
    """The plan's bytes with the node at a path replaced."""
    tree = json.loads(encode(PLAN))
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = tree
    for step in steps:
        node = node[step]
    node[last] = value
    return json.dumps(tree).encode()


SOURCE = "measures.0.source"
COMPARED = "measures.0.source.source.left.predicate.arguments.1.value"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 200_000,
        b'{"measures":[],"answer":{"node":"released","measure":"m1"},"labels":[],"labels":[]}',
        b'{"measures":[],"answer":{"node":"released","measure":"m1"}}',
        b"1e5",
        b"NaN",
        _edit("more", 1),
        _edit(f"{SOURCE}.more", 1),
        _edit(f"{SOURCE}.node", "sample"),
        _edit(f"{SOURCE}.outputs.0.name", "x; drop"),
        _edit(f"{SOURCE}.outputs.0.name", "_unit"),
        _edit(f"{SOURCE}.outputs.0.name", "c1\n"),
        _edit(f"{SOURCE}.outputs", {}),
        _edit(f"{SOURCE}.source.kind", "outer"),
        _edit(f"{SOURCE}.source.kind", ["left"]),
        _edit(f"{SOURCE}.source.unit", 1),
        _edit(COMPARED, 0.5),
        _edit(COMPARED, 1),
        _edit(COMPARED, "2/6"),
        _edit(COMPARED, "1/0"),
        _edit(COMPARED, "1" * 400),
        _edit(COMPARED, "nan"),
        _edit(f"{SOURCE}.outputs.1.expression.value", "2020-02-30T00:00:00.000000"),
        _edit(f"{SOURCE}.outputs.1.expression.value", "2020-02-28"),
        _edit(f"{SOURCE}.outputs.1.expression.value", "2020-02-28T00:00:00.000000+01:00"),
        _edit(f"{SOURCE}.outputs.1.expression.type", "unit"),
        _edit(f"{SOURCE}.outputs.1.expression.type", []),
        _edit("measures.0.aggregates.0.function", "any_value"),
        _edit("measures.1.source.name", "_unit"),
        _edit("measures.1.source.unit", None),
        _edit("measures.1.source.source.columns.0.left", 2),
        _edit("measures.1.source.other.rows.0.0", {"ref": "c1"}),
        _edit("measures.1.source.other.rows.0", {}),
        _edit("answer.count", -1),
        _edit("answer.count", True),
        _edit("answer.source.terms.0.expression.value", str(2**63)),
        _edit("answer.source.terms.0.expression.value", "01"),
        _edit("labels.0.label", "x" * 257),
        _edit("labels.0.label", "\ud800"),
        _edit("labels.0.label", "a\0"),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match=r"plan\.invalid"):
        decode(content)


def test_sizes_are_limited() -> None:
    deep: object = {"ref": "c1"}
    for _ in range(65):
        deep = {"call": "not", "arguments": [deep]}
    wide = [{"ref": "c1"} for _ in range(4096)]
    for content in (
        b" " * (256 * 1024 + 1),
        _edit("measures.0.aggregates.0.filter", deep),
        _edit("measures.0.aggregates.0.filter", {"call": "and", "arguments": wide}),
    ):
        with pytest.raises(Refusal, match=r"plan\.too_large"):
            decode(content)
