"""What a worker gives up before it meets rows. The order matters: limits first, then sandboxing, then the engine."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Collection

from sandbox.errors import Fault

OVERHEAD = 1024
"""Megabytes a process may map beyond its engine's memory limit: interpreter, code, thread stacks, result rows."""

_PDEATHSIG = 1
_DUMPABLE = 4
_NO_NEW_PRIVS = 38
_FILES = 64
"""Open descriptors a worker may have."""


def apply(parent: int, keep: Collection[int], megabytes: int) -> None:
    """Confines the calling process: it dies with `parent`, keeps only the descriptors `keep`, its limits are final.

    Call it in a freshly forked, single-threaded process before the engine is connected. Filesystem and system-call
    confinement belong between the limits and the return.
    """
    os.setsid()
    os.umask(0o077)
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _close_except(keep)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _FILES)
    _limit(resource.RLIMIT_DATA, (megabytes + OVERHEAD) << 20)
    _prctl(_DUMPABLE, 0)
    _prctl(_NO_NEW_PRIVS, 1)


def confine() -> None:
    """Confines the child of a load, whose descriptors its parent chose: no dump, no new rights, no orphan."""
    os.umask(0o077)
    _prctl(_PDEATHSIG, signal.SIGKILL)
    _limit(resource.RLIMIT_CORE, 0)
    _prctl(_DUMPABLE, 0)
    _prctl(_NO_NEW_PRIVS, 1)


def _close_except(keep: Collection[int]) -> None:
    """Closes every descriptor but `keep`; standard input, output and error lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    start = 3
    for descriptor in sorted(keep):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _limit(which: int, value: int) -> None:
    resource.setrlimit(which, (value, value))


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0) != 0:
        raise Fault(f"prctl {option}: errno {ctypes.get_errno()}")
