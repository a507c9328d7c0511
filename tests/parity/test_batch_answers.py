"""With ε → ∞ each query of a batch is answered as it is alone, however much of it is measured with others."""

from __future__ import annotations

import json

import pytest

from policies.cards import Bounds
from sandbox.plan.joint import joint
from sandbox.queries.execution import execute
from sandbox.queries.preparation import prepare
from sandbox.queries.requests import QueryRequest
from sandbox.workers.job import Job, Parts, Rows, Side
from tests.support.answers import DEADLINE, EVERYTHING, LICENCE, Asker, Held, InProcess
from tests.support.cards import CLINIC
from tests.support.exact import LIMITS, laboratory
from tests.support.queries import every_answer
from tests.support.records import FULL, PEOPLE, ROOMY

WIDE = Bounds(10**6, 10**6)
WITHIN = "SELECT pid, 科室, COUNT(*) AS n, MAX(费用) AS m FROM visits WHERE emergency GROUP BY pid, 科室"
MARK = "EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND v.费用 > 5)"
RANKED = "SELECT pid, 科室, 费用, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) AS r FROM visits"
BATCHES: dict[str, tuple[tuple[str, ...], int]] = {
    "columns of one table": (
        (
            "SELECT city, COUNT(*) AS n FROM persons GROUP BY 1",
            "SELECT city, SUM(income) AS s, AVG(birth_year) AS b FROM persons GROUP BY 1",
            "SELECT p.city AS c, COUNT(*) AS m FROM persons p GROUP BY 1 ORDER BY m",
        ),
        1,
    ),
    "joins": (
        (
            "SELECT p.city, COUNT(*) AS n FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY 1",
            "SELECT p.city, SUM(v.费用) AS s FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY 1",
            "SELECT p.city, COUNT(v.费用) AS n FROM persons p LEFT JOIN visits v ON p.pid = v.pid GROUP BY 1",
        ),
        2,
    ),
    "groups within units": (
        (
            f"SELECT 科室, SUM(n) AS s FROM ({WITHIN}) GROUP BY 1",
            f"SELECT 科室, SUM(m) AS s, COUNT(*) AS c FROM ({WITHIN}) GROUP BY 1",
        ),
        1,
    ),
    "marks, windows and unions": (
        (
            f"SELECT city, COUNT(*) AS n FROM persons p WHERE {MARK} GROUP BY 1",
            f"SELECT city, SUM(income) AS s FROM persons p WHERE {MARK} GROUP BY 1",
            f"SELECT 科室, COUNT(*) AS n FROM ({RANKED}) WHERE r = 1 GROUP BY 1",
            f"SELECT 科室, SUM(费用) AS s FROM ({RANKED}) WHERE r = 1 GROUP BY 1",
            "SELECT COUNT(*) AS n FROM (SELECT pid, income AS x FROM persons UNION ALL SELECT pid, 费用 FROM visits)",
            "SELECT SUM(x) AS s FROM (SELECT pid, income AS x FROM persons UNION ALL SELECT pid, 费用 FROM visits)",
        ),
        3,
    ),
    "measures that read others": (
        (
            "SELECT COUNT(*) AS n FROM visits WHERE 费用 > (SELECT AVG(费用) FROM visits)",
            "SELECT AVG(费用) AS a FROM visits",
            "SELECT SUM(费用) AS s FROM visits WHERE 费用 > (SELECT AVG(费用) FROM visits)",
        ),
        2,
    ),
    "conditions that differ": (
        (
            "SELECT COUNT(*) AS n FROM visits WHERE 费用 > 5",
            "SELECT COUNT(*) AS n FROM visits WHERE 费用 > 6",
            "SELECT COUNT(*) AS n FROM (SELECT DISTINCT pid, 科室 FROM visits)",
            "SELECT COUNT(*) AS n FROM (SELECT DISTINCT pid, 科室, emergency FROM visits)",
        ),
        4,
    ),
}
"""Queries, and how many measures they need together."""


def rows(release: bytes) -> list[object]:
    """Rows and what is said of them, in an order of their own."""
    found = json.loads(release)
    return [found["columns"], sorted(found["rows"], key=repr)]


def compared(asker: Asker, queries: tuple[str, ...]) -> int:
    """How many measures the batch needs, when each of its queries is answered as it is alone."""
    held = Held(asker.data)
    request = QueryRequest("L1", "planning", "clinic", queries[0], EVERYTHING, WIDE, None, further=queries[1:])
    prepared = prepare(request, LICENCE, InProcess(), held.snapshots, asker.domains, asker.limits)

    def worker(parts: Parts, side: Side, job: Job) -> Rows:
        return asker._session(parts, side).run(job)

    execution = execute(prepared, held, worker, DEADLINE)
    for sql, release in zip(queries, execution.releases, strict=True):
        assert rows(release) == rows(asker.ask(sql, "clinic", WIDE).execution.release), sql
    return len(prepared.priced.measures)


@pytest.mark.parametrize(("queries", "measures"), BATCHES.values(), ids=BATCHES)
def test_queries_answer_as_they_do_alone(queries: tuple[str, ...], measures: int) -> None:
    with laboratory(FULL, card=ROOMY) as lab:
        assert compared(Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS), queries) == measures


def test_every_kind_of_answer_in_batches() -> None:
    with laboratory(FULL.doubled(), card=ROOMY) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS)
        every = [query.sql for query in every_answer()[::7]]
        for start in range(0, len(every), 4):
            compared(asker, tuple(every[start : start + 4]))


def test_the_first_plan_keeps_its_names() -> None:
    plans = [InProcess().lower(sql, "clinic", [CLINIC]).plan for queries, _ in BATCHES.values() for sql in queries]
    for plan in plans:
        assert joint([plan]) == (plan,)
        first, second = joint([plan, plan])
        assert (first, second.measures) == (plan, plan.measures)
