"""The benchmark's harness runs, compares what it says it compares, and reports it; no figure is judged here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report, speed
from benchmarks.queries import QUERIES

TINY = speed.Size(people=2_000, scale=0.001, rounds=1, requests=2)


def test_every_figure_is_measured_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = speed.results(TINY)
    figures = {figure["id"]: figure for figure in found["figures"]}
    assert {f"{query.dataset}.{query.name}" for query in QUERIES} <= figures.keys()
    for figure in figures.values():
        assert figure["value"] > 0
        assert figure["better"] in {"lower", "higher"}
    assert {"sandbox.workers.zygote", "query_gateway", "query_gateway.sql", "benchmarks.watched"} <= {
        name.removeprefix("memory.") for name in figures
    }
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "README", readme)
    monkeypatch.setattr(report, "CHART", tmp_path / "chart.svg")
    report.write(found)
    written = readme.read_text(encoding="utf-8")
    assert written.startswith("before\n<!-- figures -->\n")
    assert written.endswith("<!-- end of figures -->\nafter\n")
    assert "old" not in written
    assert all(query.title in written for query in QUERIES)
    assert str(Path.cwd()) not in written
    assert (tmp_path / "chart.svg").read_text(encoding="utf-8").startswith("<svg ")
