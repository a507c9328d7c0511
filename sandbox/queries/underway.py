"""Charges on their way in this process: run once, awaited by everybody who asked for the same."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sandbox.ledger.database import cause

_LOGGER = logging.getLogger("vitrine.charges")


class UnderWay:
    """Runs charges beside the requests that started them, so that a caller who hangs up loses nothing."""

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, threading.Event] = {}
        self._after: dict[str, list[Callable[[], None]]] = {}
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="charge")

    def announce(self, charge: str) -> bool:
        """From now on whoever finds the charge can wait for it: `start` or `drop` follows. False when it already is on
        its way here."""
        with self._lock:
            if charge in self._ends:
                return False
            self._ends[charge] = threading.Event()
            return True

    def start(self, charge: str, work: Callable[[], None]) -> None:
        """Runs the announced charge to its end."""
        self._threads.submit(self._run, charge, work)

    def drop(self, charge: str) -> None:
        """The charge has ended, or never came to be."""
        with self._lock:
            end, after = self._ends.pop(charge), self._after.pop(charge, [])
        for act in after:
            act()
        end.set()

    def then(self, charge: str, act: Callable[[], None]) -> None:
        """Acts when the charge has ended, before anybody who waits for it goes on; at once when it is not on its way
        here."""
        with self._lock:
            if charge in self._ends:
                self._after.setdefault(charge, []).append(act)
                return
        act()

    def wait(self, charge: str) -> None:
        """Returns when the charge has ended; at once when it is not on its way here."""
        with self._lock:
            end = self._ends.get(charge)
        if end is not None:
            end.wait()

    def close(self) -> None:
        """Lets what runs end and starts nothing more: what was not started is run again by the next process."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            for end in self._ends.values():
                end.set()

    def _run(self, charge: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the charge stays open: it is run again when it is asked for
            _LOGGER.error("charge %s: left open: %s", charge, cause(error))
        finally:
            self.drop(charge)
