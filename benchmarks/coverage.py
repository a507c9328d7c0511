"""`make accuracy`: how often 95 % intervals cover, per kind of cell, and how wide they are beside what that takes.

Noise is drawn without engine or data: only what a release adds to exact totals is run, as often as `RUNS`. Adds
`coverage` to `results/accuracy.json` and the table of README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report
from policies.licences import Notion
from sandbox.privacy.intervals import Interval
from sandbox.privacy.loss import Spend
from tests.support.coverage import covered
from tests.support.released_noise import KINDS, Kind

RESULTS = Path(__file__).parent / "results" / "accuracy.json"
RUNS = 20_000
QUICK = 100
SPENDS = {"zcdp": (Notion.ZCDP, Spend(None, Fraction(1, 50))), "pure": (Notion.PURE, Spend(Fraction(1, 2), None))}
LEAST, MOST, WIDEST = 94.0, 96.0, 1.1
"""Percent that is to be covered; discrete noise may be covered more often where no interval is this much too wide."""

Figure = dict[str, Any]


def main() -> None:
    """Measures and writes the results; fails where a kind misses its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: shows that the harness works")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    found = figures(QUICK if options.quick else RUNS)
    report.add({"coverage": found}, options.results)
    if options.results == RESULTS:
        report.write_coverage(found)
    if not options.quick and (missed := [figure["id"] for figure in found if not figure["met"]]):
        raise SystemExit(f"outside the target: {', '.join(missed)}")


def figures(runs: int) -> list[Figure]:
    """One for each kind of cell and notion."""
    return [
        _figure(name, notion, kind, kind.run(*terms, runs))
        for name, kind in KINDS.items()
        for notion, terms in SPENDS.items()
    ]


def _figure(name: str, notion: str, kind: Kind, intervals: Sequence[Interval | None]) -> Figure:
    said = [each for each in intervals if each is not None]
    value = 100 * covered(said, kind.truth) / len(said)
    width = _width(said, kind.truth) if kind.tight else None
    met = value >= LEAST and (value <= MOST or width is None or width <= WIDEST)
    print(f"{name} {notion}: {value:.2f} %" + ("" if width is None else f", {width:.3f} of nominal"), flush=True)
    return {
        "id": f"coverage.{name}.{notion}",
        "title": name,
        "unit": "%",
        "target": 95,
        "runs": len(intervals),
        "without": len(intervals) - len(said),
        "value": float(f"{value:.4g}"),
        "width": None if width is None else float(f"{width:.4g}"),
        "met": met,
    }


def _width(intervals: Sequence[Interval], truth: float) -> float:
    """The median interval beside the least that would have covered 95 % of these runs."""
    errors = sorted(abs((each.low + each.high) / 2 - truth) for each in intervals)
    needed = errors[round(0.95 * len(errors)) - 1]
    return median((each.high - each.low) / 2 for each in intervals) / needed


if __name__ == "__main__":
    main()
