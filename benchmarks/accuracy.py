"""`make accuracy`: how far answers are from the truth, beside the best of the peers.

Each question is answered again and again at ε = 1 (δ = 1e-5 under zCDP), every time with fresh noise, and compared with
plain DuckDB's exact answer; then totals of TPC-H at ε = 0.8. Writes `results/accuracy.json` and the tables of
README.md.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data, report
from benchmarks.questions import QUESTIONS, Question
from benchmarks.repeated import LICENCES, Repeated, exact, repeated
from benchmarks.truncation import CUSTOMERS, SUPPLIERS, TOTALS, UNITS
from policies.documents import read_card, read_domain
from sandbox.errors import Refusal

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results" / "accuracy.json"
RUNS = 200
QUICK = 3
SMALL = 0.01
"""Scale of TPC-H when the runs are few."""
EPSILON = Fraction(1)
OF_TOTALS = Fraction("0.8")

Figure = dict[str, Any]


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: shows that the harness works")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    found = results(QUICK, SMALL) if options.quick else results(RUNS)
    report.add(found, options.results)
    if options.results == RESULTS:
        report.write_accuracy(found)


def results(runs: int, scale: float = 1) -> dict[str, Any]:
    """Every figure, and what it was measured on; TPC-H at that scale."""
    card = read_card(FOLDER / "policy" / "cards" / "panel.toml")
    members = read_domain(FOLDER / "policy" / "domains" / "members.toml")
    with repeated(card, members, data.panel()) as panel:
        figures = [
            figure | {"data": "panel"}
            for question in QUESTIONS
            for figure in _figures(panel, question, EPSILON, data.panel(), runs)
        ]
    for units in (CUSTOMERS, SUPPLIERS):
        folder = data.tpch(scale)
        with repeated(units, UNITS[units.unit_domain], folder) as tpch:
            figures += [
                figure | {"data": "tpch"}
                for total in TOTALS
                if total.card is units
                for figure in _figures(tpch, total.question, OF_TOTALS, folder, runs)
            ]
    return report.described(figures, runs=runs, scale=scale)


def error(rows: Sequence[Sequence[Any]], truth: Mapping[tuple[Any, ...], float]) -> float:
    """The median over the cells of the relative error; of a cell that is missing it is 1."""
    found = {tuple(row[:-1]): row[-1] for row in rows}
    return median(
        1.0 if found.get(key) is None else abs(float(found[key]) - value) / abs(value) for key, value in truth.items()
    )


def _figures(asked: Repeated, question: Question, epsilon: Fraction, folder: Path, runs: int) -> list[Figure]:
    """One per notion."""
    truth = exact(folder, question.sql)
    return [_figure(asked, question, notion, epsilon, truth, runs) for notion in LICENCES]


def _figure(
    asked: Repeated,
    question: Question,
    notion: str,
    epsilon: Fraction,
    truth: Mapping[tuple[Any, ...], float],
    runs: int,
) -> Figure:
    figure = {
        "id": f"{question.name}.{notion}",
        "title": question.title,
        "unit": "%",
        "target": question.best,
        "better": "lower",
        "peer": {"best": question.best},
    }
    try:
        errors = [error(rows, truth) for rows in asked.answers(question.sql, notion, epsilon, runs)]
    except Refusal as refusal:
        return figure | {"value": None, "refused": refusal.code}
    value = 100 * median(errors)
    print(f"{question.name} {notion}: {value:.3g} % (best peer {question.best:g} %)", flush=True)
    if not math.isfinite(value):
        raise ValueError("an error is no number")
    return figure | {"value": float(f"{value:.4g}"), "worst": float(f"{100 * max(errors):.4g}")}


if __name__ == "__main__":
    main()
