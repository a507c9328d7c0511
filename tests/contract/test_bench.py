"""The benchmark's harness runs, compares what it says it compares, and reports it; no figure is judged here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import accuracy, coverage, report, speed
from benchmarks.queries import QUERIES
from benchmarks.questions import QUESTIONS
from benchmarks.repeated import LICENCES
from benchmarks.truncation import TOTALS
from tests.support.released_noise import KINDS

TINY = speed.Size(people=2_000, scale=0.001, rounds=1, requests=2)


def test_every_figure_is_measured_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = speed.results(TINY)
    figures = {figure["id"]: figure for figure in found["figures"]}
    assert {f"{query.dataset}.{query.name}" for query in QUERIES} <= figures.keys()
    for figure in figures.values():
        # what is left of a tiny query without the overhead can be less than nothing
        assert figure["value"] > 0 or figure["id"].endswith(".executed")
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


def test_every_error_is_measured_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = accuracy.results(1, scale=0.01)
    of_panel = [f"{question.name}.{notion}" for question in QUESTIONS for notion in LICENCES]
    of_tpch = {f"{total.question.name}.{notion}" for total in TOTALS for notion in LICENCES}
    ids = [figure["id"] for figure in found["figures"]]
    assert ids[: len(of_panel)] == of_panel
    assert len(ids) == len(of_panel) + len(of_tpch)
    assert set(ids[len(of_panel) :]) == of_tpch
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- accuracy -->\nold\n<!-- end of accuracy -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "README", readme)
    report.write_accuracy(found)
    written = readme.read_text(encoding="utf-8")
    assert written.startswith("before\n<!-- accuracy -->\n")
    assert written.endswith("<!-- end of accuracy -->\nafter\n")
    assert all(f"| {one.title} |" in written for one in (*QUESTIONS, *(total.question for total in TOTALS)))


def test_coverage_is_measured_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = coverage.figures(40)
    assert {figure["title"] for figure in found} == set(KINDS)
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- coverage -->\nold\n<!-- end of coverage -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "README", readme)
    report.write_coverage(found)
    written = readme.read_text(encoding="utf-8")
    assert written.startswith("before\n<!-- coverage -->\n")
    assert written.endswith("<!-- end of coverage -->\nafter\n")
    assert all(f"| {title} |" in written for title in KINDS)


def test_an_error_is_relative_and_missing_cells_are_wholly_wrong() -> None:
    truth = {(1,): 10.0, (2,): 20.0, (3,): 40.0}
    assert accuracy.error([[1, 11.0], [2, 20.0], [3, 40.0]], truth) == 0.0
    assert accuracy.error([[1, 11.0], [2, 22.0], [3, 44.0]], truth) == pytest.approx(0.1)
    assert accuracy.error([[3, 40.0]], truth) == 1.0
