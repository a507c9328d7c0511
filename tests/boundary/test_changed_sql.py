"""Whatever is asked, the front end gives a plan or refuses with a code, and so does `check` with the plan.

Composed statements with parts exchanged, taken away and put elsewhere. `make test` asks the same ones each time, `make
fuzz` others. What fails says its seed: `seeded(seed, mutated)` is the statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from query_gateway.sql.lower import lower
from sandbox.errors import PROBLEMS, Refusal
from sandbox.plan.check import check
from sandbox.plan.checked import PublicFacts
from tests.property.test_sql_fuzz import SCHEMAS, lowers_or_refuses
from tests.support.cards import CLINIC, domain
from tests.support.draws import seeded
from tests.support.exact import LIMITS
from tests.support.mutations import mutated
from tests.support.search import Search, fuzzing, tried

SEARCH = Search(shares=2, each=250, fuzzed=20_000)
ACCEPTED = 20
"""Changed statements of a share that are queries all the same, at least."""
FACTS = {
    ("clinic", "cities"): PublicFacts(
        3, {"code": ("A", "B", "C")}, {"code": 1, "name_zh": 1, "name_en": 2, "population": 1}
    )
}
PEOPLE = domain(max_units=1000)
NEVER = ("plan.invalid", "plan.raw_rows", "plan.unknown_table", "plan.unknown_column", "plan.unknown_function")
"""What only a plan that nobody wrote in SQL is refused for."""


@pytest.mark.parametrize("share", range(SEARCH.shares))
def test_a_plan_or_a_refusal_with_a_code(share: int) -> None:
    found, failed = Counter[str](), list[int]()

    def once(seed: int) -> None:
        sql = seeded(seed, mutated)
        lowers_or_refuses(sql, "clinic")
        found[judged(sql)] += 1

    for seeds in SEARCH.batches(share):
        tried(seeds, once, failed)
    assert not failed
    assert fuzzing() or found["accepted"] >= ACCEPTED


def judged(sql: str) -> str:
    """What becomes of a statement: accepted, or a code."""
    code = _code(lambda: lower(sql, SCHEMAS["clinic"]))
    if code is None:
        plan = lower(sql, SCHEMAS["clinic"]).plan
        code = _code(lambda: check(plan, {CLINIC.name: CLINIC}, FACTS, {PEOPLE.name: PEOPLE}, LIMITS))
        assert code not in NEVER, sql
    assert code is None or code in PROBLEMS
    return code or "accepted"


def _code(work: Callable[[], object]) -> str | None:
    try:
        work()
    except Refusal as refusal:
        return refusal.code
    return None
