"""No file, directory, TCP port, signal or abstract socket but the named ones, for the calling thread and its threads to
come, which nothing can lift (landlock(7)). Descriptors that are open already stay usable, and so do memfds.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Collection
from pathlib import Path

from sandbox.errors import Fault

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""The same numbers on every processor."""
_VERSION = 1
_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files a version of the interface knows; others know what the one before does."""
_TCP = 0b11
"""Bind and connect, from version 4."""
_SCOPES = 0b11
"""Abstract sockets and signals of others, from version 6."""


def version() -> int:
    """Of the kernel's interface; 0 where there is none."""
    return max(0, _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION)))


def restrict(readable: Collection[Path]) -> None:
    """Nothing can be read but what stands in `readable`, nothing written, made or run. Needs PR_SET_NO_NEW_PRIVS.

    A path that does not exist is none that could be read. Raises Fault.
    """
    known = version()
    if known < 1:
        raise Fault("the kernel offers no Landlock")
    files = (1 << max(rights for since, rights in _FILE_RIGHTS.items() if since <= known)) - 1
    attributes = struct.pack("=QQQ", files, _TCP if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _done(_call(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)))
    for path in readable:
        _allow(ruleset, path)
    _done(_call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0)))
    os.close(ruleset)


def _allow(ruleset: int, path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rights = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
    rule = struct.pack("=Qi", rights, descriptor)
    _done(_call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), rule, ctypes.c_uint(0)))
    os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))


def _done(result: int) -> int:
    if result < 0:
        raise Fault(f"landlock: errno {ctypes.get_errno()}")
    return result
