"""The front end's tables agree with the parser's nodes, the function table and the list of codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlglot import exp

import query_gateway.sql
from query_gateway.sql.functions import CALLS, CASTS, INTERVALS, NAMED, PARTS, names
from query_gateway.sql.lower import lower
from query_gateway.sql.restrict import ALLOWED
from sandbox.errors import PROBLEMS, Refusal
from sandbox.plan.functions import FUNCTIONS
from tests.support.lowering import files, read, schema

SOURCES = "".join(path.read_text() for path in Path(query_gateway.sql.__file__).parent.glob("*.py"))
FORMS = {"avg", "date_part"}
ELSEWHERE = {"sql.too_complex", "sql.too_deep", "sql.too_large"}
"""Codes that tests/boundary/test_frontend.py and the tests below meet."""


@pytest.mark.parametrize("node", ALLOWED, ids=lambda node: node.__name__)
def test_every_argument_on_the_list_is_one_of_the_node(node: type[exp.Expr]) -> None:
    assert set(ALLOWED[node]) <= set(node.arg_types)


def test_every_call_is_a_row_of_the_function_table() -> None:
    called = {call.function for call in CALLS.values()} | set(NAMED.values()) | set(PARTS.values())
    called |= {function for function, _ in INTERVALS.values()} | {function for function, _ in CASTS.values()}
    assert called - FORMS <= FUNCTIONS.keys()


def test_every_row_of_the_function_table_can_be_reached() -> None:
    reached = (
        set(re.findall(r'"([a-z_0-9]+)"', SOURCES)) | {call.function for call in CALLS.values()} | {"log2", "log10"}
    )
    assert FUNCTIONS.keys() <= reached


def test_names_offered_for_misspelt_functions_are_accepted_names() -> None:
    known = schema("clinic")
    for name in names():
        with pytest.raises(Refusal) as caught:
            lower(f"SELECT COUNT(*) FROM persons WHERE {name}(pid) AND nothing", known)
        assert caught.value.code != "sql.unknown_function", name


def test_every_code_is_on_the_list_and_has_a_case() -> None:
    used = set(re.findall(r'"((?:sql|plan)\.[a-z_]+)"', SOURCES))
    assert used <= PROBLEMS.keys()
    met = {
        line.split()[1]
        for path in files("refused")
        for case in read(path)
        for line in case.expected.splitlines()
        if line.startswith("refused ")
    }
    assert {code for code in PROBLEMS if code.startswith("sql.")} - ELSEWHERE <= met


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT COUNT(*) FROM persons -- " + "x" * 20_000, "sql.too_large"),
        ("SELECT COUNT(*) FROM persons WHERE birth_year IN (" + "1," * 2_500 + "1)", "sql.too_large"),
        ("SELECT COUNT(*) FROM persons" + " JOIN cities" * 13, "sql.too_large"),
        ("SELECT " + "(" * 33 + "1" + ")" * 33, "sql.too_deep"),
        ("SELECT COUNT(*) FROM persons WHERE " + "NOT " * 33 + "true", "sql.too_deep"),
        ("SELECT COUNT(*) FROM persons WHERE birth_year = 1" + " + 1" * 61, "sql.too_deep"),
    ],
)
def test_sizes_are_refused_beyond_their_limit(sql: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        lower(sql, schema("clinic"))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM persons WHERE " + "(" * 30 + "true" + ")" * 30,
        "SELECT COUNT(*) FROM persons WHERE " + " OR ".join(f"birth_year = {n}" for n in range(600)),
        f"SELECT COUNT(*) FROM persons WHERE birth_year IN ({', '.join(map(str, range(2_000)))})",
    ],
)
def test_sizes_are_accepted_below_their_limit(sql: str) -> None:
    assert lower(sql, schema("clinic")).plan.measures
