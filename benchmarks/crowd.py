"""Many people at once, each one act after the other: what came of every act, and how long it took."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter, sleep

from benchmarks.acts import ANALYST, AUDITING, CACHED, PASSING, Act, Person, Wrong, round_of
from benchmarks.town import AUDITOR, INSTITUTIONS, Town, people
from query_gateway.client.answers import Problem, Unproven, Unreachable

_REST = 0.02
"""Seconds between two acts of a person."""


@dataclass(frozen=True, slots=True)
class Done:
    """One act."""

    kind: str
    at: float
    """Seconds since the crowd began, at its end."""
    seconds: float
    turned_away: str | None
    """Documented refusal for want of a processor."""
    error: str | None
    """What came in place of what must come."""


class Crowd:
    """People at work. `rest` has them all pause, and returns when none is at it."""

    def __init__(self, found: Sequence[Person]) -> None:
        self.people = found
        self.done: list[Done] = []
        self._began = perf_counter()
        self._changed = threading.Condition()
        self._working = self._ended = False
        self._busy = 0
        self._threads = [threading.Thread(target=self._live, args=(person,)) for person in found]
        for thread in self._threads:
            thread.start()

    @property
    def now(self) -> float:
        """Seconds since the crowd began."""
        return perf_counter() - self._began

    def work(self) -> None:
        """All begin, or go on."""
        with self._changed:
            self._working = True
            self._changed.notify_all()

    def rest(self) -> None:
        """Returns when the last act has ended, and every connection with it."""
        with self._changed:
            self._working = False
            self._changed.wait_for(lambda: self._busy == 0)

    def close(self) -> None:
        """Ends everybody."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _live(self, person: Person) -> None:
        auditor = (person.name, person.institution) == AUDITOR
        acts = round_of(AUDITING if auditor else ANALYST)
        person.number = 0 if auditor else self.people.index(person) * 7
        while self._begins():
            with person.reachable():
                while self._working and not self._ended:
                    person.number += 1
                    self._take(person, acts[person.number % len(acts)])
                    sleep(_REST)
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _begins(self) -> bool:
        """Waits for work; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._working or self._ended)
            if self._ended:
                return False
            self._busy += 1
            return True

    def _take(self, person: Person, act: Act) -> None:
        began, turned_away, error = perf_counter(), None, None
        try:
            act(person)
        except Problem as problem:
            if problem.code in PASSING:
                turned_away = problem.code
            else:
                error = f"{problem.status} {problem.code}: {problem.document}"
        except Unreachable:
            error = "unreachable"
        except (Wrong, Unproven) as wrong:
            error = f"{type(wrong).__name__}: {wrong}"
        except Exception as other:  # noqa: BLE001 - a person who fails is a finding, not the end of the run
            error = repr(other)
        ended = perf_counter()
        found = Done(act.__name__.replace("_", " "), ended - self._began, ended - began, turned_away, error)
        with self._changed:
            self.done.append(found)


@contextmanager
def crowd(town: Town) -> Iterator[Crowd]:
    """Everybody, at rest. What all will ask again is paid for, once by each institution."""
    gathered = Crowd([Person(name, institution, town) for name, institution in (*people(), AUDITOR)])
    try:
        for institution in INSTITUTIONS:
            person = next(each for each in gathered.people if each.institution == institution)
            with person.reachable():
                sql, spend = CACHED
                person.acknowledge(person.client.query(sql, spend, bounds="card", reuse=False), fresh=True)
        yield gathered
    finally:
        gathered.close()


def percentiles(done: Iterable[Done]) -> tuple[float, float] | None:
    """p50 and p99 of what was carried out, in milliseconds; None of fewer than two."""
    seconds = [1000 * each.seconds for each in done if each.turned_away is None]
    if len(seconds) < 2:
        return None
    cuts = quantiles(seconds, n=100, method="inclusive")
    return cuts[49], cuts[98]


def turned_away(done: Iterable[Done]) -> Counter[str]:
    """How often each passing refusal came."""
    return Counter(each.turned_away for each in done if each.turned_away is not None)


def by_kind(done: Iterable[Done]) -> dict[str, list[Done]]:
    """In the order of their names."""
    found: dict[str, list[Done]] = {}
    for each in sorted(done, key=lambda each: each.kind):
        found.setdefault(each.kind, []).append(each)
    return found
