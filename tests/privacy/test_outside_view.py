"""Neighbouring databases compared by all that leaves the sandbox, byte by byte, with the noise taken out (design §4).

The worlds do the same things; their data differ by the records of one person. Answers and their headers, refusals,
estimates, catalogue, history, the whole database, the exported log, the operator's log, metrics and files are equal.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from sandbox.datasets.snapshot import Snapshots
from sandbox.errors import Fault
from sandbox.privacy.keys import Key, Totals, align
from sandbox.queries import execution
from sandbox.registry import acts
from sandbox.serving.door import Door
from sandbox.serving.frames import HttpAnswer
from sandbox.workers.job import Job, Parts, Rows, Side
from sandbox.workers.pool import FailureKind, WorkerFailure
from tests.support.broker_world import ZCDP, licence_text, query
from tests.support.outside import View, Watched, difference, plain_name, view
from tests.support.records import CITIES, FULL, Records

RHO = {"rho": "0.5"}
NOBODY = Records((), (), (), CITIES)
PERSON = ("9", "女", "1985", "123.45", "A")
VISITS = (("901", "9", "内科", "2024-02-29", "99.99", "true"), ("902", "9", "外科", "2024-12-31", "", "false"))


DRUGS = (("901", "A", "3"),)
Row: TypeAlias = tuple[str, ...]


def with_one(
    base: Records, persons: Sequence[Row] = (PERSON,), visits: Sequence[Row] = VISITS, drugs: Sequence[Row] = DRUGS
) -> Records:
    """The records and those of one more person."""
    return replace(base, persons=(*base.persons, *persons), visits=(*base.visits, *visits), drugs=(*base.drugs, *drugs))


LARGEST, SMALLEST = str(2**63 - 1), str(-(2**63))
PEOPLE: Mapping[str, Records] = {
    "nobody more": FULL,
    "one like others": with_one(FULL),
    "one of too many rows and extreme values": with_one(
        FULL,
        persons=[("9", "", SMALLEST, "-inf", "Z")],
        visits=[
            (LARGEST, "9", "牙科" * 5000, "0001-01-01", "1e308", "false"),
            (SMALLEST, "9", "", "9999-12-31", "nan", "true"),
            ("0", "9", "\u0001'\";--", "2024-02-29", "-0.0", "true"),
            *((str(900 + n), "9", "内科", "2024-01-01", str(n), "true") for n in range(60)),
        ],
        drugs=[(LARGEST, "C", LARGEST), ("0", "A", SMALLEST), ("", "B", "0"), *[("901", "B", "10")] * 300],
    ),
    "one of missing values and no person's row": with_one(
        FULL, persons=(), visits=[("900", "9", "其他", "2024-02-29", "", "false")], drugs=()
    ),
}

QUERIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SELECT COUNT(*) AS n, COUNT(income) AS k, SUM(income) AS s, AVG(income) AS a FROM persons", {"bounds": "card"}),
    ("SELECT city, COUNT(*) AS n, STDDEV(income) AS d FROM persons GROUP BY city ORDER BY n DESC, city LIMIT 2", {}),
    ("SELECT 科室, emergency, COUNT(*) AS n FROM visits GROUP BY ROLLUP (科室, emergency) HAVING n > 1", {}),
    ("SELECT MEDIAN(费用) AS m, MIN(费用) AS l, MAX(费用) AS h FROM visits", {}),
    ("SELECT visit_no // 4 AS k, COUNT(*) AS n, SUM(费用) AS s FROM visits GROUP BY 1", {}),
    ("SELECT visit_no // 4 AS k, MEDIAN(费用) AS m FROM visits GROUP BY 1", {}),
    ("SELECT COUNT(DISTINCT pid) AS u, COUNT(DISTINCT visit_no) AS v FROM visits", {}),
    (("SELECT COUNT(*) AS n FROM persons p JOIN visits v ON p.pid = v.pid JOIN drugs d ON v.visit_no = d.visit_no"
      " WHERE packs > 1 AND income / 费用 > 1"), {}),
    ("SELECT AVG(t) AS a FROM (SELECT pid, SUM(费用) AS t, MAX(日期) AS d FROM visits GROUP BY pid) s", {}),
    (("SELECT COUNT(*) AS n FROM (SELECT ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 费用) AS r FROM visits) s"
      " WHERE r = 1"), {}),
    (("SELECT COUNT(*) AS n FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid)"
      " AND income > (SELECT AVG(income) FROM persons)"), {}),
    ("SELECT SUM(visit_no) AS s FROM visits", {"ranges": "auto"}),
    ("SELECT COUNT(*) AS n FROM visits", {"spend": {"half_width": "40", "confidence": "0.9", "at_most": {"rho": "9"}}}),
    ("SELECT COUNT(*) AS n, SUM(费用) AS s FROM visits", {"licence": "P1", "spend": {"epsilon": "2"}}),
    ("SELECT name_en, SUM(population) AS p FROM cities GROUP BY 1 ORDER BY 1", {}),
    ("SELECT date_trunc('month', 日期) AS m, COUNT(*) AS n FROM visits GROUP BY 1 ORDER BY n, m", {}),
)  # fmt: skip
REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SELECT income FROM persons", {}),
    ("SELEC", {}),
    ("SELECT SUM(visit_no) FROM visits", {}),
    ("SELECT COUNT(*) FROM persons", {"licence": "L9"}),
    ("SELECT COUNT(*) FROM persons", {"licence": "poor"}),
    ("SELECT COUNT(*) FROM persons", {"spend": {"rho": "-1"}}),
)
KEYS = frozenset[Key]({(1,), (3,)})
"""Of the private group keys, those that are released: they are some of `FULL`."""


def body(sql: str, changes: Mapping[str, Any]) -> bytes:
    return query(sql, changes.get("spend", RHO), **{name: value for name, value in changes.items() if name != "spend"})


def asked(found: Watched) -> None:
    """A history with everything that can be asked and that can happen to what was asked."""
    found.world.issue(licence_text("poor", ZCDP.replace("1000000", "0.0001", 1)))
    for sql, changes in QUERIES:
        found.ask(body(sql, changes), "/v1/estimates")
        answer = found.ask(body(sql, changes))
        assert answer.get("state") == "released", answer
        assert "visit_no // 4" not in sql or {row[0] for row in answer["release"]["rows"]} == {key for (key,) in KEYS}
    for sql, changes in REFUSED:
        assert "code" in found.ask(body(sql, changes))
    _again(found)
    _interrupted(found)
    for number, failure in enumerate((*map(WorkerFailure, FailureKind), Fault("the engine said 123.45"))):
        found.failing = failure
        sql = f"SELECT COUNT(*) AS n FROM persons WHERE birth_year > {1950 + number}"
        assert found.ask(body(sql, {}))["code"] == "service.failed"
    found.failing = None
    for path in ("/v1/catalogue", "/v1/licences", "/v1/licences/L1", "/v1/queries", "/v1/audit/checkpoint"):
        found.ask(None, path)
    found.ask(None, "/v1/audit/entries", parameters="start=0&end=9")
    found.ask(None, "/v1/audit/proofs/inclusion", parameters="index=1&size=9")


def _again(found: Watched) -> None:
    """Repeats, copies, answers by reuse, a batch, and answers in another form."""
    sql, changes = QUERIES[1]
    for key in ("one", "one", "two"):
        found.ask(body(sql, changes), idempotency=key)
    assert found.ask(body(QUERIES[2][0], {}), idempotency="one")["code"] == "request.idempotency_conflict"
    found.ask(body(sql, changes), headers={"accept": "text/csv"})
    assert found.ask(body(sql, {"licence": "L2"}))["state"] == "released"
    assert found.ask(body("SELECT COUNT(*) * 2 AS n FROM persons", {}))["state"] == "released"
    batch = json.loads(body("", {}))
    del batch["sql"]
    batch |= {"queries": [sql for sql, _ in QUERIES[1:5]]}
    for path in ("/v1/estimates:batch", "/v1/queries:batch"):
        found.ask(json.dumps(batch).encode(), path)


def _interrupted(found: Watched) -> None:
    """A caller who does not wait; a licence that is suspended while its answer is on the way."""
    for place, suspended in enumerate((False, True)):
        sql = f"SELECT COUNT(*) + {place} AS n FROM visits WHERE 费用 > {place}"
        found.open.clear()
        told = found.ask(body(sql, {"licence": "L2"}), headers={"prefer": "respond-async"})
        assert told["state"] == "authorized"
        found.ask(None, f"/v1/queries/{told['id']}")
        if suspended:
            found.world.act(acts.suspend_licence, "L2")
        found.open.set()
        found.world.broker.runs.awaited(told["id"], wait=True)
        ended = found.ask(None, f"/v1/queries/{told['id']}")
        assert ended.get("code") == ("service.failed" if suspended else None)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> View:
    return view(tmp_path_factory.mktemp("before") / "world", FULL, KEYS, asked)


@pytest.mark.parametrize("who", [who for who, of in PEOPLE.items() if of is not FULL])
def test_one_person_changes_nothing_that_is_seen(before: View, who: str, tmp_path: Path) -> None:
    """Rules 2, 3, 4 and 8."""
    assert difference(before, view(tmp_path / "world", PEOPLE[who], KEYS, asked)) == []


def briefly(found: Watched) -> None:
    """The least history in which every planted leak shows, whatever the records are."""
    for sql, changes in (QUERIES[0], QUERIES[2]):
        assert found.ask(body(sql, changes))["state"] == "released"
    found.failing = WorkerFailure(FailureKind.ENGINE)
    assert found.ask(body(REFUSED[3][0], {"licence": "L2"}))["code"] == "service.failed"
    found.failing = None
    found.ask(None, "/v1/catalogue")


def test_the_first_person_changes_nothing_that_is_seen(tmp_path: Path) -> None:
    """Nobody's records and one person's: nothing tells them apart either."""
    worlds = [view(tmp_path / name, of, frozenset(), briefly) for name, of in (("0", NOBODY), ("1", with_one(NOBODY)))]
    assert difference(*worlds) == []


def _log_line(patch: pytest.MonkeyPatch) -> None:
    """The operator's log tells how many rows a job gave."""

    honest: Callable[..., Totals] = vars(execution)["measure"]

    def telling(steps: Any, exact: Totals, invocations: Any) -> Totals:
        logging.getLogger("vitrine.broker").info("totals: %s", exact.columns)
        return honest(steps, exact, invocations)

    patch.setattr(execution, "measure", telling)


