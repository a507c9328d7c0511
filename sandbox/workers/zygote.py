"""The process that forks every worker: it starts before vault and database are open, so no worker ever shared them.

Started as `python -m sandbox.workers.zygote FD THREADS MEGABYTES LAYER…`; FD is a Unix SOCK_SEQPACKET socket of the
broker, the layers are those to confine workers in.
Orders are JSON: `{"fork": [[private?, …], …]}` with the worker's end of a stream socket and the files as descriptors
in that order, answered by `{"pid": n}`; `{"wait": n}`, answered by `{"status": s}` once that worker has ended. The
end of the stream ends the zygote, and with it every worker.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from collections.abc import Collection
from pathlib import Path

from sandbox.confinement import namespaces, rights, tree
from sandbox.confinement.layers import Layer
from sandbox.errors import Fault
from sandbox.workers.child import work
from sandbox.workers.job import Limits

MAX_ORDER = 1 << 16
"""Bytes of an order."""
MAX_FILES = 32
"""Descriptors of an order."""


def serve(control: socket.socket, limits: Limits, layers: Collection[Layer]) -> None:
    """Carries out orders until the broker is gone."""
    if Layer.NAMESPACES in layers:
        namespaces.enter()
    if Layer.TREE in layers:
        tree.enter(processes=True)
    gc.collect()
    gc.freeze()
    while True:
        packet, files, _flags, _address = socket.recv_fds(control, MAX_ORDER, MAX_FILES)
        if not packet:
            return
        match json.loads(packet):
            case {"fork": list(parts)}:
                answer = {"pid": _fork(parts, files, limits, layers)}
            case {"wait": int(pid)}:
                answer = {"status": os.waitpid(pid, 0)[1]}
            case _:
                raise Fault("not an order")
        control.send(json.dumps(answer).encode())


def _fork(private: list[bool], files: list[int], limits: Limits, layers: Collection[Layer]) -> int:
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise Fault("the zygote is not single-threaded")
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        work(parent, private, files, limits, layers)
    for descriptor in files:
        os.close(descriptor)
    return pid


def main() -> None:
    """Runs the zygote on the socket that the command line names. Who could trace it would own every worker to come."""
    rights.keep_memory()
    descriptor, threads, megabytes = map(int, sys.argv[1:4])
    with socket.socket(fileno=descriptor) as control:
        serve(control, Limits(threads, megabytes), frozenset(map(Layer, sys.argv[4:])))
    os._exit(0)  # the engine's module writes to standard error when it is unloaded


if __name__ == "__main__":
    main()
