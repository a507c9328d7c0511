"""`make load`: people of several institutions at once, in peace and then while workers and the sandbox are killed.

Writes `results/load.json`, the table and the picture of README.md. Status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

from benchmarks import load_report, report
from benchmarks.crowd import Crowd, Done, by_kind, crowd, percentiles, turned_away
from benchmarks.disturbance import Disturbance, disturbed
from benchmarks.footprint import PARTS, WORKERS, Held, held, zombies
from benchmarks.reckoning import Reckoning, reckoned
from benchmarks.town import Town, town

RESULTS = Path(__file__).parent / "results" / "load.json"
Figure = dict[str, Any]
Look = Callable[[str, Held], float]
"""What of a part is compared."""
WARM_UP = 1 / 3
"""Of the peace: caches of answers' arithmetic and of database pages fill with some thousand acts."""
_SHOWN = 20
"""Errors that are printed."""
_TELL = 10.0
"""Seconds between two lines of progress."""
_LOOK, _SETTLING = 1.0, 30.0
"""Seconds between two looks at what is held at rest, and until the last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how rough. Unit: seconds."""

    peace: float
    disturbance: float
    workers_every: float = 20.0
    sandbox_every: float = 120.0
    first: float = 30.0
    """From the beginning of the disturbance until the sandbox is killed for the first time."""
    most_workers: float = inf
    """That are killed."""
    sample_every: float = 2.0
    worker_jobs: int = 1000
    least: int = 0
    """Acts of either part, however long they take."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the service held at a time."""

    at: float
    held: Mapping[str, Held]

    @property
    def memory(self) -> int:
        return sum(each.memory for each in self.held.values())


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that was seen."""

    plan: Plan
    done: Sequence[Done]
    samples: Sequence[Sample]
    peace: tuple[float, float]
    """When it began, the warm-up included, and ended."""
    settled: tuple[Mapping[str, Held], Mapping[str, Held], Mapping[str, Held]]
    """With everybody at rest: after the warm-up, after the peace, after the disturbance."""
    disturbance: Disturbance
    zombies: int
    temporary_files: int
    status: int | None
    """Of `vitrine serve`, told to end."""
    reckoning: Reckoning


def main(argv: Sequence[str] | None = None) -> int:
    """Runs, measures and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=620, help="of load, in all (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args(argv)
    plan = planned(options.seconds)
    with TemporaryDirectory(prefix="vitrine-") as folder:
        found = run(Path(folder), plan)
    figures = judged(found)
    samples = [(each.at, each.held) for each in found.samples]
    results = report.described(figures, **load_report.series(found.done, samples, found.disturbance))
    report.keep(results, options.results)
    if options.results == RESULTS:
        load_report.write(results)
    return told(found, figures)


def planned(seconds: float) -> Plan:
    """Somewhat more than half of it in peace."""
    disturbance = seconds * 0.47
    return Plan(seconds - disturbance, disturbance, first=min(30.0, disturbance / 4))


def run(folder: Path, plan: Plan) -> Run:
    """Plays the whole; the service has ended, and its log is verified, when it returns."""
    with town(folder, plan.worker_jobs) as service, crowd(service) as people:
        samples, began = list[Sample](), people.now
        people.work()
        _watch(service, people, samples, plan, plan.peace * WARM_UP, plan.least)
        warm = _settled(service, people, None)
        people.work()
        _watch(service, people, samples, plan, plan.peace * (1 - WARM_UP), 0)
        peace = began, people.now
        rested = _settled(service, people, warm)
        people.work()
        with disturbed(
            service, lambda: people.now, plan.workers_every, plan.sandbox_every, plan.first, plan.most_workers
        ) as disturbance:
            _watch(service, people, samples, plan, plan.disturbance, plan.least)
        last = _settled(service, people, warm)
        uncollected, temporary = zombies(service.serve), service.temporary_files()
    settled = warm, rested, last
    reckoning = reckoned(service, people.people)
    return Run(
        plan, people.done, samples, peace, settled, disturbance, uncollected, temporary, service.status, reckoning
    )


def _watch(service: Town, people: Crowd, samples: list[Sample], plan: Plan, seconds: float, least: int) -> None:
    """Samples for so long, and until so many acts have been done, and tells how it goes."""
    told = began = people.now
    before = len(people.done)
    while people.now < began + seconds or len(people.done) < before + least:
        sleep(plan.sample_every)
        samples.append(Sample(people.now, held(service.serve)))
        if people.now - told >= _TELL:
            _progress(people, samples[-1], told)
            told = people.now


def _progress(people: Crowd, sample: Sample, since: float) -> None:
    done = [each for each in people.done if each.at >= since]
    errors, middle = sum(each.error is not None for each in people.done), percentiles(done) or (0.0, 0.0)
    print(
        f"{sample.at:5.0f} s  {len(people.done):6} requests, {errors} errors  p50 {middle[0]:.0f} ms"
        f"  p99 {middle[1]:.0f} ms  memory {sample.memory / 2**20:.0f} MiB",
        flush=True,
    )


def _settled(service: Town, people: Crowd, before: Mapping[str, Held] | None) -> Mapping[str, Held]:
    """What is held when nobody asks: as soon as it is no more than `before`, or does not change, or for good."""
    people.rest()
    until, found = people.now + _SETTLING, held(service.serve)
    while people.now < until:
        sleep(_LOOK)
        last, found = found, held(service.serve)
        if before is None:
            if [each.files for each in last.values()] == [each.files for each in found.values()]:
                break
        elif all(found[part].files <= before[part].files for part in PARTS):
            break
    return found


