"""`make bench`: the running service beside plain DuckDB on the same records, in one run, taking turns.

Writes `results/speed.json`, from which `benchmarks.report` makes the tables and the chart of README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks import report
from benchmarks.plain import Plain
from benchmarks.queries import QUERIES, SMALL, Query
from benchmarks.service import Service, threads
from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings

RESULTS = Path(__file__).parent / "results" / "speed.json"
DATASETS = ("sample", "census", "tpch")
CLIENTS = 4
"""Processes that ask for cached answers at the same time."""

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    people: int
    scale: float
    rounds: int
    """Of each query, after one that warms it up."""
    requests: int
    """Of each kind whose percentiles are taken."""


FULL = Size(people=10_000_000, scale=1, rounds=9, requests=200)
QUICK = Size(people=100_000, scale=0.01, rounds=2, requests=10)


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data, few rounds: shows that the harness works")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    found = results(size)
    report.keep(found, options.results)
    if options.results == RESULTS:
        report.write(found)


def results(size: Size) -> dict[str, Any]:
    """Every figure, and what it was measured on."""
    figures = measure(size)
    return report.described(figures, people=size.people, scale=size.scale)


def measure(size: Size) -> list[Figure]:
    """Every figure."""
    with TemporaryDirectory(prefix="vitrine-") as name, Service(Path(name)) as service:
        folder = Path(name)
        with Plain(folder, size.people, size.scale, threads()) as plain:
            service.register()
            figures = [_load(service, plain, dataset, folder) for dataset in DATASETS]
            figures += _start(service)
            for query in QUERIES:
                figures += _compared(service, plain, query, size.rounds)
            figures += _overhead(service, size.requests)
            figures += _executed(figures)
            figures.append(_cached(service, size.requests))
            figures += _memory(service)
    return figures


def _load(service: Service, plain: Plain, dataset: str, folder: Path) -> Figure:
    files = plain.export(dataset, folder)
    seconds = service.load(dataset, files)
    for file in files:
        file.unlink()
    return _figure(f"load.{dataset}", seconds, "s")


def _start(service: Service) -> list[Figure]:
    """From the start of the processes."""
    began = perf_counter()
    service.start()
    ready = perf_counter() - began
    service.ask(SMALL)
    return [_figure("start.ready", ready, "s"), _figure("start.first_answer", perf_counter() - began, "s", target=3)]


def _compared(service: Service, plain: Plain, query: Query, rounds: int) -> list[Figure]:
    """One query, by turns."""
    theirs, ours = [], []
    for _ in range(rounds + 1):
        began = perf_counter()
        plain.ask(query.sql)
        theirs.append(perf_counter() - began)
        ours.append(service.timed(query))
    ready = [timing.ready for timing in ours[1:]]
    peer = {"name": "DuckDB", **_spread(theirs[1:])}
    print(f"{query.name}: {median(ready):.3f} s, plain {median(theirs[1:]):.3f} s", flush=True)
    return [
        _figure(
            f"{query.dataset}.{query.name}",
            median(ready) / median(theirs[1:]),
            "×",
            None,
            title=query.title,
            service=_spread(ready),
            worker=_spread([timing.jobs for timing in ours[1:]]),
            tick=_spread([timing.wait for timing in ours[1:]]),
            peer=peer,
        )
    ]


def _overhead(service: Service, requests: int) -> list[Figure]:
    """What a query costs beside its wait, on a table so small that it is no work; and an estimate."""
    service.ask(SMALL)
    queries = [service.timed(SMALL) for _ in range(requests)]
    estimates = [_seconds(lambda: service.client.estimate(SMALL.sql, {"epsilon": "1"}, dataset=SMALL.dataset))]
    estimates += [
        _seconds(lambda: service.client.estimate(SMALL.sql, {"epsilon": "1"}, dataset=SMALL.dataset))
        for _ in range(requests)
    ]
    return [
        *_percentiles("overhead.query", [timing.ready for timing in queries], 30),
        *_percentiles("overhead.query_without_jobs", [timing.ready - timing.jobs for timing in queries], None),
        *_percentiles("overhead.estimate", estimates[1:], None),
    ]


def _executed(figures: list[Figure]) -> list[Figure]:
    """Each query with a target, without what the path costs beside execution: that has a target of its own."""
    overhead = next(figure["value"] for figure in figures if figure["id"] == "overhead.query_without_jobs.p50") / 1000
    targets = {f"{query.dataset}.{query.name}": query.target for query in QUERIES if query.target is not None}
    return [
        _figure(
            f"{figure['id']}.executed",
            (figure["service"]["median"] - overhead) / figure["peer"]["median"],
            "×",
            targets[figure["id"]],
            title=figure["title"],
        )
        for figure in figures
        if figure["id"] in targets
    ]


def _cached(service: Service, requests: int) -> Figure:
    """Answers a second to a query that was paid for before, each with its own signature, leaf and receipt."""
    spend = {"epsilon": "0.5"}
    service.client.query(SMALL.sql, spend, dataset=SMALL.dataset)
    with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(_repeat, [service.settings] * CLIENTS, [1] * CLIENTS))
        began = perf_counter()
        list(pool.map(_repeat, [service.settings] * CLIENTS, [requests] * CLIENTS))
        passed = perf_counter() - began
    return _figure("cached", CLIENTS * requests / passed, "1/s", better="higher")


def _repeat(settings: ClientSettings, requests: int) -> None:
    with Client(settings) as client:
        for _ in range(requests):
            if not client.query(SMALL.sql, {"epsilon": "0.5"}, dataset=SMALL.dataset).repeat:
                raise ValueError("a repeat was charged")


def _memory(service: Service) -> list[Figure]:
    return [_figure(f"memory.{name}", peak / 2**20, "MiB") for name, peak in sorted(service.memory().items())]


def _percentiles(name: str, seconds: list[float], target: float | None) -> list[Figure]:
    """Unit: milliseconds."""
    cuts = quantiles([1000 * each for each in seconds], n=100, method="inclusive")
    return [_figure(f"{name}.p50", cuts[49], "ms", target), _figure(f"{name}.p99", cuts[98], "ms")]


def _spread(seconds: list[float]) -> dict[str, float]:
    found = {"median": median(seconds), "min": min(seconds), "max": max(seconds)}
    return {name: round(value, 5) for name, value in found.items()}


def _seconds(act: Callable[[], object]) -> float:
    began = perf_counter()
    act()
    return perf_counter() - began


def _figure(
    name: str, value: float, unit: str, target: float | None = None, better: str = "lower", **more: object
) -> Figure:
    return {"id": name, "value": round(value, 4), "unit": unit, "target": target, "better": better, **more}


if __name__ == "__main__":
    main()
