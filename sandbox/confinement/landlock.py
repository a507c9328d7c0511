"""No file, directory, TCP port, signal or abstract socket but the named ones, for the calling thread and its threads to
come, which nothing can lift (landlock(7)). Descriptors that are open already stay usable, and so do memfds.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Collection
from pathlib import Path

from sandbox.errors import Fault

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""The same numbers on every processor."""
_VERSION = 1
_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR = 1 << 1, 1 << 2, 1 << 3, 1 << 4
_REMOVE_FILE, _MAKE_FILE, _MAKE_LINK, _TRUNCATE = 1 << 5, 1 << 8, 1 << 12, 1 << 14
_KEEP = _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_FILE | _MAKE_FILE | _MAKE_LINK | _TRUNCATE
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files a version of the interface knows; others know what the one before does."""
_TCP = 0b11
"""Bind and connect, from version 4."""
_SCOPES = 0b11
"""Abstract sockets and signals of others, from version 6."""


def version() -> int:
    """Of the kernel's interface; 0 where there is none."""
    return max(0, _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION)))


def restrict(readable: Collection[Path | int], folder: Path | None = None) -> None:
    """Nothing can be read but what stands in `readable`, paths or open files, and nothing be run.

    Files can be made, written and removed in `folder` alone, and it itself be removed. A path that does not exist is
    none that could be read. Needs PR_SET_NO_NEW_PRIVS. Raises Fault.
    """
    known = version()
    if known < 1:
        raise Fault("the kernel offers no Landlock")
    files = (1 << max(rights for since, rights in _FILE_RIGHTS.items() if since <= known)) - 1
    attributes = struct.pack("=QQQ", files, _TCP if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _done(_call(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)))
    for each in readable:
        _allow(ruleset, each, _READ_FILE | _READ_DIR)
    if folder is not None:
        _allow(ruleset, folder, _KEEP & files)
        _allow(ruleset, folder.parent, _REMOVE_DIR)
    _done(_call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0)))
    os.close(ruleset)


def _allow(ruleset: int, of: Path | int, rights: int) -> None:
    """Adds the rights to a folder, or those that a file can have to a file."""
    try:
        descriptor = os.open(f"/proc/self/fd/{of}" if isinstance(of, int) else of, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= _READ_FILE
    rule = struct.pack("=Qi", rights, descriptor)
    result = _call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), rule, ctypes.c_uint(0))
    if not (result < 0 and ctypes.get_errno() == errno.EBADFD):  # a memfd, which can always be read
        _done(result)
    os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))


def _done(result: int) -> int:
    if result < 0:
        raise Fault(f"landlock: errno {ctypes.get_errno()}")
    return result
