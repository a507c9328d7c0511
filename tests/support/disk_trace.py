"""Every step that work takes on a folder's files, in order, by our code and by SQLite; any can be made to fail.

Ours are seen at `os`, SQLite's at its own file layer. What others wrote (a copied tree) is seen when it is synced: from
then on it may be relied on.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support.sqlite_files import FULL, watched

Kind = Literal["create", "write", "truncate", "sync", "names", "link", "move", "remove", "mkdir", "rmdir"]
"""`names` makes a folder's names durable; `move` and `link` have a target."""
OUTSIDE = ("-shm", "lock", "/s")
"""Files that nothing rests on after a crash."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Paths are relative to the folder."""

    kind: Kind
    path: str
    data: bytes = b""
    offset: int = 0
    """Of the bytes written; the new size, of a truncation."""
    target: str = ""
    label: str = ""
    """What was being done."""


class Trace:
    """What was done to a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.steps: list[Step] = []
        self.label = ""
        self.failing: Callable[[Step], int | None] = lambda _: None
        """Asked before each step: an error number to fail with."""
        self.persists = False
        """Whether a step that fails is done all the same."""
        self._lock = threading.RLock()
        self._open: dict[int, str] = {}
        self._contents: dict[str, bytes] = {}
        """Of files as this trace knows them, where they were written in pieces."""
        self._names: set[str] = set()

    def add(self, kind: Kind, path: str, data: bytes = b"", offset: int = 0, target: str = "") -> int | None:
        """Notes a step, or says that it fails."""
        with self._lock:
            if path.endswith(OUTSIDE):
                return None
            step = Step(kind, path, data, offset, target, self.label)
            failed = self.failing(step)
            if failed is None:
                self.steps.append(step)
                self._follow(step)
            return failed

    def _follow(self, step: Step) -> None:
        match step.kind:
            case "create" | "mkdir":
                self._names.add(step.path)
                self._contents[step.path] = b""
            case "write":
                known = self._contents.get(step.path, b"").ljust(step.offset, b"\0")
                self._contents[step.path] = known[: step.offset] + step.data + known[step.offset + len(step.data) :]
            case "truncate":
                self._contents[step.path] = self._contents.get(step.path, b"")[: step.offset].ljust(step.offset, b"\0")
            case "link" | "move":
                for name in [name for name in self._names if name == step.path or name.startswith(f"{step.path}/")]:
                    new = step.target + name[len(step.path) :]
                    self._names.add(new)
                    self._contents[new] = self._contents.get(name, b"")
                    if step.kind == "move":
                        self._names.discard(name)
            case "remove" | "rmdir":
                self._names.discard(step.path)

    # what SQLite does

    def opened(self, path: str) -> int | None:
        if (found := self._inside(path)) is None or found in self._names:
            return None
        return self._sqlite(self.add("create", found))

    def written(self, path: str, offset: int, data: bytes) -> int | None:
        found = self._inside(path)
        return None if found is None else self._sqlite(self.add("write", found, data, offset))

    def truncated(self, path: str, size: int) -> int | None:
        found = self._inside(path)
        return None if found is None else self._sqlite(self.add("truncate", found, b"", size))

    def synced(self, path: str, folder: bool) -> int | None:
        if (found := self._inside(path)) is None:
            return None
        failed = self.add("sync", found)
        if failed is None and folder:
            failed = self.add("names", found.rpartition("/")[0])
        return self._sqlite(failed)

    def removed(self, path: str, folder: bool) -> int | None:
        if (found := self._inside(path)) is None or found not in self._names:
            return None
        failed = self.add("remove", found)
        if failed is None and folder:
            failed = self.add("names", found.rpartition("/")[0])
        return self._sqlite(failed)

    @staticmethod
    def _sqlite(failed: int | None) -> int | None:
        return FULL if failed == errno.ENOSPC else failed

    # what we do

    def _inside(self, path: Any) -> str | None:
        """The path below the folder; None when it is elsewhere."""
        if isinstance(path, int):
            return self._open.get(path)
        whole = str(Path.cwd() / os.fspath(path))
        root = f"{self.root}/"
        return whole[len(root) :] if whole.startswith(root) else "" if whole == str(self.root) else None

    @contextmanager
    def _seen(self, kind: Kind, path: Any, data: bytes = b"", offset: int = 0, target: Any = None) -> Iterator[None]:
        """Notes a step of ours, which is done within. Raises OSError where it is to fail."""
        found = self._inside(path)
        failed = None
        if found is not None:
            to = "" if target is None else self._inside(target)
            assert to is not None, "nothing leaves the folder"
            failed = self.add(kind, found, data, offset, to)
        if failed is None or self.persists:
            yield
        if failed is not None:
            raise OSError(failed, os.strerror(failed), str(path))

    def _found(self, path: str) -> None:
        """What others wrote and we sync: it stands now, and was not there before."""
        whole = self.root / path
        if whole.is_dir():
            for each in sorted(whole.iterdir()):
                below = str(each.relative_to(self.root))
                if below not in self._names and not below.endswith(OUTSIDE):
                    self.add("mkdir" if each.is_dir() else "create", below)
        else:
            if path not in self._names:
                self.add("create", path)
            if not path.startswith("vitrine.db") and (data := whole.read_bytes()) != self._contents.get(path, b""):
                self.add("write", path, data)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Sees to it that what is done through `os` is noted."""
        real = {name: getattr(os, name) for name in ("open", "close", "pwrite", "fsync", "link", "replace")}
        real |= {name: getattr(os, name) for name in ("rename", "unlink", "mkdir", "rmdir")}

        def opened(path: Any, flags: int, *words: Any, **named: Any) -> int:
            found = self._inside(path) if "dir_fd" not in named else None
            new = found is not None and flags & os.O_CREAT and not Path(path).exists()
            with self._seen("create", path) if new else nullcontext():
                descriptor: int = real["open"](path, flags, *words, **named)
            if found is not None:
                self._open[descriptor] = found
            return descriptor

        def closed(descriptor: int) -> None:
            self._open.pop(descriptor, None)
            real["close"](descriptor)

        def written(descriptor: int, data: Any, offset: int) -> int:
            with self._seen("write", descriptor, bytes(data), offset):
                return int(real["pwrite"](descriptor, data, offset))

        def synced(descriptor: int) -> None:
            if descriptor not in self._open:
                real["fsync"](descriptor)
                return
            path = self._open[descriptor]
            self._found(path)
            with self._seen("names" if (self.root / path).is_dir() else "sync", descriptor):
                real["fsync"](descriptor)

        def named(kind: Kind, name: str) -> Callable[..., Any]:
            def act(path: Any, *words: Any, **more: Any) -> Any:
                target = words[0] if kind in ("link", "move") else None
                there = "dir_fd" not in more and os.path.lexists(path)
                with self._seen(kind, path, target=target) if there is (kind != "mkdir") else nullcontext():
                    return real[name](path, *words, **more)

            return act

        kinds: dict[str, Kind] = {"link": "link", "replace": "move", "rename": "move", "unlink": "remove"}
        kinds |= {"mkdir": "mkdir", "rmdir": "rmdir"}
        for name, kind in kinds.items():
            patch.setattr(os, name, named(kind, name))
        for name, call in (("open", opened), ("close", closed), ("pwrite", written), ("fsync", synced)):
            patch.setattr(os, name, call)


@contextmanager
def traced(root: Path) -> Iterator[Trace]:
    """What is done to the folder within, by this process."""
    trace = Trace(root)
    with pytest.MonkeyPatch.context() as patch, watched(trace):
        trace.install(patch)
        yield trace
