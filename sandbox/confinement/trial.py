"""What cannot be undone is tried in a child."""

from __future__ import annotations

import os
from collections.abc import Callable

from sandbox.errors import Fault


def succeeds(act: Callable[[], None]) -> bool:
    """Whether it can be done. Call it in a process of one thread."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except (Fault, OSError, ValueError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