def _header(patch: pytest.MonkeyPatch) -> None:
    """A header is as long as there are records."""
    run, answer, rows = Watched.run, Door._answer, list[Rows]()

    def watching(self: Watched, parts: Parts, side: Side, job: Job) -> Rows:
        found = run(self, parts, side, job)
        rows.extend([found] if side is Side.PRIVATE else [])
        return found

    def telling(self: Door, *words: Any, **named: Any) -> HttpAnswer:
        found = answer(self, *words, **named)
        return replace(found, headers=(*found.headers, ("retry-after", "1" * int(str(rows[0].rows[0][0])))))

    patch.setattr(Watched, "run", watching)
    patch.setattr(Door, "_answer", telling)


def _plain_digest(patch: pytest.MonkeyPatch) -> None:
    """A snapshot is named by a digest that everybody can make."""

    def digest(_: Snapshots, descriptor: int) -> str:
        return sha256(os.pread(descriptor, os.fstat(descriptor).st_size, 0)).hexdigest()

    patch.setattr(Snapshots, "_digest", digest)
    patch.setattr(Snapshots, "_identity", lambda _, found: plain_name(found))


def _order(patch: pytest.MonkeyPatch) -> None:
    """Rows leave in the order of the exact totals."""

    def sorting(bounded: Any, rows: Any) -> Totals:
        found = align(bounded, rows)
        order = sorted(range(len(found.keys)), key=lambda place: [column[place] for column in found.columns.values()])
        columns = {name: tuple(column[place] for place in order) for name, column in found.columns.items()}
        levels = tuple(found.levels[place] for place in order) if found.levels else ()
        return replace(found, keys=tuple(found.keys[place] for place in order), columns=columns, levels=levels)

    patch.setattr(execution, "align", sorting)


@pytest.mark.parametrize("plant", [_log_line, _header, _plain_digest, _order], ids=lambda each: each.__name__)
def test_a_planted_leak_is_seen(plant: Callable[[pytest.MonkeyPatch], None], tmp_path: Path) -> None:
    found = [view(tmp_path / name, PEOPLE[name], KEYS, briefly, plant) for name in ("nobody more", "one like others")]
    assert difference(*found) != []
