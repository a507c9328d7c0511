"""The sandbox with a watch on it: `python -m benchmarks.watched STATE LOG`.

An answer waits for the end of its time class, which follows from declared sizes and says nothing of how fast it was
made. The watch takes the wait off and writes it down, one line per charge that ran: the seconds it would have waited,
and the seconds its jobs took in workers. All else is the sandbox as it is.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import local
from typing import Any
from unittest import mock

from sandbox.queries import runs, ticks
from sandbox.serving.service import serve
from sandbox.state import StateFolder
from sandbox.workers.pool import Pool

_run = Pool.run


class _Watch(local):
    """The jobs of the charge that this thread runs."""

    seconds = 0.0


def main() -> None:
    """Serves until told to stop."""
    state, log = (Path(argument) for argument in sys.argv[1:])
    with log.open("w", encoding="utf-8", buffering=1) as file:
        watch = _Watch()

        def run(pool: Pool, *job: Any) -> Any:
            began = time.perf_counter()
            try:
                return _run(pool, *job)
            finally:
                watch.seconds += time.perf_counter() - began

        def at_once(passed: float, milliseconds: int) -> float:
            file.write(f"{ticks.remaining(passed, milliseconds)} {watch.seconds}\n")
            watch.seconds = 0.0
            return 0.0

        with mock.patch.object(Pool, "run", run), mock.patch.object(runs, "remaining", at_once):
            serve(StateFolder(state))


if __name__ == "__main__":
    main()
