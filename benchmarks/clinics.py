"""How exact counts and sums by clinic are where a few units have most rows and bounds are chosen privately.

Rows are those of the benchmark's visits: half of the units have 3 or fewer, one in a thousand nearly 200, a few very
many. The whole path runs but front end, ledger and workers: judged, priced, chosen, folded, noised, released.
`python -m benchmarks.clinics [--rows N] [--rounds N]` writes the mean error per clinic, noise and cut together.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb

from benchmarks import report
from benchmarks.generate import UNIFORM
from policies.cards import ColumnType
from sandbox.engines.duckdb import Session
from sandbox.plan.limits import standard
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.loss import Spend
from sandbox.queries.execution import execute
from sandbox.queries.preparation import prepare
from sandbox.queries.requests import QueryRequest
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
MEGABYTES = 12_000
"""For the engine: a fold of all units and clinics stays in memory."""


RESULTS = Path(__file__).parent / "results" / "clinics.json"
TARGET = 3.0
"""Percent, of 50 million visits at ε = 1."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clinics", description="Sums per clinic, bounds chosen.")
    parser.add_argument("--rows", type=int, default=50_000_000, help="visits (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="answers to each query (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args(argv)
    found = errors(options.rows, QUERIES, Fraction(1), options.rounds)
    figures = [_figure(sql, place, 100 * value) for sql, means in found.items() for place, value in enumerate(means)]
    results = report.described(figures, rows=options.rows, rounds=options.rounds)
    report.keep(results, options.results)
    if options.results == RESULTS:
        report.write_clinics(results)
    return 0


def _figure(sql: str, place: int, value: float) -> report.Figure:
    parts = sql.removeprefix("SELECT clinic, ").split(" FROM ")[0].split(", ")
    alone = "" if len(parts) == 1 else f", asked for with {parts[1 - place].split('(')[0]}"
    title = f"{parts[place].split(' AS ')[0]}{alone}"
    return {"id": title, "title": title, "value": round(value, 2), "unit": "%", "target": TARGET, "better": "lower"}


def errors(rows: int, sqls: Sequence[str], epsilon: Fraction, rounds: int) -> dict[str, list[float]]:
    """Per query and measured column, the mean relative error per clinic over all rounds; every clinic has visits."""
    with tempfile.TemporaryDirectory() as folder:
        truth, data = _made(Path(folder), rows)
        held = Held([data])
        paths = (f"/proc/self/fd/{data.private}", f"/proc/self/fd/{data.public}")
        session = Session([paths], Limits(threads=2, megabytes=MEGABYTES))

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
    "SELECT clinic, COUNT(*) AS n, SUM(cost) AS total FROM visits GROUP BY clinic",
    "SELECT clinic, COUNT(*) AS n FROM visits GROUP BY clinic",
    "SELECT clinic, SUM(cost) AS total FROM visits GROUP BY clinic",
)

if __name__ == "__main__":
    raise SystemExit(main())
