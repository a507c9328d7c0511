"""Searches by seeds: some thousand that are the same in each `make test`, a hundred thousand others in `make fuzz`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import settings

FAILURES = 5
"""After so many a share of `make fuzz` ends."""
SEARCHED = "generated"
"""The property of a test's report that says how many it tried; `conftest.py` adds them up."""

FAULT_POINTS = "fault points"
"""The same, of the points at which the machine went down or a step failed."""

ATTEMPTS = "attempts"
"""The same, of attempts at a budget."""


def fuzzing() -> bool:
    """Whether this is `make fuzz`: known once pytest has read its command."""
    return settings.default is not None and settings.default.max_examples > 100


@dataclass(frozen=True, slots=True)
class Search:
    """One generator's seeds, in shares that run beside each other, each in batches that share a database."""

    shares: int
    each: int
    """Seeds of a share in `make test`: one batch."""
    fuzzed: int
    """Seeds of all shares in `make fuzz`."""
    batch: int = 1000
    """Seeds of a batch in `make fuzz`."""

    def batches(self, share: int) -> Iterator[range]:
        """The seeds of a share."""
        if not fuzzing():
            yield range(share * self.each, (share + 1) * self.each)
            return
        for _ in range(-(-self.fuzzed // (self.shares * self.batch))):
            start = secrets.randbits(48)
            yield range(start, start + self.batch)


def tried(seeds: range, once: Callable[[int], object], failed: list[int]) -> None:
    """Tries each seed of a batch. What fails says its seed, the first in `make test`; in `make fuzz`, the last of some.

    A seed stands for the same choices with the same first seed of its batch, which the database is made of.
    """
    for seed in seeds:
        try:
            once(seed)
        except Exception as error:
            failed.append(seed)
            error.add_note(f"seed {seed} of the batch that starts at {seeds.start}; failed so far: {failed}")
            print(f"seed {seed} of the batch that starts at {seeds.start}: {error!r}"[:1000])  # noqa: T201  shown on failure
            if not fuzzing() or len(failed) >= FAILURES:
                raise
