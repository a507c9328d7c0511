"""A user without rights, of one process alone."""

from __future__ import annotations

import os
import resource

from sandbox.confinement.trial import succeeds
from sandbox.errors import Fault

_FIRST = (1 << 30, 20_000)
"""User numbers for processes start here; the second where the first are not mapped, as in most containers."""
_COUNT = (1 << 29, 40_000)


def offered() -> bool:
    """Whether this process may change its user."""
    return os.geteuid() == 0 and succeeds(lambda: become_nobody(1))


def become_nobody(processes: int) -> None:
    """Gives up user, groups and every right, and may have so many processes and threads. Raises Fault."""
    for first, count in zip(_FIRST, _COUNT, strict=True):
        number = first + os.getpid() % count
        try:
            os.setgroups([])
            os.setresgid(number, number, number)
            os.setresuid(number, number, number)
        except OSError:
            continue
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        return
    raise Fault("the process cannot change its user")
