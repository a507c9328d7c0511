"""What the gateway gives up once it listens: a hole in it reads no file of the state folder, even under the same user,
runs no program, and connects to nothing but Unix sockets that it may open.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

import policies
import query_gateway
import sandbox
from sandbox.confinement import landlock, rights

_LIBRARIES = (Path("/lib"), Path("/lib64"), Path("/usr/lib"), Path("/usr/lib64"))
"""Where the system keeps code that may be loaded late."""


def enclose() -> None:
    """No capability, no new right, no debugger; and, where the kernel offers Landlock, files of code alone to read and
    none to write, no TCP port to connect to, no signal to others. Call it in a process of one thread."""
    rights.give_up_capabilities()
    rights.give_up_rights()
    if landlock.version() > 0:
        landlock.restrict(_code())


def _code() -> frozenset[Path]:
    """The interpreter's libraries and our packages, without what stands beside them."""
    paths = sysconfig.get_paths()
    installed = (Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    own = (Path(package.__path__[0]) for package in (policies, query_gateway, sandbox))
    return frozenset((*installed, *own, *_LIBRARIES))
