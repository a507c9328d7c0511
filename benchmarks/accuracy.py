"""`make accuracy`: how far answers are from the truth, beside the best of the peers.

Each query is asked of the running service again and again at ε = 1 (δ = 1e-5 under zCDP), every time with fresh noise,
and compared with plain DuckDB's exact answer; then totals of TPC-H, as `truncation.py` says. Writes
`results/accuracy.json` and the tables of README.md.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks import data, report, truncation
from benchmarks.questions import QUESTIONS, Question
from benchmarks.service import Service
from query_gateway.client.answers import Problem
from sandbox.privacy.clip import ClipAt

RESULTS = Path(__file__).parent / "results" / "accuracy.json"
RUNS = 200
QUICK = 3
SMALL = 0.01
"""Scale of TPC-H when the runs are few."""
NOTIONS = ("pure", "zcdp")
CHOSEN = ClipAt(None)
"""Bounds are chosen privately."""

Figure = dict[str, Any]


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: shows that the harness works")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    found = results(QUICK, SMALL) if options.quick else results(RUNS)
    report.keep(found, options.results)
    if options.results == RESULTS:
        report.write_accuracy(found)


def results(runs: int, scale: float = 1) -> dict[str, Any]:
    """Every figure, and what it was measured on; TPC-H at that scale."""
    with TemporaryDirectory(prefix="vitrine-") as name, Service(Path(name)) as service:
        folder = data.panel()
        service.register()
        service.load("panel", [folder / "members.parquet", folder / "purchases.parquet"])
        service.start()
        truth = {question.name: exact(folder, question.sql) for question in QUESTIONS}
        figures = [
            _measured(service, question, notion, truth[question.name], runs)
            for question in QUESTIONS
            for notion in NOTIONS
        ]
    return report.described(figures + truncation.figures(runs, scale), runs=runs, scale=scale)


def exact(folder: Path, sql: str) -> Mapping[tuple[Any, ...], float]:
    """Plain DuckDB's answer: a number by the group keys before it."""
    with duckdb.connect() as connection:
        for file in sorted(folder.glob("*.parquet")):
            connection.execute(f"CREATE VIEW {file.stem} AS FROM '{file}'")
        return {tuple(row[:-1]): float(row[-1]) for row in connection.execute(sql).fetchall()}


def error(rows: Sequence[Sequence[Any]], truth: Mapping[tuple[Any, ...], float]) -> float:
    """The median over the cells of the relative error; of a cell that is missing it is 1."""
    found = {tuple(row[:-1]): row[-1] for row in rows}
    return median(
        1.0 if found.get(key) is None else abs(float(found[key]) - value) / abs(value) for key, value in truth.items()
    )


def _measured(
    service: Service, question: Question, notion: str, truth: Mapping[tuple[Any, ...], float], runs: int
) -> Figure:
    figure = {
        "id": f"{question.name}.{notion}",
        "title": question.title,
        "data": "panel",
        "unit": "%",
        "target": question.best,
        "better": "lower",
        "peer": {"best": question.best},
    }
    try:
        errors = [error(service.ask(question.query, f"accuracy-{notion}", CHOSEN).rows, truth) for _ in range(runs)]
    except Problem as problem:
        return figure | {"value": None, "refused": problem.code}
    value = 100 * median(errors)
    print(f"{question.name} {notion}: {value:.3g} % (best peer {question.best:g} %)", flush=True)
    if not math.isfinite(value):
        raise ValueError("an error is no number")
    return figure | {"value": float(f"{value:.4g}"), "worst": float(f"{100 * max(errors):.4g}")}


if __name__ == "__main__":
    main()
