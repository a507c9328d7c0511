"""The tables of README.md and the chart, from the figures of one run: `python -m benchmarks.report`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

Figure = Mapping[str, Any]

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
CHART = FOLDER / "ratios.svg"
_DISTRIBUTIONS = ("vitrine", "duckdb", "opendp", "sqlglot", "sqlalchemy", "fastapi")
_START, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"
_ACCURACY = "<!-- accuracy -->\n", "<!-- end of accuracy -->\n"
_CLINICS = "<!-- clinics -->\n", "<!-- end of clinics -->\n"
_COVERAGE = "<!-- coverage -->\n", "<!-- end of coverage -->\n"
_AT_ONCE = 0.01
"""Seconds below which plain DuckDB answers at once: then only the overhead shows."""
_MEMORY = {
    "benchmarks.watched": "sandbox",
    "query_gateway": "gateway",
    "query_gateway.sql": "front end, each of two",
    "sandbox.workers.zygote": "worker, the largest",
}
_BAR, _GAP, _LEFT, _WIDTH = 18, 8, 130, 420
_INK, _OURS, _LINE = "#333", "#2a78b8", "#c0392b"


def machine() -> str:
    """What the figures were measured on; nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, load {load:.1f} at the end; {platform.machine()}"


def versions() -> dict[str, str]:
    """Of what was measured."""
    return {"python": platform.python_version(), **{name: version(name) for name in _DISTRIBUTIONS}}


def described(figures: Sequence[Figure], **of: object) -> dict[str, Any]:
    """The figures of a run, with what they were measured on and of."""
    date = datetime.now(UTC).date().isoformat()
    return {"date": date, "machine": machine(), "versions": versions(), **of, "figures": figures}


def keep(found: Mapping[str, Any], path: Path) -> None:
    """Writes the results of a run to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def add(found: Mapping[str, Any], path: Path) -> None:
    """Writes the results of a run to a file, beside what others have left there."""
    kept: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    keep({**kept, **found}, path)


def write(found: Mapping[str, Any]) -> None:
    """Writes the tables into README.md, between their marks, and the chart."""
    figures = {figure["id"]: figure for figure in found["figures"]}
    compared = [figure for figure in found["figures"] if "peer" in figure]
    between(_START, _END, _tables(found, figures, compared))
    CHART.write_text(_chart(compared), encoding="utf-8")


def write_accuracy(found: Mapping[str, Any]) -> None:
    """Writes the table of errors into README.md, between its marks."""
    between(*_ACCURACY, _errors(found))


def write_coverage(figures: Sequence[Figure]) -> None:
    """Writes the table of coverage into README.md, between its marks."""
    by_kind: dict[str, list[Figure]] = {}
    for figure in figures:
        by_kind.setdefault(figure["title"], []).append(figure)
    lines = [
        f"{figures[0]['runs']:,} cells each; the width beside the least that covers 95 % of them.",
        "",
        "| cell | zCDP: covered, width | pure: covered, width |",
        "|---|---|---|",
        *(f"| {title} | {' | '.join(map(_covered, found))} |" for title, found in by_kind.items()),
    ]
    between(*_COVERAGE, "\n".join(lines) + "\n\n")


def write_clinics(found: Mapping[str, Any]) -> None:
    """Writes the table of errors per clinic into README.md, between its marks."""
    numbers = measured_with(found)
    lines = [
        f"Measured on {found['date']}: {found['rows']:,} visits, answers to each query: {found['rounds']}. {numbers}.",
        "",
        "| total per clinic | mean error | target |",
        "|---|---|---|",
        *(f"| {figure['title']} | {figure['value']:g} % | {_target(figure)} |" for figure in found["figures"]),
    ]
    between(*_CLINICS, "\n".join(lines) + "\n\n")


def _covered(figure: Figure) -> str:
    width = "" if figure["width"] is None else f", {figure['width']:g}"
    return f"{figure['value']:g} %{width}"


def measured_with(found: Mapping[str, Any]) -> str:
    """The versions of what was measured, as a part of a sentence."""
    return ", ".join(f"{name} {number}" for name, number in found["versions"].items())


def between(start: str, end: str, text: str) -> None:
    """Writes a text into README.md, between its marks."""
    head, _, rest = README.read_text(encoding="utf-8").partition(start)
    _, _, tail = rest.partition(end)
    README.write_text(head + start + text + end + tail, encoding="utf-8")


def _errors(found: Mapping[str, Any]) -> str:
    """The table of the panel's questions, and that of TPC-H's totals."""
    numbers = measured_with(found)
    lines = [
        f"Measured on {found['date']}, {found['runs']} runs each. {numbers}.",
        "",
        "| question | pure, ε = 1 | zCDP at ε = 1, δ = 1e-5 | best peer |",
        "|---|---|---|---|",
        *_by_question(found, "panel"),
        "",
        f"TPC-H at scale {found['scale']:g}:",
        "",
        "| total | pure, ε = 0.8 | zCDP at ε = 0.8, δ = 1e-5 | race-to-the-top, pure, ε = 0.8 |",
        "|---|---|---|---|",
        *_by_question(found, "tpch"),
    ]
    return "\n".join(lines) + "\n\n"


def _by_question(found: Mapping[str, Any], data: str) -> list[str]:
    """A row for each question about these data: its error under either notion, and the best peer's."""
    by_question: dict[str, list[Figure]] = {}
    for figure in found["figures"]:
        if figure["data"] == data:
            by_question.setdefault(figure["title"], []).append(figure)
    return [
        f"| {title} | {' | '.join(map(_error, figures))} | {figures[0]['peer']['best']:g} % |"
        for title, figures in by_question.items()
    ]


