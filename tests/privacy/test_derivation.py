"""What is computed from an earlier release is what a fresh run would have given; with next to no noise, exactly."""

from __future__ import annotations

import json
from itertools import product

import pytest

from policies.cards import Bounds
from sandbox.privacy.kept import from_json, to_json
from sandbox.queries.execution import derived
from sandbox.queries.preparation import prepare
from sandbox.queries.requests import QueryRequest
from sandbox.queries.reuse import Source, find_reuse
from sandbox.workers.job import Job, Parts, Rows, Side
from tests.support.answers import DEADLINE, EVERYTHING, LICENCE, Answer, Asker, Held, InProcess
from tests.support.exact import LIMITS, laboratory
from tests.support.records import FULL, PEOPLE, ROOMY

JOINS = {
    "persons": ("persons p", ("性别", "city", "birth_year // 10")),
    "visits": ("visits v", ("科室", "emergency", "date_trunc('month', 日期)")),
    "inner": ("persons p JOIN visits v ON p.pid = v.pid", ("city", "科室", "emergency")),
    "left": ("persons p LEFT JOIN visits v ON p.pid = v.pid", ("city", "科室", "coalesce(科室, '无')")),
    "public": ("persons p JOIN cities c ON p.city = c.code", ("性别", "name_en", "city")),
    "derived": ("(SELECT pid, city, 性别 AS g, income FROM persons WHERE income > 1) p", ("g", "city", "g = '女'")),
}
NUMBER = {"visits": "费用", "inner": "费用", "left": "income"}
WHERE = {
    "persons": ("", "city = 'A'", "性别 = '女' OR city = 'B'", "birth_year // 10 > 195"),
    "visits": ("", "emergency", "科室 IN ('内科', '外科')", "date_trunc('month', 日期) >= DATE '2024-02-01'"),
    "inner": ("", "city <> 'A'", "科室 = '内科' AND emergency"),
    "left": ("", "科室 IS NULL", "coalesce(科室, '无') = '无'"),
    "public": ("", "name_en LIKE 'A%'", "city = 'A'"),
    "derived": ("", "g = '女'", "NOT (g = '女')"),
}
CHOSEN: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 2), (0, 1, 2))
"""Places of the keys that stay."""
WIDE = Bounds(10**6, 10**6)


def cases(name: str) -> tuple[str, list[str]]:
    """A finer query, and coarser ones: every choice of the keys that stay, with every condition."""
    source, keys = JOINS[name]
    number, unit = NUMBER.get(name, "income"), "p.pid" if name in ("inner", "left") else "pid"
    kept = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
    measured = f"COUNT(*) AS n, SUM({number}) AS s, AVG({number}) AS a, COUNT(DISTINCT {unit}) AS u"
    found = []
    for place, (chosen, condition) in enumerate(product(CHOSEN, WHERE[name])):
        shown = [f"{keys[place]} AS k{place}" for place in chosen]
        where, grouped = f" WHERE {condition}" if condition else "", " GROUP BY ALL" if shown else ""
        plain = (f"COUNT(*) AS n, SUM({number}) AS s", f"AVG({number}) AS a", f"SUM({number}) AS s")[place % 3]
        found.append(f"SELECT {', '.join([*shown, plain])} FROM {source}{where}{grouped}")
        filtered = f"COUNT(*) FILTER (WHERE {condition or 'true'}) AS n"
        found.append(f"SELECT {', '.join([*shown, filtered])} FROM {source}{grouped}")
        found.append(f"SELECT {', '.join([*shown, f'COUNT(DISTINCT {unit}) AS u'])} FROM {source}{where}{grouped}")
    return f"SELECT {kept}, {measured} FROM {source} GROUP BY ALL", found


def computed(asker: Asker, paid: Answer, sql: str) -> bytes | None:
    """The coarser query's release, from the finer one's as it was stored; None where it does not follow."""
    held = Held(asker.data)
    request = QueryRequest("L1", "planning", "clinic", sql, EVERYTHING, WIDE, None)
    prepared = prepare(request, LICENCE, InProcess(), held.snapshots, asker.domains, asker.limits)
    stored = [from_json(to_json(each)) for _, each in paid.execution.kept]
    assert stored == [each for _, each in paid.execution.kept]
    found = find_reuse(
        prepared, lambda relation: [Source("c" * 32, "d" * 64, 0, each) for each in stored if each.relation == relation]
    )
    if found is None:
        return None

    def worker(parts: Parts, side: Side, job: Job) -> Rows:
        assert side is Side.PUBLIC
        return asker._session(parts, side).run(job)

    (release,) = derived(prepared, found, held, worker, DEADLINE)
    return release


def rows(release: bytes) -> list[object]:
    """The rows of a release in an order of their own."""
    return sorted(json.loads(release)["rows"], key=repr)


@pytest.mark.parametrize("name", JOINS)
def test_it_is_what_a_fresh_run_gives(name: str) -> None:
    """Parity: derived answers are fresh ones, and most of what follows is found to."""
    finer, coarser = cases(name)
    with laboratory(FULL, card=ROOMY) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS)
        paid, follow = asker.ask(finer, "clinic", WIDE), 0
        for sql in coarser:
            found = computed(asker, paid, sql)
            if found is not None:
                follow += 1
                assert rows(found) == rows(asker.ask(sql, "clinic", WIDE).execution.release), sql
    assert follow >= len(coarser) // 2
