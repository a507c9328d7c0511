"""Statements changed at random: trees with parts exchanged, taken away or put elsewhere, so that most still parse."""

from __future__ import annotations

import contextlib

import sqlglot
from sqlglot import ParseError, exp

from tests.support.composed import composed
from tests.support.draws import Draws

WORDS = (
    *(
        "COUNT(*)",
        "COUNT(DISTINCT pid)",
        "SUM(费用)",
        "AVG(income)",
        "MEDIAN(费用)",
        "RANDOM()",
        "NULL",
        "*",
        "v.*",
        "pid",
    ),
    *(
        "p.pid",
        "性别",
        "日期",
        "birth_year",
        "1",
        "-1",
        "0.5",
        "'女'",
        "DATE '2024-02-30'",
        "INTERVAL 1 MONTH",
        "TRUE",
        "(1, 2)",
    ),
    *("ROW_NUMBER() OVER ()", "SUM(费用) OVER (PARTITION BY pid)", "(SELECT 1)", "(SELECT pid FROM persons)", "[1, 2]"),
    *(
        "EXISTS (SELECT 1 FROM visits v WHERE v.pid = pid)",
        "CASE WHEN TRUE THEN pid END",
        "pid = 7",
        "u",
        "c1",
        "s1.u",
        "k0",
    ),
    *(
        "FIRST(费用)",
        "ANY_VALUE(pid)",
        "LIST(pid)",
        "STRUCT_PACK(a := 1)",
        "x -> x",
        "COLUMNS('.*')",
        "CURRENT_DATE",
        "$1",
    ),
    *(
        "CAST(费用 AS DECIMAL(3, 1))",
        "pid::VARCHAR",
        "COALESCE(p.pid, v.pid)",
        "LAG(pid) OVER (PARTITION BY pid)",
        "a.b.c",
    ),
)
TABLES = (
    "persons",
    "visits",
    "drugs",
    "cities",
    "nothing",
    "clinic.visits",
    "(SELECT pid FROM visits)",
    "(VALUES (1, 2))",
)
PARTS = (
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "distinct",
    "qualify",
    "joins",
    "with_",
    "from_",
    "windows",
)
SIDES = ("", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI", "CROSS", "ASOF", "POSITIONAL")
SHOTS = 3


def mutated(some: Draws) -> str:
    """A composed statement with some changes."""
    text = composed(some).sql
    tree: exp.Expr = sqlglot.parse_one(text, dialect="duckdb")
    for _ in range(some.number(1, SHOTS)):
        with contextlib.suppress(ParseError, TypeError, AttributeError, ValueError):  # no text for such a tree
            _change(some, tree)
            text = tree.sql("duckdb")
    return text


def _change(some: Draws, tree: exp.Expr) -> None:
    nodes = [node for node in tree.walk() if node is not tree and isinstance(node, exp.Expr)]
    node = some.one(nodes)
    match some.number(0, 7):
        case 0:
            node.replace(some.one(nodes).copy())
        case 1 | 2:
            node.replace(_parsed(some.one(WORDS)))
        case 3:
            tables = [one for one in nodes if isinstance(one, exp.Table)]
            if tables:
                some.one(tables).replace(_parsed(f"SELECT 1 FROM {some.one(TABLES)}").args["from_"].this)
        case 4:
            selects = [one for one in tree.find_all(exp.Select) if one.args]
            if selects:
                some.one(selects).set(some.one(PARTS), None)
        case 5:
            joins = list(tree.find_all(exp.Join))
            if joins:
                side = some.one(SIDES)
                some.one(joins).set("side" if side in SIDES[1:4] else "kind", side or None)
        case 6:
            functions = [one for one in nodes if isinstance(one, exp.Func | exp.Window)]
            if functions:
                function = some.one(functions)
                function.replace(
                    _parsed(
                        some.one(("{} + 1", "SUM({})", "NOT {}", "{} IS NULL", "COUNT({})")).format(
                            function.sql("duckdb")
                        )
                    )
                )
        case _:
            operations = list(tree.find_all(exp.SetOperation, exp.Count, exp.Select))
            if operations:
                operation = some.one(operations)
                if isinstance(operation, exp.SetOperation):
                    operation.set("distinct", not operation.args.get("distinct"))
                elif isinstance(operation, exp.Select) and operation.expressions:
                    items = list(operation.expressions)
                    items.insert(some.number(0, len(items)), _parsed(some.one(WORDS)))
                    operation.set("expressions", items)


def _parsed(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect="duckdb")
