"""An empty file tree in place of the machine's (mount_namespaces(7), pivot_root(2)): what a path names is not there.

A worker's holds two things: the processes that it may see, for the engine opens its files as `/proc/self/fd/N`, and
`/dev/null`. A lowering child's holds nothing. Nothing can be made in either.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from sandbox.confinement.system_calls import NUMBERS, architecture
from sandbox.confinement.trial import succeeds
from sandbox.errors import Fault

_OWN_MOUNTS = 0x00020000
"""CLONE_NEWNS."""
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_PROGRAMS, _AGAIN, _BIND, _ALL_BELOW, _PRIVATE = (
    1,
    2,
    4,
    8,
    1 << 5,
    1 << 12,
    1 << 14,
    1 << 18,
)
_PLAIN = _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS
_DETACH = 2
_PLACE = Path("/dev")
"""Where the new tree is put together, over what stands there."""


def offered() -> bool:
    """Whether this process may have one: root's, on a machine whose root can be left and whose /proc hides others."""
    return os.geteuid() == 0 and succeeds(lambda: enter(processes=True))


def enter(*, processes: bool) -> None:
    """From now on the process and its children to come are in it. What is open stays open. Raises Fault."""
    library = ctypes.CDLL(None, use_errno=True)
    _done(library.unshare(_OWN_MOUNTS), "unshare")
    nowhere = os.open(os.devnull, os.O_PATH | os.O_CLOEXEC)
    _mount(None, Path("/"), None, _ALL_BELOW | _PRIVATE)
    _mount("tree", _PLACE, "tmpfs", _PLAIN, "size=64k,mode=0755")
    if processes:
        for name in ("proc", "dev"):
            (_PLACE / name).mkdir(0o755)
        _mount("proc", _PLACE / "proc", "proc", _PLAIN, "subset=pid,hidepid=invisible")
        (_PLACE / "dev" / "null").touch()
        _mount(f"/proc/self/fd/{nowhere}", _PLACE / "dev" / "null", None, _BIND)
    os.close(nowhere)
    before = _PLACE / "before"
    before.mkdir()
    column, _ = architecture()
    number = NUMBERS["pivot_root"][column]
    _done(library.syscall(ctypes.c_long(number or 0), bytes(_PLACE), bytes(before)), "pivot_root")
    os.chdir("/")
    _done(library.umount2(b"/before", _DETACH), "umount2")
    Path("/before").rmdir()
    _mount(None, Path("/"), None, _AGAIN | _BIND | _READ_ONLY | _PLAIN)


def _mount(source: str | None, target: Path, kind: str | None, flags: int, options: str | None = None) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    words = [None if each is None else each.encode() for each in (source, str(target), kind, options)]
    _done(library.mount(*words[:3], ctypes.c_ulong(flags), words[3]), f"mount {target}")


def _done(result: int, what: str) -> None:
    if result != 0:
        raise Fault(f"{what}: errno {ctypes.get_errno()}")
