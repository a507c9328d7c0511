"""A worker: attaches a snapshot's files, runs jobs one after the other, and says no more than that one failed.

It has no network, key, budget or noise: those modules are not even loaded.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from typing import NoReturn

from sandbox.confinement.layers import Layer
from sandbox.engines.duckdb import EngineError, Session
from sandbox.workers import isolation
from sandbox.workers.job import Job, Limits
from sandbox.workers.wire import receive_job, send_failure, send_rows


def work(parent: int, private: list[bool], files: list[int], limits: Limits, layers: Collection[Layer]) -> NoReturn:
    """Runs jobs until the broker closes its end; never returns into the zygote.

    `files` are the socket to the broker, then per part the private file, where `private` says so, and the public one.
    """
    status = 1
    try:
        isolation.apply(parent, files, limits, layers)
        remaining = iter(files[1:])
        paths = [(_path(next(remaining)) if held else None, _path(next(remaining))) for held in private]
        with socket.socket(fileno=files[0]) as connection:
            session = Session(paths, limits)
            isolation.seal(layers)
            while True:
                _answer(connection, session, receive_job(connection))
    except EOFError:
        status = 0
    finally:
        os._exit(status)


def _answer(connection: socket.socket, session: Session, job: Job) -> None:
    try:
        send_rows(connection, session.rows(job))
    except MemoryError:
        send_failure(connection, memory=True)
    except EngineError as error:
        send_failure(connection, memory=error.memory)


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"