def _error(figure: Figure) -> str:
    return f"refused: `{figure['refused']}`" if figure["value"] is None else f"{figure['value']:g} %"


def _tables(found: Mapping[str, Any], figures: Mapping[str, Figure], compared: Sequence[Figure]) -> str:
    numbers = measured_with(found)
    lines = [
        f"Measured on {found['date']}: {found['machine']}. {numbers}.",
        f"Census of {found['people']:,} one-row units, TPC-H at scale {found['scale']:g}.",
        "",
        (
            "| query | service, s | of it in the worker, s | wait, s | plain DuckDB, s | service ÷ plain |"
            " without overhead | worker ÷ plain | target |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
        *(_compared(figure, figures.get(f"{figure['id']}.executed")) for figure in compared),
        "",
        (
            "Seconds are medians (least–most). *Service* is all between sending and the checked answer;"
            " *without overhead* is that less what the path costs beside its jobs, which is measured by itself"
            " and has a target of its own."
        ),
        "",
        "| figure | value | target |",
        "|---|---|---|",
        *(_row(name, figures[key]) for key, name in _NAMES.items() if key in figures),
        *(_row(f"memory at its most: {name}", figures[f"memory.{key}"]) for key, name in _MEMORY.items()),
    ]
    return "\n".join(lines) + "\n\n"


_NAMES = {
    "overhead.query.p50": "a query beside its wait, on a table of a thousand rows: p50",
    "overhead.query.p99": "the same: p99",
    "overhead.query_without_jobs.p50": "the same without its two jobs in workers: p50",
    "overhead.query_without_jobs.p99": "the same: p99",
    "overhead.estimate.p50": "an estimate: p50",
    "overhead.estimate.p99": "the same: p99",
    "cached": "answers to repeated queries, by four clients on the same cores",
    "start.ready": "from `serve` until ready",
    "start.first_answer": "from `serve` to the first answer",
    "load.census": "loading the census",
    "load.tpch": "loading TPC-H",
}


def _compared(figure: Figure, executed: Figure | None) -> str:
    ours, plain = figure["service"], figure["peer"]
    spreads = " | ".join(_spread(figure[part]) for part in ("service", "worker", "tick", "peer"))
    worker = figure["worker"]["median"] / plain["median"]
    ratio = ours["median"] / plain["median"]
    beside, target = ("", "") if executed is None else (f"{executed['value']:.2f}", _target(executed))
    return f"| {figure['title']} | {spreads} | {ratio:.2f} | {beside} | {worker:.2f} | {target} |"


def _spread(found: Mapping[str, float]) -> str:
    return f"{found['median']:.3f} ({found['min']:.3f}–{found['max']:.3f})"


def _row(name: str, figure: Figure) -> str:
    return f"| {name} | {figure['value']:.4g} {figure['unit']} | {_target(figure)} |"


def _target(figure: Figure) -> str:
    if figure["target"] is None:
        return ""
    return f"{'≤' if figure['better'] == 'lower' else '≥'} {figure['target']:g} {figure['unit']}"


def _chart(compared: Sequence[Figure]) -> str:
    """Bars of service ÷ plain, but for the queries that plain DuckDB answers at once."""
    shown = [figure for figure in compared if figure["peer"]["median"] >= _AT_ONCE]
    most = max((figure["value"] for figure in shown), default=1.0)
    step = _WIDTH / max(most, 2.0)
    height = len(shown) * (_BAR + _GAP) + 50
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} {height}" '
            'font-family="sans-serif" font-size="12" role="img">'
        ),
        "<title>Time of the service as a multiple of plain DuckDB's</title>",
    ]
    for number, figure in enumerate(shown):
        y = 10 + number * (_BAR + _GAP)
        width = figure["value"] * step
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end" fill="{_INK}">{escape(figure["id"])}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{_OURS}"/>',
            f'<text x="{_LEFT + width + 6:.1f}" y="{y + 13}" fill="{_INK}">{figure["value"]:.2f}</text>',
        ]
    bottom = height - 40
    for multiple, word in ((1, "plain DuckDB"), (2, "2×")):
        x = _LEFT + multiple * step
        parts += [
            f'<line x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{bottom}" stroke="{_LINE}" stroke-dasharray="4 3"/>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" fill="{_LINE}">{word}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    write(json.loads((FOLDER / "results" / "speed.json").read_text(encoding="utf-8")))
