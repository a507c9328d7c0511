"""Token buckets: how often something may be done, exactly, by a clock that never goes back."""

from __future__ import annotations

from collections.abc import Callable

_FEW = 1024
"""Names that are kept before the first look for those that need not be."""


class Rates:
    """A bucket of `most` tokens per name, refilled evenly, all of it in `nanoseconds`.

    A name that was not seen, or not for so long, has all of its tokens. In memory only: a new process starts with full
    buckets. The caller holds a lock. Exact: time is counted in parts of a nanosecond, `most` to one.

    Source: ITU-T I.371, generic cell rate algorithm (virtual scheduling).
    """

    def __init__(self, most: int, nanoseconds: int, clock: Callable[[], int]) -> None:
        self._most, self._refill, self._clock = most, nanoseconds, clock
        self._full: dict[str, int] = {}
        """When the bucket is full again, in parts of a nanosecond."""
        self._many = _FEW

    def wait(self, name: str) -> int:
        """Nanoseconds until the name has a token, rounded up; 0 when it has one."""
        now = self._clock() * self._most
        missing = max(self._full.get(name, 0), now) + self._refill - now - self._most * self._refill
        return max(0, -(-missing // self._most))

    def take(self, name: str) -> None:
        """One token less. There must be one: `wait` says so."""
        now = self._clock() * self._most
        self._full[name] = max(self._full.get(name, 0), now) + self._refill
        if len(self._full) > self._many:
            self._full = {each: full for each, full in self._full.items() if full > now}
            self._many = max(_FEW, 2 * len(self._full))

    def give_back(self, name: str) -> None:
        """The token that was taken last was not used."""
        if name in self._full:
            self._full[name] -= self._refill

    def __len__(self) -> int:
        """Names that are kept: no more than twice those whose bucket was not full at the last look, or few."""
        return len(self._full)
