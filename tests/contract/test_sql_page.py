"""docs/sql.md is what the code says: every operator and aggregate with rule, cost and an example that uses it."""

from __future__ import annotations

import re

import pytest

from tests.support.judging import judged
from tests.support.sql_page import DATASET, ENUMERATIONS, OPERATORS, PAGE, SECTIONS, Row, operators, page, rows, uses

ROWS = list(rows())
EXAMPLES = [(row, example) for row in ROWS for example in row.examples]


def name(row: Row) -> str:
    return row.thing.__name__ if isinstance(row.thing, type) else f"{type(row.thing).__name__}.{row.thing.name}"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "make docs writes the page"


def test_every_operator_and_function_has_a_row() -> None:
    assert len(operators()) == len(OPERATORS)
    assert [row.thing for row in ROWS] == [*OPERATORS, *(one for each in ENUMERATIONS.values() for one in each)]


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_it_is_described(row: Row) -> None:
    assert row.about
    assert [section for section in SECTIONS if not row.told.get(section)] == [], "write them under it"
    assert re.search(r"\brules? \d|\(rule|public|released|Sort", row.says("Rule"))


@pytest.mark.parametrize(("row", "example"), EXAMPLES, ids=[f"{name(row)}: {sql}" for row, sql in EXAMPLES])
def test_the_example_is_accepted_priced_and_uses_it(row: Row, example: str) -> None:
    prepared = judged(example, DATASET)
    assert uses(prepared.checked.plan, row.thing)
    assert prepared.priced.loss.rho > 0


def test_a_member_without_a_text_is_missed() -> None:
    bare = Row(ROWS[0].thing, "", {})
    with pytest.raises(AssertionError):
        test_it_is_described(bare)
