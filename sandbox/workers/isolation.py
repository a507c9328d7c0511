"""What a worker gives up before it meets rows. The order matters: limits first, then sandboxing, then the engine."""

from __future__ import annotations

import os
import resource
from collections.abc import Collection
from pathlib import Path

from sandbox.confinement import landlock, rights, seccomp, users
from sandbox.confinement.layers import Layer
from sandbox.confinement.system_calls import ENGINE, OPENING
from sandbox.workers.job import Limits

OVERHEAD = 1024
"""Megabytes a process may map beyond its engine's memory limit: interpreter, code, thread stacks, result rows."""

_FILES = 64
"""Open descriptors a worker may have."""
_THREADS = 128
"""Threads a worker may have beside its engine's."""
ENGINE_READS = (Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
"""Where the engine looks for its limits; it aborts where it sees these and cannot read them."""


def apply(parent: int, keep: Collection[int], limits: Limits, layers: Collection[Layer]) -> None:
    """Confines the calling process: it dies with `parent`, keeps only the descriptors `keep`, its limits are final.

    Call it in a freshly forked, single-threaded process before the engine is connected: the engine's threads inherit
    what their first one gave up. Then open the engine, and `seal`.
    """
    os.setsid()
    os.umask(0o077)
    _close_except(keep)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _FILES)
    _limit(resource.RLIMIT_DATA, (limits.megabytes + OVERHEAD) << 20)
    if Layer.USER in layers:
        users.become_nobody(limits.threads + _THREADS)
    rights.die_with(parent)
    rights.give_up_rights()
    if Layer.FILES in layers:
        landlock.restrict(ENGINE_READS)
    if Layer.CALLS in layers:
        seccomp.restrict(OPENING)


def seal(layers: Collection[Layer]) -> None:
    """Once the engine is open and locked: no thread of the process finds another path."""
    if Layer.CALLS in layers:
        seccomp.restrict(ENGINE)


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
