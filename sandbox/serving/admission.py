"""Who may be answered now: rates and places of a person, of an institution, and of all together.

What is counted of an institution depends on its own requests alone, so a refusal tells it nothing of others. All work
counts alike, what costs nothing too: estimates, repeats, refusals, readings.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from sandbox.audit.records import Actor
from sandbox.errors import Refusal
from sandbox.serving.rates import Rates
from sandbox.settings import Settings

_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
SOON = 1
"""Seconds until a place may be free again: nobody knows."""


class Admission:
    """Counts what is asked and what is under way, until the process ends. Safe to use from many threads."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._all = Rates(settings.requests_per_second, _SECOND, clock)
        self._people = Rates(settings.person_requests_per_minute, _MINUTE, clock)
        self._institutions = Rates(settings.institution_requests_per_minute, _MINUTE, clock)
        self._places: Counter[str] = Counter()
        """Taken, by person and by institution."""
        self._told = Rates(1, _MINUTE, clock)
        self._untold: Counter[str] = Counter()
        """Requests of a person that were turned away without an entry of the log."""

    def knock(self) -> int:
        """Counts a request of whomever, before anything is done for it; the seconds until there is room for one more,
        0 where there is."""
        with self._lock:
            wait = _seconds(self._all.wait(""))
            if not wait:
                self._all.take("")
            return wait

    def enter(self, actor: Actor) -> None:
        """Takes a place for a request of this person: `leave` follows. Nothing is taken where it is refused.

        Refuses: limit.person_rate, limit.institution_rate, limit.person_places, limit.institution_places.
        """
        with self._lock:
            self._require_token(self._people, _person(actor), "person", self._settings.person_requests_per_minute)
            institution = _institution(actor)
            self._require_token(
                self._institutions, institution, "institution", self._settings.institution_requests_per_minute
            )
            self._require_place(_person(actor), "person", self._settings.person_requests_at_once)
            self._require_place(institution, "institution", self._settings.institution_requests_at_once)
            self._people.take(_person(actor))
            self._institutions.take(institution)
            self._place(actor)

    def stay(self, actor: Actor) -> None:
        """Takes a place for what a request that was let in goes on with when it is answered: `leave` follows."""
        with self._lock:
            self._place(actor)

    def leave(self, actor: Actor) -> None:
        """Gives a place back."""
        with self._lock:
            for name in (_person(actor), _institution(actor)):
                self._places[name] -= 1
                if not self._places[name]:
                    del self._places[name]

    def turned_away(self, actor: Actor) -> int | None:
        """Counts a request that `enter` refused; None when the log is to say nothing of it, else how many of the
        person's went unsaid before. Said once a minute and person: a flood does not fill the log."""
        with self._lock:
            person = _person(actor)
            if self._told.wait(person):
                self._untold[person] += 1
                return None
            self._told.take(person)
            return self._untold.pop(person, 0)

    def unsaid(self, actor: Actor, requests: int) -> None:
        """The log could not say that so many were turned away: a later entry will."""
        with self._lock:
            self._told.give_back(_person(actor))
            self._untold[_person(actor)] += requests

    def _require_token(self, rates: Rates, name: str, whose: str, limit: int) -> None:
        wait = rates.wait(name)
        if wait:
            seconds = _seconds(wait)
            raise Refusal(f"limit.{whose}_rate", {"limit": str(limit), "seconds": str(seconds)}, after=seconds)

    def _require_place(self, name: str, whose: str, limit: int) -> None:
        if self._places[name] >= limit:
            raise Refusal(f"limit.{whose}_places", {"limit": str(limit)}, after=SOON)

    def _place(self, actor: Actor) -> None:
        self._places.update((_person(actor), _institution(actor)))


def _person(actor: Actor) -> str:
    return f"person {actor.person}"


def _institution(actor: Actor) -> str:
    return f"institution {actor.institution}"


def _seconds(nanoseconds: int) -> int:
    """Rounded up."""
    return -(-nanoseconds // _SECOND)