def judged(found: Run) -> list[Figure]:
    """Every figure, with its target where it has one."""
    errors = sum(each.error is not None for each in found.done)
    seconds = found.peace[1] - found.peace[0]
    calm = [each for each in found.done if each.at <= found.peace[1]]
    rough = [each for each in found.done if each.at > found.peace[1]]
    reckoning, disturbance = found.reckoning, found.disturbance
    figures = [
        _figure("requests", len(found.done), "", better="higher"),
        _figure("errors", errors, "", 0),
        _figure("turned_away", sum(turned_away(found.done).values()), ""),
        _figure("rate", len(calm) / seconds, "1/s", better="higher"),
        *_latencies("peace", calm),
        *_latencies("disturbance", rough),
        *_growth(found),
        _figure("kills.workers", len(disturbance.workers), "", better="higher"),
        _figure("kills.sandboxes", len(disturbance.sandboxes), "", better="higher"),
        _figure("runs.again", reckoning.attempts, "", better="higher"),
        _figure("not_served", disturbance.not_served, "", 0),
        _figure("ended_badly", int(found.status != 128 + signal.SIGTERM), "", 0),
        _figure("orphans", disturbance.orphans, "", 0),
        _figure("zombies", found.zombies, "", 0),
        _figure("temporary_files", found.temporary_files, "", 0),
        _figure("charges", reckoning.charges, "", better="higher"),
        _figure("charges.lost", reckoning.lost, "", 0),
        _figure("charges.unacknowledged", reckoning.unacknowledged, "", 0),
        _figure("charges.open", reckoning.open_charges, "", 0),
        _figure("charges.failed", reckoning.failed, "", 0),
        _figure("accounts.differing", reckoning.differing, "", 0),
        _figure("entries", reckoning.entries, "", better="higher"),
        _figure("findings", reckoning.findings, "", 0),
        _figure("database", reckoning.database / 2**20, "MiB"),
    ]
    if disturbance.restarts:
        figures.append(_figure("restart", median(disturbance.restarts), "s", most=max(disturbance.restarts)))
    return figures


def _latencies(when: str, done: Sequence[Done]) -> list[Figure]:
    found = []
    for kind, acts in by_kind(done).items():
        cuts = percentiles(acts)
        if cuts is not None:
            found.append(_figure(f"{when}.{kind}.p50", cuts[0], "ms", number=len(acts)))
            found.append(_figure(f"{when}.{kind}.p99", cuts[1], "ms"))
    return found


def _growth(found: Run) -> list[Figure]:
    """Over the peace after its warm-up, with everybody at work: the last fifth of the samples beside the first. And at
    rest, where counts are exact: after the peace and after the disturbance beside the end of the warm-up."""
    warm = found.peace[0] + (found.peace[1] - found.peace[0]) * WARM_UP
    samples = [each.held for each in found.samples if warm <= each.at <= found.peace[1]]
    fifth = max(1, len(samples) // 5)
    figures = []
    looks_at: tuple[tuple[str, Sequence[str], float | None, Look], ...] = (
        ("memory", PARTS, 5, _memory),
        *((f"memory.{part}", (part,), None, _memory) for part in PARTS),
        ("files", PARTS, 5, lambda _, one: one.files),
        ("threads", PARTS, 5, lambda _, one: one.threads),
    )
    for name, parts, target, look in looks_at:
        before, after = (
            median(sum(look(part, each[part]) for part in parts) for each in some)
            for some in (samples[:fifth], samples[-fifth:])
        )
        growth = 100 * (after / before - 1)
        figures.append(_figure(f"growth.{name}", growth, "%", target, before=round(before), after=round(after)))
    for part in PARTS:
        looks = [settled[part].files for settled in found.settled]
        figures.append(_figure(f"strays.{part}", max(looks) - looks[0], "", 0, looks=looks))
    return figures


def _memory(part: str, one: Held) -> float:
    """Of all processes of a part; of workers, which come and go, of one."""
    return one.each if part == WORKERS else one.memory


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """What is beyond its target."""
    return [each for each in figures if each["target"] is not None and each["value"] > each["target"]]


def told(found: Run, figures: Sequence[Figure]) -> int:
    """Prints what came of it; 1 when a target is missed."""
    for figure in figures:
        target = "" if figure["target"] is None else f"  (target {figure['target']:g})"
        print(f"{figure['id']:45} {figure['value']:10.4g} {figure['unit']}{target}")
    for what, often in Counter(each.error for each in found.done if each.error).most_common(_SHOWN):
        print(f"error, {often} times: {what}")
    for finding in found.reckoning.said[:_SHOWN]:
        print(f"finding: {finding}")
    beyond = missed(figures)
    for figure in beyond:
        print(f"MISSED: {figure}")
    return 1 if beyond else 0


def _figure(
    name: str, value: float, unit: str, target: float | None = None, better: str = "lower", **more: object
) -> Figure:
    return {"id": name, "value": round(value, 4), "unit": unit, "target": target, "better": better, **more}


if __name__ == "__main__":
    sys.exit(main())
