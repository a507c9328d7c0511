"""A network without interfaces, and shared memory and host name of one's own (unshare(2))."""

from __future__ import annotations

import ctypes
import os

from sandbox.confinement.trial import succeeds
from sandbox.errors import Fault

_NETWORK, _IPC, _HOST_NAME, _USERS = 0x40000000, 0x08000000, 0x04000000, 0x10000000


def offered() -> bool:
    """Whether this process may have them; one that is not root's needs user namespaces."""
    return succeeds(enter)


def enter() -> None:
    """The process and its children to come are alone in them. Raises Fault."""
    wanted = _NETWORK | _IPC | _HOST_NAME | (0 if os.geteuid() == 0 else _USERS)
    if ctypes.CDLL(None, use_errno=True).unshare(wanted) != 0:
        raise Fault(f"unshare: errno {ctypes.get_errno()}")
