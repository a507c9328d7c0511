"""What a process gives up by prctl(2): its life after its parent, its memory to debuggers, new rights."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct

from sandbox.errors import Fault

_PDEATHSIG = 1
_DUMPABLE = 4
_NO_NEW_PRIVS = 38
_CAPABILITIES = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3."""


def die_with(parent: int) -> None:
    """The process is killed when its parent ends, or ends now if that has happened. A change of user forgets it."""
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def keep_memory() -> None:
    """What stands in the process's memory is written to no core dump and read by no debugger. Raises Fault.

    The limit holds of what it starts as well; the rest is forgotten by a program that takes its place.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_DUMPABLE, 0)


def give_up_rights() -> None:
    """It keeps its memory to itself, and no program it starts has more rights than itself. Raises Fault."""
    keep_memory()
    _prctl(_NO_NEW_PRIVS, 1)


def give_up_capabilities() -> None:
    """Root's user without root's powers: only what file modes give it. Raises Fault."""
    head, none = struct.pack("=Ii", _CAPABILITIES, 0), bytes(24)
    if ctypes.CDLL(None, use_errno=True).capset(head, none) != 0:
        raise Fault(f"capset: errno {ctypes.get_errno()}")


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0) != 0:
        raise Fault(f"prctl {option}: errno {ctypes.get_errno()}")
