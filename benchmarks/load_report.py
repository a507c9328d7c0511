"""The table of README.md about a run under load, and its picture: `python -m benchmarks.load_report`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log10
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.crowd import Done, percentiles
from benchmarks.disturbance import Disturbance
from benchmarks.footprint import FRONTENDS, GATEWAY, SANDBOX, SERVE, WORKERS, ZYGOTE, Held

CHART = Path(__file__).parent / "load.svg"
TOGETHER = ((SANDBOX,), (ZYGOTE, WORKERS), (FRONTENDS,), (GATEWAY,), (SERVE,))
"""Parts whose memory is told together: a worker shares most of its own with the zygote that forked it."""
_MARKS = "<!-- load -->\n", "<!-- end of load -->\n"
_BUCKETS = 60
_LEFT, _WIDTH, _TOP, _HEIGHT, _BETWEEN = 60, 560, 24, 150, 50
_INK, _GRID, _P50, _P99, _KILL = "#333", "#ddd", "#2a78b8", "#9dc3e6", "#c0392b"
_COLOURS = ("#2a78b8", "#6aa84f", "#8e63b5", "#e69138", "#999999")
_NAMES = {
    "requests": "acts of people",
    "rate": "acts a second, in peace",
    "errors": "other than what must come",
    "turned_away": "turned away for want of a processor (`sql.too_complex`, `service.busy`)",
    "growth.memory": "growth of memory after the warm-up, one worker counted",
    "growth.memory.sandbox": "of it: sandbox",
    "growth.memory.workers": "of it: a worker",
    "growth.memory.front ends": "of it: front ends",
    "growth.memory.gateway": "of it: gateway",
    "growth.files": "growth of open descriptors",
    "growth.threads": "growth of threads",
    "strays.sandbox": "descriptors of the sandbox at rest, beyond those at the end of the warm-up",
    "strays.gateway": "the same of the gateway",
    "zombies": "ended processes not collected",
    "orphans": "processes that outlived a killed sandbox",
    "not_served": "sandboxes that were not started again in two minutes",
    "temporary_files": "temporary files left",
    "kills.workers": "workers killed",
    "kills.sandboxes": "sandboxes killed",
    "runs.again": "runs begun again",
    "restart": "from the kill of a sandbox until both sides answer, median",
    "charges": "charges",
    "charges.lost": "answers whose charge the log does not hold",
    "charges.unacknowledged": "charges that nobody was answered",
    "charges.open": "charges without an end",
    "charges.failed": "charges that failed",
    "accounts.differing": "accounts that spent else than people were told",
    "entries": "entries of the log verified offline",
    "findings": "findings of the verifier",
    "database": "the database at the end; it grows by design",
}


def series(
    done: Sequence[Done], samples: Sequence[tuple[float, Mapping[str, Held]]], kills: Disturbance
) -> dict[str, Any]:
    """What the picture shows, of a run: latency and memory over time, and when was killed."""
    end = max([each.at for each in done] + [at for at, _ in samples])
    width = end / _BUCKETS
    found = []
    for number in range(_BUCKETS):
        low, high = number * width, (number + 1) * width
        cuts = percentiles([each for each in done if low <= each.at < high])
        held = [each for at, each in samples if low <= at < high]
        memory = {
            "+".join(parts): round(median(sum(each[part].memory for part in parts) for each in held) / 2**20, 1)
            for parts in (TOGETHER if held else ())
        }
        found.append(
            {"at": round(low + width / 2, 1), "latency": cuts and [round(cut) for cut in cuts], "memory": memory}
        )
    return {
        "seconds": round(end),
        "series": found,
        "killed": {
            "workers": [round(at, 1) for at in kills.workers],
            "sandboxes": [round(at, 1) for at in kills.sandboxes],
        },
    }


def write(found: Mapping[str, Any]) -> None:
    """Writes the table into README.md, between its marks, and the picture."""
    report.between(*_MARKS, _table(found))
    CHART.write_text(_chart(found), encoding="utf-8")


def _table(found: Mapping[str, Any]) -> str:
    figures = {figure["id"]: figure for figure in found["figures"]}
    kinds = sorted({name.split(".")[1] for name in figures if name.startswith(("peace.", "disturbance."))})
    numbers = report.measured_with(found)
    lines = [
        f"Measured on {found['date']}, {found['seconds']} s of load: {found['machine']}. {numbers}.",
        "",
        "| act | in peace: p50, p99 (ms) | while killed: p50, p99 (ms) |",
        "|---|---|---|",
        *(f"| {kind} | {_cuts(figures, 'peace', kind)} | {_cuts(figures, 'disturbance', kind)} |" for kind in kinds),
        "",
        "| figure | value | target |",
        "|---|---|---|",
        *(_row(name, figures[key]) for key, name in _NAMES.items() if key in figures),
    ]
    return "\n".join(lines) + "\n\n"


def _cuts(figures: Mapping[str, report.Figure], when: str, kind: str) -> str:
    names = [f"{when}.{kind}.{cut}" for cut in ("p50", "p99")]
    return ", ".join(f"{figures[name]['value']:.0f}" for name in names if name in figures)


def _row(name: str, figure: report.Figure) -> str:
    target = "" if figure["target"] is None else f"≤ {figure['target']:g} {figure['unit']}".rstrip()
    return f"| {name} | {figure['value']:.4g} {figure['unit']}".rstrip() + f" | {target} |"


def _chart(found: Mapping[str, Any]) -> str:
    """Latency above, on a scale of powers of ten; memory below; the kills as lines through both."""
    end = found["seconds"]
    shown = found["series"]
    height = _TOP + 2 * _HEIGHT + _BETWEEN + 60
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 130} {height}" '
            'font-family="sans-serif" font-size="12" role="img">'
        ),
        "<title>Latency and memory of the service over a run under load</title>",
    ]
    parts += [_mark(at, end, _GRID) for at in found["killed"]["workers"]]
    parts += [_mark(at, end, _KILL) for at in found["killed"]["sandboxes"]]
    parts += _latency(shown, end)
    parts += _memory(shown, end)
    bottom = _TOP + 2 * _HEIGHT + _BETWEEN
    for step in range(5):
        seconds = end * step / 4
        parts.append(_text(_x(seconds, end), bottom + 18, f"{seconds:.0f} s", "middle"))
    parts.append(_text(_LEFT, bottom + 40, "red: sandbox killed; grey: worker killed", "start", _KILL))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _latency(shown: Sequence[Mapping[str, Any]], end: float) -> list[str]:
    cuts = [(each["at"], each["latency"]) for each in shown]
    most = max([10.0, *(both[1] for _, both in cuts if both)])
    decades = next(n for n in range(1, 10) if 10**n >= most)

    def y(milliseconds: float) -> float:
        return _TOP + _HEIGHT - _HEIGHT * log10(max(1.0, milliseconds)) / decades

    parts = [_text(_LEFT, _TOP - 10, "latency, ms", "start")]
    for power in range(decades + 1):
        parts += _line(y(10.0**power), f"{10**power}")
    for place, colour, name in ((1, _P99, "p99"), (0, _P50, "p50")):
        points = [(at, both[place]) for at, both in cuts if both]
        parts.append(_path([(_x(at, end), y(value)) for at, value in points], colour))
        parts.append(_text(_LEFT + _WIDTH + 8, y(points[-1][1]) + 4 if points else _TOP, name, "start", colour))
    return parts


def _memory(shown: Sequence[Mapping[str, Any]], end: float) -> list[str]:
    top = _TOP + _HEIGHT + _BETWEEN
    groups = ["+".join(parts) for parts in TOGETHER]
    most = max([1.0, *(each["memory"][group] for each in shown for group in groups if each["memory"])])
    parts = [_text(_LEFT, top - 10, "memory (PSS), MiB", "start")]
    for quarter in range(5):
        parts += _line(top + _HEIGHT - _HEIGHT * quarter / 4, f"{most * quarter / 4:.0f}")
    for number, (group, colour) in enumerate(zip(groups, _COLOURS, strict=True)):
        points = [
            (_x(each["at"], end), top + _HEIGHT - _HEIGHT * each["memory"][group] / most)
            for each in shown
            if each["memory"]
        ]
        parts.append(_path(points, colour))
        parts.append(_text(_LEFT + _WIDTH + 8, top + 12 + 18 * number, group.replace("+", ", "), "start", colour))
    return parts


def _x(at: float, end: float) -> float:
    return _LEFT + _WIDTH * at / end


def _mark(at: float, end: float, colour: str) -> str:
    x, bottom = _x(at, end), _TOP + 2 * _HEIGHT + _BETWEEN
    return f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}" stroke-dasharray="4 3"/>'


def _line(y: float, label: str) -> list[str]:
    return [
        f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _WIDTH}" y2="{y:.1f}" stroke="{_GRID}"/>',
        _text(_LEFT - 8, y + 4, label, "end"),
    ]


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    found = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{found}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = _INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


if __name__ == "__main__":
    write(json.loads((Path(__file__).parent / "results" / "load.json").read_text(encoding="utf-8")))
