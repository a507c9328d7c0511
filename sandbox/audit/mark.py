"""The mark: the newest checkpoint that a state folder has told anybody, kept outside the database.

A database that does not hold the log of that checkpoint was rolled back, or is another one: it has forgotten charges.
The mark is raised before a checkpoint can be told, so it is never behind what others hold of this log through here.

Shape: two slots, each a signed note and zeros. The older slot is written, so a torn write leaves the other.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.audit.checkpoint import LogKey, LogPublicKey, open_note, sign
from sandbox.audit.merkle import EMPTY_ROOT, Unverified
from sandbox.audit.tree_head import Checkpoint
from sandbox.disk import overwrite, put
from sandbox.errors import Fault, Refusal

_SLOT = 8192
"""Bytes of a slot."""


class Mark:
    """A mark file, which several processes may raise."""

    def __init__(self, path: Path, key: LogPublicKey) -> None:
        self._path = path
        self._key = key
        self._known: dict[bytes, Checkpoint | None] = {}
        """What the slots held when they were looked at last."""

    @classmethod
    def begin(cls, path: Path, key: LogKey) -> Mark:
        """The mark of a log that has no entry yet."""
        return cls.create(path, key.public, sign(Checkpoint(key.name, 0, EMPTY_ROOT), key))

    @classmethod
    def create(cls, path: Path, key: LogPublicKey, note: str) -> Mark:
        """A mark at this checkpoint, in the place of a former one."""
        put(path, _page(note) * 2)
        return cls(path, key)

    def newest(self) -> str:
        """The newest checkpoint told, as a signed note. Refuses `log.unmarked`."""
        with self._locked(fcntl.LOCK_SH) as descriptor:
            found = [(checkpoint.size, note) for note, checkpoint in self._slots(descriptor) if checkpoint is not None]
        return max(found)[1]

    def raise_to(self, note: str) -> None:
        """The mark is at this checkpoint, durably, or where it was when that is newer. Refuses `log.unmarked`."""
        size = open_note(note, self._key).size
        with self._locked(fcntl.LOCK_EX) as descriptor:
            sizes = [-1 if checkpoint is None else checkpoint.size for _, checkpoint in self._slots(descriptor)]
            if size > max(sizes):
                overwrite(self._path, _page(note), _SLOT * sizes.index(min(sizes)))

    def _slots(self, descriptor: int) -> list[tuple[str, Checkpoint | None]]:
        """Both slots; None stands for what is no checkpoint of this log. Refuses `log.unmarked`: neither is one."""
        pages = [os.pread(descriptor, _SLOT, start) for start in (0, _SLOT)]
        self._known = {page: self._known[page] if page in self._known else self._opened(page) for page in pages}
        found = [(page.rstrip(b"\0").decode(errors="replace"), self._known[page]) for page in pages]
        if all(checkpoint is None for _, checkpoint in found):
            raise Refusal("log.unmarked", {"file": self._path.name})
        return found

    def _opened(self, page: bytes) -> Checkpoint | None:
        try:
            return open_note(page.rstrip(b"\0").decode(), self._key)
        except (Unverified, UnicodeDecodeError):
            return None

    @contextmanager
    def _locked(self, how: int) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Refusal("log.unmarked", {"file": self._path.name}) from None
        try:
            fcntl.flock(descriptor, how)
            yield descriptor
        finally:
            os.close(descriptor)


def _page(note: str) -> bytes:
    data = note.encode()
    if len(data) > _SLOT:
        raise Fault("a checkpoint is larger than its slot")
    return data.ljust(_SLOT, b"\0")
