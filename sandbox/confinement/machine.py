"""Which layers of confinement this machine offers, and which a deployment chooses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import sandbox
from sandbox.confinement import landlock, namespaces, seccomp, tree, users
from sandbox.confinement.layers import Layer, mandatory, named
from sandbox.errors import Refusal

_OFFERED: dict[Layer, Callable[[], bool]] = {
    Layer.USER: users.offered,
    Layer.NAMESPACES: namespaces.offered,
    Layer.TREE: tree.offered,
    Layer.FILES: lambda: landlock.version() > 0,
    Layer.CALLS: seccomp.offered,
}


def offered() -> frozenset[Layer]:
    """What this machine, and the user who asks, can have. Forks: call it in a process of one thread."""
    return frozenset(layer for layer, test in _OFFERED.items() if test())


def found() -> frozenset[Layer]:
    """As `offered`, told by a process of its own."""
    command = [sys.executable, "-s", "-m", "sandbox.confinement"]
    root = Path(sandbox.__path__[0]).parent
    told = subprocess.run(command, cwd=root, capture_output=True, check=False).stdout
    try:
        return frozenset(map(Layer, json.loads(told)))
    except ValueError:
        return frozenset()


def chosen(without: str) -> frozenset[Layer]:
    """All that this machine offers, but for those named. Refuses `settings.unconfined` without a mandatory one."""
    given_up, there = named(without), found()
    if missing := mandatory() - there - given_up:
        raise Refusal("settings.unconfined", {"layers": ", ".join(sorted(missing))})
    return there - given_up
