"""Kills workers and the sandbox of a service under load, and waits until it is served again."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from time import monotonic

from benchmarks.footprint import kill, parts
from benchmarks.town import READY, Town
from tests.support.starters import lives

_STOPPED = 0.5
"""Seconds that a worker is stopped before it is killed, so that it dies with a job in hand."""
_LOOK = 0.1


@dataclass(slots=True)
class Disturbance:
    """What was done."""

    workers: list[float] = field(default_factory=list)
    """When a worker was killed, by the clock of the run."""
    sandboxes: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    """Seconds from the kill of a sandbox until the gateway says that both sides answer."""
    not_served: int = 0
    """Sandboxes that were not started again in time: nothing is killed after one."""
    orphans: int = 0
    """Processes that outlived the sandbox which started them."""


@contextmanager
def disturbed(
    town: Town, clock: Callable[[], float], workers_every: float, sandbox_every: float, first: float, most: float
) -> Iterator[Disturbance]:
    """While the block runs a worker is killed every so many seconds, `most` in all, and the sandbox: a first time after
    `first`.

    Both clocks go on while a sandbox starts again. Each is killed once at least.
    """
    found, ended, failure = Disturbance(), threading.Event(), list[BaseException]()

    def disturb() -> None:
        try:
            _disturb(town, clock, workers_every, sandbox_every, first, most, found, ended)
        except TimeoutError:
            found.not_served += 1
        except BaseException as error:  # noqa: BLE001 - raised again where the block ends
            failure.append(error)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield found
        while thread.is_alive() and not (found.workers and found.sandboxes):
            thread.join(_LOOK)
    finally:
        ended.set()
        thread.join()
    for error in failure:
        raise error


def _disturb(
    town: Town,
    clock: Callable[[], float],
    workers_every: float,
    sandbox_every: float,
    first: float,
    most: float,
    found: Disturbance,
    ended: threading.Event,
) -> None:
    began, turns = monotonic(), count()
    next_worker, next_sandbox = began + workers_every, began + first
    while not ended.wait(max(0.0, min(next_worker, next_sandbox) - monotonic())):
        if monotonic() >= next_sandbox:
            next_sandbox += sandbox_every
            _kill_sandbox(town, clock, found)
        else:
            next_worker += workers_every
            if len(found.workers) < most:
                _kill_worker(town, clock, found, next(turns), ended)


def _kill_worker(town: Town, clock: Callable[[], float], found: Disturbance, turn: int, ended: threading.Event) -> None:
    living = town.workers()
    if not living:
        return
    victim = living[turn % len(living)]
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGSTOP)
    ended.wait(_STOPPED)
    kill(victim)
    found.workers.append(clock())


def _kill_sandbox(town: Town, clock: Callable[[], float], found: Disturbance) -> None:
    victim = town.sandbox()
    if victim is None:
        return
    children = [process for process in parts(town.serve) if process not in {town.serve, victim, town.gateway()}]
    kill(victim)
    found.sandboxes.append(clock())
    began = monotonic()
    while town.sandbox() in {None, victim}:
        if monotonic() > began + READY:
            raise TimeoutError("the sandbox was not started again")
        threading.Event().wait(0.02)
    town.wait_ready()
    found.restarts.append(monotonic() - began)
    while any(map(lives, children)) and monotonic() < began + READY:
        threading.Event().wait(0.02)
    found.orphans += sum(map(lives, children))
