"""How exact counts and sums by clinic are where a few units have most rows and bounds are chosen privately.

Rows are those of the benchmark's visits: half of the units have 3 or fewer, one in a thousand nearly 200, a few very
many. The whole path runs but front end, ledger and workers: judged, priced, chosen, folded, noised, released.
`python -m benchmarks.clinics [ROWS]` prints the mean error per clinic, noise and cut together.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb

from benchmarks.generate import UNIFORM
from policies.cards import ColumnType
from sandbox.engines.duckdb import Session
from sandbox.execution import execute
from sandbox.plan.limits import standard
from sandbox.preparation import prepare
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.loss import Spend
from sandbox.requests import QueryRequest
from sandbox.workers.job import Job, Limits, Parts, Rows, Side
from tests.support.answers import LICENCE, Held, InProcess
from tests.support.cards import card, column, domain, double, private, unit
from tests.support.engine import Loaded

ROWS_PER_UNIT = 1_000_000
CLINICS = 500
CARD = card(
    "visits",
    private(
        "visits",
        unit("pid"),
        column("clinic", ColumnType.INTEGER, values=tuple(range(1, CLINICS + 1))),
        double("cost", "0", "2000"),
        path="pid",
        rows=ROWS_PER_UNIT,
    ),
)
DAYS = 1000.0


def errors(rows: int, sqls: Sequence[str], epsilon: Fraction, rounds: int) -> dict[str, list[float]]:
    """Per query and measured column, the mean relative error per clinic over all rounds; every clinic has visits."""
    with tempfile.TemporaryDirectory() as folder:
        truth, data = _made(Path(folder), rows)
        held = Held([data])
        paths = (f"/proc/self/fd/{data.private}", f"/proc/self/fd/{data.public}")
        session = Session([paths], Limits(threads=2, megabytes=8192))

        def run(_: Parts, __: Side, job: Job) -> Rows:
            return session.run(job)

        found: dict[str, list[float]] = {}
        people = domain(max_units=max(1, rows // 5))
        for sql in sqls:
            request = QueryRequest("L1", "planning", "visits", sql, Spend(epsilon, None), ClipAt(None), None)
            limits = standard(cells=CLINICS)
            prepared = prepare(request, LICENCE, InProcess(), held.snapshots, {people.name: people}, limits)
            answers = [json.loads(execute(prepared, held, run, DAYS).release) for _ in range(rounds)]
            found[sql] = _errors(truth, answers)
        return found


def _errors(truth: dict[int, dict[str, float]], answers: Sequence[dict[str, Any]]) -> list[float]:
    names = [each["name"] for each in answers[0]["columns"]][1:]
    return [
        fmean(abs(row[place] / truth[row[0]][name] - 1) for each in answers for row in each["rows"])
        for place, name in enumerate(names, 1)
    ]


def _made(folder: Path, rows: int) -> tuple[dict[int, dict[str, float]], Loaded]:
    """The private part as load would leave it, and plain SQL's answer."""
    with duckdb.connect(str(folder / "private")) as engine:
        engine.execute(UNIFORM)
        units = rows // 5
        engine.execute(
            f"""CREATE TABLE t0 AS SELECT (floor({units} * pow(u(i, 11), 3))::BIGINT * 7368787) % {units} AS _unit,
            hash(_unit) AS _seed, (1 + floor({CLINICS} * pow(u(i, 12), 2)))::BIGINT AS c1,
            round(least(2000.0, -120 * ln(1 - u(i, 14))), 2)::DOUBLE AS c2 FROM range(0, {rows}) r(i)"""
        )
        found = engine.execute("SELECT c1, COUNT(*), SUM(c2) FROM t0 GROUP BY 1").fetchall()
    duckdb.connect(str(folder / "public")).close()
    private, public = (os.open(folder / name, os.O_RDONLY) for name in ("private", "public"))
    truth = {int(clinic): {"n": float(count), "total": float(total)} for clinic, count, total in found}
    return truth, Loaded(CARD, private, public, {}, (), (), 0)


QUERIES = (
    "SELECT clinic, COUNT(*) AS n FROM visits GROUP BY clinic",
    "SELECT clinic, SUM(cost) AS total FROM visits GROUP BY clinic",
    "SELECT clinic, COUNT(*) AS n, SUM(cost) AS total FROM visits GROUP BY clinic",
)

if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    for asked, means in errors(size, QUERIES, Fraction(1), 5).items():
        sys.stdout.write(f"{asked}: {', '.join(f'{mean:.2%}' for mean in means)}\n")
