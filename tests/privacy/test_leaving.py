"""Rule 2: an answer leaves at the end of its time class, however long the engine took and whether it answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.queries import runs
from sandbox.workers.job import Job, Parts, Rows, Side
from sandbox.workers.pool import FailureKind, WorkerFailure
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, CountedEngine, broker_world, query
from tests.support.records import FULL

TICK = 0.01
"""Of the world's sandbox. Unit: seconds."""
SQL = "SELECT COUNT(*) FROM persons"


@dataclass(slots=True)
class Clock:
    """Time that passes only where somebody works or waits."""

    now: float = 0.0
    waited: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def __getattr__(self, name: str) -> object:
        return getattr(time, name)


def left_after(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch, took: float, rho: str, *, fails: bool) -> float:
    """When the answer to a query left whose engine takes so long."""
    clock, real = Clock(), CountedEngine.__call__

    def run(engine: CountedEngine, parts: Parts, side: Side, job: Job) -> Rows:
        clock.now += took
        if fails:
            raise WorkerFailure(FailureKind.ENGINE)
        return real(engine, parts, side, job)

    with monkeypatch.context() as patch:
        patch.setattr(CountedEngine, "__call__", run)
        patch.setattr(runs, "time", clock)
        assert world.ask(query(SQL, {"rho": rho})).status == (500 if fails else 200)
    assert len(clock.waited) == 1
    return clock.now


def leaves_on_the_grid(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, just in time, a little late; and where it fails."""
    for number, (took, fails, expected) in enumerate(
        [
            (0.0, False, TICK),
            (TICK / 4, False, TICK),
            (TICK / 4, True, TICK),
            (TICK, False, 2 * TICK),
            (3 * TICK, True, 4 * TICK),
        ]
    ):
        assert left_after(world, monkeypatch, took, f"0.{number + 1}", fails=fails) == pytest.approx(expected)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path, FULL, lambda _: InProcess()) as found:
        yield found


def test_answers_and_failures_leave_at_the_same_times(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves_on_the_grid(world, monkeypatch)
