"""docs/functions.md is what the function table says, and each of its examples is accepted and uses its function."""

from __future__ import annotations

import pytest

from sandbox.plan.canonical import encode
from sandbox.plan.functions import FUNCTIONS
from tests.support.function_examples import EXAMPLES
from tests.support.function_page import PAGE, page
from tests.support.lowering import lowered


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs writes the page"


def test_there_are_enough_functions() -> None:
    assert len(FUNCTIONS) >= 120
    assert FUNCTIONS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_uses_the_function(name: str) -> None:
    example = EXAMPLES[name]
    counted = example if example.startswith("COUNT") else f"COUNT_IF(({example}) IS NOT NULL)"
    sql = f"SELECT {counted} FROM persons p LEFT JOIN visits v ON p.pid = v.pid"
    assert f'"call":"{name}"'.encode() in encode(lowered(sql, "clinic").plan)
