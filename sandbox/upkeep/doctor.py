"""What this machine offers a sandbox, and whether it is enough for the settings of a state folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from sandbox.confinement.layers import Layer, mandatory, named
from sandbox.confinement.machine import found
from sandbox.ledger.database import is_shared, journal, open_database
from sandbox.ledger.postgresql import faults
from sandbox.settings import Settings
from sandbox.state import StateFolder
from sandbox.workers.isolation import OVERHEAD

Row = Mapping[str, object]
_FREE = 1024
"""Megabytes of disk below which log and snapshots soon cannot grow."""


def examine(state: StateFolder) -> list[Row]:
    """A row a check: its name, whether it is well, and what was found. Reads no key and no data.

    Refuses `settings.*` where the state folder cannot be read.
    """
    settings = state.settings
    return [*_layers(settings), *_machine(settings), *_folder(state.path)]


def _layers(settings: Settings) -> Iterator[Row]:
    there, needed, given_up = found(), mandatory(), named(settings.without_layers)
    for layer in Layer:
        words = [
            "offered" if layer in there else "not offered",
            "mandatory" if layer in needed else "optional",
            *(["given up by without_layers"] if layer in given_up else []),
        ]
        yield _row(f"layer {layer}", ", ".join(words), well=layer in there | given_up or layer not in needed)


def _machine(settings: Settings) -> Iterator[Row]:
    wanted = settings.workers * 2 * (settings.worker_megabytes + OVERHEAD)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    yield _row("memory", f"{memory} MB; all workers together may take {wanted} MB", well=memory >= wanted)
    processors = len(os.sched_getaffinity(0))
    yield _row("processors", f"{processors}; a worker uses {settings.worker_threads}", well=True)
    yield _database(settings.database)
    shared = Path("/dev/shm")  # noqa: S108  asked about, not written to
    yield _row("shared memory", f"{shutil.disk_usage(shared).free >> 20} MB free", well=os.access(shared, os.W_OK))


def _database(url: str) -> Row:
    """What keeps the ledger, and whether its commits last."""
    if not is_shared(url):
        mode, synchronous = journal(sqlite3.sqlite_version_info)
        return _row("SQLite", f"{sqlite3.sqlite_version}, journal {mode}, synchronous {synchronous}", well=True)
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            unfit = faults(connection)
    except SQLAlchemyError as error:
        unfit = (type(error).__name__,)
    finally:
        engine.dispose()
    return _row("PostgreSQL", "; ".join(unfit) or "its commits last", well=not unfit)


def _folder(path: Path) -> Iterator[Row]:
    status = path.stat()
    yield _row(
        "state folder",
        f"mode {status.st_mode & 0o777:03o}, owner {status.st_uid}",
        well=status.st_uid == os.geteuid() and not status.st_mode & 0o077,
    )
    free = shutil.disk_usage(path).free >> 20
    yield _row("disk", f"{free} MB free; at least {_FREE} are wanted", well=free >= _FREE)


def _row(check: str, finding: str, *, well: bool) -> Row:
    return {"check": check, "well": well, "finding": finding}
