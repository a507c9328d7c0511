"""What SQLite does to its files, seen and stopped at its own file layer: a VFS that asks a watcher before each step.

The library that Python's `sqlite3` uses is given another default VFS: the system's own, with three methods of each file
and the opening and removing of files led through here. Source: sqlite.org/vfs.html, sqlite3.h.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

FULL, CANNOT_OPEN = 13, 14
_IOERR = 10
_WRITE, _FSYNC, _TRUNCATE, _DELETE = (_IOERR | place << 8 for place in (3, 4, 6, 10))
_CREATE, _JOURNALS = 0x4, 0x800 | 0x80000
"""Flags of an opening: the file is made; a rollback journal or a WAL."""


class Watcher(Protocol):
    """Is asked before each step; an error number makes it fail."""

    persists: bool
    """Whether a step that fails is done all the same: a write or sync that fails may have happened."""

    def opened(self, path: str) -> int | None: ...
    def written(self, path: str, offset: int, data: bytes) -> int | None: ...
    def truncated(self, path: str, size: int) -> int | None: ...
    def synced(self, path: str, folder: bool) -> int | None: ...
    def removed(self, path: str, folder: bool) -> int | None: ...


_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", _I),
        ("file_size", _I),
        ("longest", _I),
        ("following", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _P),
        ("delete", _P),
        ("rest", _P * 13),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", _I),
        ("close", _P),
        ("read", _P),
        ("write", _P),
        ("truncate", _P),
        ("sync", _P),
        ("rest", _P * 13),
    )


_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)
_REMOVE = ctypes.CFUNCTYPE(_I, _P, _P, _I)
_WRITING = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_CUT = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)


class _File:
    """An open file."""

    def __init__(self, path: str, new_journal: bool) -> None:
        self.path = path
        self.names = new_journal
        """Whether the next sync makes the folder's names durable as well, as that of a new journal does."""


class _Layer:
    """The VFS: its callbacks live as long as it does."""

    def __init__(self, library: Any, watcher: Watcher) -> None:
        library.sqlite3_vfs_find.restype = _P
        self.library, self.watcher = library, watcher
        self.own = _Vfs.from_address(library.sqlite3_vfs_find(None))
        self.vfs = _Vfs.from_buffer_copy(self.own)
        self.vfs.name, self.vfs.following = b"watched", None
        self.calls: list[object] = [_OPEN(self._open), _REMOVE(self._remove)]
        self.vfs.open, self.vfs.delete = (ctypes.cast(call, _P) for call in self.calls)  # type: ignore[arg-type]
        self.tables: dict[int, tuple[_Methods, _Methods]] = {}
        """Our methods and the system's own, by the address of the latter."""
        self.files: dict[int, _File] = {}

    def _open(self, _vfs: int, name: int, file: int, flags: int, out: int) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        if path and flags & _CREATE and (failed := self.watcher.opened(path)) is not None:
            return FULL if failed == FULL else CANNOT_OPEN
        result = _OPEN(self.own.open)(ctypes.addressof(self.own), name, file, flags, out)
        if result == 0 and path:
            methods = _P.from_address(file)
            assert methods.value is not None
            if methods.value not in self.tables:
                self.tables[methods.value] = self._table(_Methods.from_address(methods.value))
            methods.value = ctypes.addressof(self.tables[methods.value][0])
            self.files[file] = _File(path, bool(flags & _JOURNALS))
        return int(result)

    def _table(self, own: _Methods) -> tuple[_Methods, _Methods]:
        found = _Methods.from_buffer_copy(own)
        write, cut, sync = _WRITING(own.write), _CUT(own.truncate), _SYNC(own.sync)

        def written(file: int, data: int, size: int, offset: int) -> int:
            failed = self.watcher.written(self.files[file].path, offset, ctypes.string_at(data, size))
            done = int(write(file, data, size, offset)) if failed is None or self.watcher.persists else 0
            return done if failed is None else FULL if failed == FULL else _WRITE

        def truncated(file: int, size: int) -> int:
            failed = self.watcher.truncated(self.files[file].path, size)
            done = int(cut(file, size)) if failed is None or self.watcher.persists else 0
            return done if failed is None else _TRUNCATE

        def synced(file: int, flags: int) -> int:
            open_file = self.files[file]
            failed = self.watcher.synced(open_file.path, open_file.names)
            done = 0
            if failed is None or self.watcher.persists:
                open_file.names = False
                done = int(sync(file, flags))
            return done if failed is None else _FSYNC

        calls = [_WRITING(written), _CUT(truncated), _SYNC(synced)]
        self.calls += calls
        found.write, found.truncate, found.sync = (ctypes.cast(call, _P) for call in calls)
        return found, own

    def _remove(self, _vfs: int, name: int, folder: int) -> int:
        if self.watcher.removed(ctypes.string_at(name).decode(), bool(folder)) is not None:
            return _DELETE
        return int(_REMOVE(self.own.delete)(ctypes.addressof(self.own), name, folder))


_KEPT: list[_Layer] = []
"""Layers that connections may still use."""


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Databases that are opened within are watched, until they are closed."""
    library = ctypes.CDLL(_sqlite3.__file__)
    layer = _Layer(library, watcher)
    _KEPT.append(layer)
    library.sqlite3_vfs_register(ctypes.byref(layer.vfs), 1)
    try:
        yield
    finally:
        library.sqlite3_vfs_register(ctypes.byref(layer.own), 1)
        library.sqlite3_vfs_unregister(ctypes.byref(layer.vfs))
