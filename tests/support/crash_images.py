"""What a crash may leave of a folder: built step by step from a trace, for each way in which the machine may go down.

A write reaches the disk for certain when its file is synced, a name when its folder is. Until then it may be there or
not: contents in any choice, the last one torn; names in their order. Source: POSIX; sqlite.org/atomiccommit.html §2.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.support.disk_trace import Step


class Crash(StrEnum):
    """How the machine goes down."""

    KILLED = "killed"
    """The process alone: all that was written is there."""
    NOTHING = "power lost, nothing unsynced"
    NAMES = "power lost, names without contents"
    CONTENTS = "power lost, contents without names"
    TORN = "power lost, anything unsynced, torn"


@dataclass(slots=True)
class _File:
    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes since the last sync by offset; None cuts the file there."""

    def content(self, taken: Sequence[tuple[int, bytes | None]]) -> bytes:
        found = bytearray(self.durable)
        for offset, data in taken:
            if data is None:
                del found[offset:]
            found.extend(bytes(max(0, offset - len(found))))
            if data is not None:
                found[offset : offset + len(data)] = data
        return bytes(found)


Names = dict[str, _File | None]
"""What stands under each path; None is a folder."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of names, with the file that it is about."""

    step: Step
    file: _File | None

    @property
    def folders(self) -> set[str]:
        """Whose names it changes."""
        step = self.step
        changed = {"move": (step.path, step.target), "link": (step.target,)}.get(step.kind, (step.path,))
        return {path.rpartition("/")[0] for path in changed}

    def apply(self, names: Names) -> None:
        step = self.step
        match step.kind:
            case "create" | "mkdir":
                names[step.path] = self.file
            case "link":
                names[step.target] = self.file
            case "move":
                for path in [path for path in names if path == step.path or path.startswith(f"{step.path}/")]:
                    names[step.target + path[len(step.path) :]] = names.pop(path)
            case _:
                names.pop(step.path, None)


class Disk:
    """A folder as the steps so far have made it, in memory and on the disk."""

    def __init__(self) -> None:
        self._now: Names = {}
        self._durable: Names = {}
        self._unsynced: list[_Change] = []

    def take(self, step: Step) -> None:
        """One step more."""
        match step.kind:
            case "write":
                self._file(step.path).pending.append((step.offset, step.data))
            case "truncate":
                self._file(step.path).pending.append((step.offset, None))
            case "sync":
                file = self._file(step.path)
                file.durable, file.pending = file.content(file.pending), []
            case "names":
                for change in [each for each in self._unsynced if step.path in each.folders]:
                    change.apply(self._durable)
                    self._unsynced.remove(change)
            case _:
                change = _Change(step, _File() if step.kind == "create" else self._now.get(step.path))
                change.apply(self._now)
                self._unsynced.append(change)

    def _file(self, path: str) -> _File:
        found = self._now.get(path)
        assert found is not None, path
        return found

    def image(self, crash: Crash, seed: int) -> dict[str, bytes | None]:
        """What is found after the crash: contents by path, None for a folder."""
        chance = random.Random(seed)
        names = dict(self._durable)
        if crash in (Crash.KILLED, Crash.NAMES):
            names = dict(self._now)
        elif crash is Crash.TORN:
            for change in self._unsynced[: chance.randint(0, len(self._unsynced))]:
                change.apply(names)
        return {
            path: None if file is None else file.content(_survivors(file, crash, chance))
            for path, file in names.items()
            if all(parent in names for parent in _parents(path))
        }


def _survivors(file: _File, crash: Crash, chance: random.Random) -> list[tuple[int, bytes | None]]:
    match crash:
        case Crash.KILLED | Crash.CONTENTS:
            return file.pending
        case Crash.NOTHING | Crash.NAMES:
            return []
    kept = [each for each in file.pending if chance.random() < 0.5]
    if kept and (data := kept[-1][1]):
        kept[-1] = (kept[-1][0], data[: chance.randint(0, len(data))])
    return kept


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    for length in range(1, len(parts)):
        yield "/".join(parts[:length])


def write_image(image: dict[str, bytes | None], folder: Path) -> None:
    """Puts an image where it can be opened, with modes as they were."""
    folder.mkdir(mode=0o700)
    for path, data in sorted(image.items()):
        if data is None:
            (folder / path).mkdir(mode=0o700)
        else:
            (folder / path).write_bytes(data)
            (folder / path).chmod(0o600)
