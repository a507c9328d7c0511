"""A worker: attaches a snapshot's files, runs jobs one after the other, and says no more than that one failed.

It has no network, key, budget or noise: those modules are not even loaded.
"""

from __future__ import annotations

import os
import socket
from typing import NoReturn

from sandbox.engines.duckdb import EngineError, Session
from sandbox.workers import isolation
from sandbox.workers.job import Limits
from sandbox.workers.wire import Json, decode_job, encode_rows, receive_frame, send_frame


def work(parent: int, private: list[bool], files: list[int], limits: Limits) -> NoReturn:
    """Runs jobs until the broker closes its end; never returns into the zygote.

    `files` are the socket to the broker, then per part the private file, where `private` says so, and the public one.
    """
    status = 1
    try:
        isolation.apply(parent, files, limits.megabytes)
        remaining = iter(files[1:])
        paths = [(_path(next(remaining)) if held else None, _path(next(remaining))) for held in private]
        with socket.socket(fileno=files[0]) as connection:
            session = Session(paths, limits)
            while True:
                send_frame(connection, _answer(session, receive_frame(connection)))
    except EOFError:
        status = 0
    finally:
        os._exit(status)


def _answer(session: Session, order: Json) -> Json:
    try:
        return {"rows": encode_rows(session.run(decode_job(order)).rows)}
    except MemoryError:
        return {"failed": "memory"}
    except EngineError as error:
        return {"failed": "memory" if error.memory else "engine"}


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"
