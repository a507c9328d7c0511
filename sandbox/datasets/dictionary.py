"""The append-only unit dictionary of a unit domain: keyed digests of unit keys → dense integers.

It is a row of sealed segments; each load appends one, of the people that are new, and no segment is ever rewritten, so
that one person has one number in every load and data set of the domain. How many segments there are is how many loads
there were, and says nothing of people.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sandbox.datasets.vault import Vault
from sandbox.disk import make_folder
from sandbox.errors import Refusal


class Dictionary:
    """The segments of one unit domain, while this process is their only writer."""

    def __init__(self, folder: Path, domain: str, vault: Vault) -> None:
        self._folder = folder
        self._domain = domain
        self._vault = vault

    @classmethod
    @contextlib.contextmanager
    def locked(cls, folder: Path, domain: str, vault: Vault) -> Iterator[Dictionary]:
        """The dictionary in `folder`, with the domain's lock held. Refuses `load.busy` when another load holds it."""
        make_folder(folder)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(lock, domain)
            yield cls(folder, domain, vault)
        finally:
            os.close(lock)

    def open_segments(self, stack: contextlib.ExitStack) -> tuple[int, ...]:
        """Every segment, oldest first, as sealed memfds that `stack` closes. Refuses `vault.damaged`, a gap too."""
        segments = []
        for index in range(self._count()):
            memory = self._vault.open_memory(self._path(index), context(self._domain, index))
            stack.callback(os.close, memory)
            segments.append(memory)
        return tuple(segments)

    def append(self, segment: int) -> None:
        """Adds the segment behind the descriptor, durably."""
        index = self._count()
        self._vault.seal(segment, self._path(index), context(self._domain, index))

    def _count(self) -> int:
        count = len(list(self._folder.glob("*.sealed")))
        for index in range(count):
            if not self._path(index).exists():
                raise Refusal("vault.damaged", {"file": self._path(index).name})
        return count

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:06}.sealed"


def context(domain: str, index: int) -> str:
    """What a segment is bound to."""
    return f"unit dictionary {domain} {index}"


def _lock(lock: int, domain: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refusal("load.busy", {"domain": domain}) from None
