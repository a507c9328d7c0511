"""Beside other sandboxes on one database: this one is known to live, and what others left open comes to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sandbox.ledger.database import cause

_LOOK = 1.0
"""Seconds between two looks."""
_LOGGER = logging.getLogger("vitrine.watch")


class Watch:
    """Takes these steps every second, in order, until it is closed; one that fails is taken again the next time."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self._steps = steps
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()

    def close(self) -> None:
        """Returns when no step is being taken any more."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(_LOOK):
            for step in self._steps:
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - whatever it was, the next look is another
                    _LOGGER.error("watch: %s", cause(error))
