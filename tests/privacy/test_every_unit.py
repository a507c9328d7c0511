"""Rules 10–14, 18–21 by brute force: every unit that there can be stands once in a database, and each operator over it.

What `check` claims of the relation holds of every unit, and is reached by one where the table says so; no unit moves a
statistic by more than its sensitivity, and where nothing is lost on the way one moves it by exactly that.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import duckdb
import pytest

from policies.cards import Bounds
from sandbox.engines.duckdb import Session
from sandbox.privacy.sensitivity import sensitivity
from tests.privacy.test_bounded_statistics import claimed
from tests.privacy.test_separability import holds
from tests.support.cards import card, integer, private, public, unit, words
from tests.support.engine import load_as, loaded
from tests.support.exact import WORKER, Laboratory
from tests.support.queries import Query
from tests.support.records import PEOPLE

CARD = card(
    "d",
    private("a", unit("pid"), integer("x", 1, 2, nullable=True), path="pid", rows=2),
    private("b", unit("pid"), integer("no"), integer("y", 1, 2, nullable=True), path="pid", key=("no",), rows=2),
    private("c", unit("pid"), words("sex", "f", "m"), path="pid", key=("pid",), unit_key=(), rows=1),
    public("p", integer("k", 1, 3), integer("twice", 1, 2), key=("k",)),
)
CELLS = ("1", "2", "")
ROWS = [some for size in range(3) for some in combinations_with_replacement(CELLS, size)]
"""What a unit can have in `a`, and in `b`."""
UNITS = list(product(ROWS, ROWS, ("f", "m", None)))


def files() -> dict[str, str]:
    a, b, c, no = ["pid,x"], ["pid,no,y"], ["pid,sex"], 0
    for pid, (xs, ys, sex) in enumerate(UNITS):
        a += [f"{pid},{x}" for x in xs]
        for y in ys:
            no += 1
            b.append(f"{pid},{no},{y}")
        c += [] if sex is None else [f"{pid},{sex}"]
    tables = {"a": a, "b": b, "c": c, "p": ["k,twice", "1,1", "2,1", "3,2"]}
    return {name: "\n".join(lines) + "\n" for name, lines in tables.items()}


@pytest.fixture(scope="module")
def everyone() -> Iterator[Laboratory]:
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(loaded(CARD, files(), **load_as(PEOPLE)))
        raw = stack.enter_context(duckdb.connect())
        paths = f"/proc/self/fd/{found.private}", f"/proc/self/fd/{found.public}"
        for path, name in zip(paths, ("private0", "public0"), strict=True):
            raw.execute(f"ATTACH '{path}' AS {name} (READ_ONLY)")
        yield Laboratory(found, PEOPLE, Session([paths], WORKER), raw)


@dataclass(frozen=True, slots=True)
class Case:
    """An operator: rows of one unit that are claimed, and the most that any has."""

    source: str
    rows: int
    worst: int
    number: str = "x"
    key: str = "x"


CASES = {
    "table": Case("a", 2, 2),
    "filter": Case("a WHERE x > 1", 2, 2),
    "inner": Case("a JOIN b ON a.pid = b.pid", 4, 4),
    "left": Case("a LEFT JOIN b ON a.pid = b.pid", 4, 4),
    "left and more": Case("a LEFT JOIN b ON a.pid = b.pid AND x = y", 4, 4),
    "right": Case("a RIGHT JOIN b ON a.pid = b.pid AND x < y", 4, 4),
    "full": Case("a FULL JOIN b ON a.pid = b.pid", 4, 4),
    "full and more": Case("a FULL JOIN b ON a.pid = b.pid AND x < y", 4, 4),
    "itself": Case("b JOIN b q ON b.pid = q.pid AND b.no = q.no", 2, 2, "b.y", "q.y"),
    "one row": Case("a JOIN c ON a.pid = c.pid", 2, 2, "x", "sex"),
    "one row, full": Case("c FULL JOIN a ON a.pid = c.pid", 2, 2, "x", "sex"),
    "public key": Case("a JOIN p ON x = k", 2, 2, "x", "twice"),
    "public, not a key": Case("a LEFT JOIN p ON x = twice", 4, 4, "k", "k"),
    "public, any": Case("a JOIN p ON x <= k", 6, 6, "k", "k"),
    "semi": Case("a SEMI JOIN b ON a.pid = b.pid AND x = y", 2, 2),
    "anti": Case("a ANTI JOIN b ON a.pid = b.pid", 2, 2),
    "mark": Case("a WHERE x = 1 OR a.pid IN (SELECT pid FROM b WHERE y = 2)", 2, 2),
    "not in": Case("a WHERE x NOT IN (SELECT y FROM b WHERE a.pid = b.pid)", 2, 2),
    "union all": Case("(SELECT pid, x FROM a UNION ALL SELECT pid, y FROM b) q", 4, 4),
    "union": Case("(SELECT pid, x FROM a UNION SELECT pid, y FROM b) q", 3, 3),
    "intersect": Case("(SELECT pid, x FROM a INTERSECT SELECT pid, y FROM b) q", 2, 2),
    "except": Case("(SELECT pid, x FROM a EXCEPT SELECT pid, y FROM b) q", 2, 2),
    "distinct": Case("(SELECT DISTINCT pid, x FROM a) q", 2, 2),
    "distinct of a union": Case("(SELECT DISTINCT pid, x IS NULL AS x FROM a) q", 2, 2, "length(CAST(x AS TEXT))"),
    "group": Case("(SELECT pid, COUNT(*) AS x FROM a GROUP BY pid) q", 1, 1),
    "group by more": Case("(SELECT pid, x, SUM(y) AS s FROM a JOIN b USING (pid) GROUP BY ALL) q", 3, 2, "s"),
    "window": Case("(SELECT pid, SUM(y) OVER (PARTITION BY pid ORDER BY no) AS x FROM b) q", 2, 2),
    "row number": Case(
        "(SELECT pid, x FROM (SELECT a.pid, x, ROW_NUMBER() OVER (PARTITION BY a.pid ORDER BY no, x) AS r"
        " FROM a JOIN b ON a.pid = b.pid) WHERE r <= 3) q",
        3,
        3,
    ),
    "row number of parts": Case(
        "(SELECT pid, x FROM (SELECT a.pid, x, ROW_NUMBER() OVER (PARTITION BY a.pid, y ORDER BY no, x) AS r"
        " FROM a JOIN b ON a.pid = b.pid) WHERE r = 1) q",
        4,
        2,
    ),
    "cte twice": Case("e JOIN e f ON e.pid = f.pid AND e.y < f.y", 4, 1, "e.y", "f.y"),
}
ENTIRE = ("table", "inner", "left", "full", "one row", "public key", "union all", "group")
"""Where one unit reaches every sensitivity at once: nothing on the way leaves values out."""
BOUNDS = (None, Bounds(1, 1), Bounds(2, 1), Bounds(1, 2), Bounds(2, 2))


def measured(case: Case, *, keyed: bool) -> Query:
    shown = [f"{case.key} AS k"] if keyed else []
    number = case.number
    shown += ["COUNT(*)", f"COUNT({number})", f"SUM({number})", f"AVG({number})", f"COUNT(DISTINCT {number})"]
    ctes = "WITH e AS (SELECT pid, y FROM b WHERE y > 0) " if "e JOIN e" in case.source else ""
    return Query(f"{ctes}SELECT {', '.join(shown)} FROM {case.source}{' GROUP BY ALL' if keyed else ''}", (), False)


@pytest.mark.parametrize("name", CASES)
def test_no_unit_there_can_be_is_beyond_the_claim(name: str, everyone: Laboratory) -> None:
    case = CASES[name]
    for keyed in (False, True):
        (checked,) = everyone.measures(measured(case, keyed=keyed))
        rows = everyone.rows(checked)
        holds(checked, rows)
        most = max(Counter(row.unit for row in rows).values())
        assert (checked.source.rows, most) == (case.rows, case.worst)
        for bounds in BOUNDS:
            measure = everyone.bound(checked, bounds)
            totals, units = everyone.contributed(measure, rows)
            assert everyone.statistics(measure) == totals
            for moved in units:
                claimed(measure, moved)
            if name not in ENTIRE or keyed:
                continue
            for place, statistic in enumerate(measure.statistics):
                reached = max(abs(vector[place]) for moved in units for vector in moved.values())
                assert reached == sensitivity(measure, statistic).linf, (statistic, bounds)


def test_every_unit_is_there(everyone: Laboratory) -> None:
    assert len(UNITS) == 300
    (checked,) = everyone.measures(
        Query("SELECT COUNT(DISTINCT pid) FROM a FULL JOIN b USING (pid) FULL JOIN c USING (pid)", (), False)
    )
    assert len({row.unit for row in everyone.rows(checked)}) == len(UNITS) - 1, "all but the one without rows"
