"""SQL → plan → DuckDB SQL, as the golden file says."""

from __future__ import annotations

import pytest

from tests.support.lowering import Case, read
from tests.support.rendering import RENDERED, rendered

CASES = read(RENDERED)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rendered(case: Case) -> None:
    assert rendered(case.sql) == case.expected


def test_no_literal_of_the_query_stands_in_the_text() -> None:
    case = next(case for case in CASES if "--'" in case.sql)
    assert not any("'; --" in line for line in case.expected.splitlines() if not line.startswith("-- with"))
