"""`make load` in small: nothing is lost and nothing leaks while a worker and the sandbox are killed under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import load, load_report, report

SMALL = load.Plan(
    peace=3,
    disturbance=3,
    workers_every=3,
    sandbox_every=3600,
    first=1,
    most_workers=2,
    sample_every=0.5,
    least=60,
)
"""Every kind of act is done within so many acts. A charge is begun again three times: no more is killed."""


def test_people_lose_nothing_and_pay_once_and_nothing_leaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load.run(tmp_path / "load", SMALL)
    figures = load.judged(found)
    assert [each.error for each in found.done if each.error is not None] == []
    assert found.reckoning.said == ()
    # how much memory moves within seconds says nothing; everything that is counted is exact
    assert [each for each in load.missed(figures) if not each["id"].startswith("growth.")] == []
    values = {figure["id"]: figure["value"] for figure in figures}
    assert values["kills.workers"] >= 1
    assert values["kills.sandboxes"] == 1
    assert values["charges"] > 0
    kinds = {each.kind for each in found.done}
    assert {"fresh", "batch", "cached", "reused", "dry run", "refused", "conflicting", "checkpoint", "entries"} <= kinds

    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- load -->\nold\n<!-- end of load -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "README", readme)
    monkeypatch.setattr(load_report, "CHART", tmp_path / "chart.svg")
    samples = [(each.at, each.held) for each in found.samples]
    load_report.write(report.described(figures, **load_report.series(found.done, samples, found.disturbance)))
    written = readme.read_text(encoding="utf-8")
    assert written.startswith("before\n<!-- load -->\n")
    assert written.endswith("<!-- end of load -->\nafter\n")
    assert "\nold\n" not in written
    assert all(f"| {kind} |" in written for kind in ("fresh", "cached"))
    assert str(Path.cwd()) not in written
    assert (tmp_path / "chart.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_a_missed_target_is_told() -> None:
    good = {"id": "a", "value": 0, "target": 0}
    bad = {"id": "b", "value": 5.1, "target": 5}
    free = {"id": "c", "value": 99, "target": None}
    assert load.missed([good, bad, free]) == [bad]
