"""What the child of a load gives up before it reads the provider's files."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from sandbox.confinement import landlock, namespaces, rights, seccomp
from sandbox.confinement.layers import Layer
from sandbox.confinement.machine import offered
from sandbox.confinement.system_calls import LOADING
from sandbox.workers.isolation import ENGINE_READS


def confine() -> None:
    """No dump, no new rights, no orphan; the parent chose the descriptors."""
    os.umask(0o077)
    rights.die_with(os.getppid())
    rights.give_up_rights()


def enclose(files: Collection[int], folder: Path) -> None:
    """Then, as far as the machine can: it reads these files, writes in the folder, and has nothing else.

    Call it in a process of one thread, before the engine is connected.
    """
    layers = offered()
    if Layer.NAMESPACES in layers:
        namespaces.enter()
    if Layer.FILES in layers:
        landlock.restrict((*ENGINE_READS, *files), folder)
    if Layer.CALLS in layers:
        seccomp.restrict(LOADING)
