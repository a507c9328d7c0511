"""The log as a self-contained directory that `audit.verify` checks offline with nothing but public keys.

Shape: `checkpoint`, `tile/…` as C2SP tlog-tiles serves them, and `bodies/ab/abcd…`, the texts that entries name.
No key is exported: an auditor who took the keys from the directory would trust the one who wrote it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from sandbox.audit import log
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.tiles import CHECKPOINT, HEIGHT, body_path, bundles, tiles, write_bundle
from sandbox.errors import Fault


def export(connection: Connection, key: LogPublicKey, directory: Path) -> int:
    """The number of entries written: all that the newest checkpoint covers. The directory must not exist."""
    note = log.checkpoint(connection)
    if note is None:
        raise Fault("the log has no checkpoint yet")
    size = open_note(note, key).size
    directory.mkdir(parents=True)
    for bundle in bundles(size):
        entries = log.entries(connection, bundle.start, bundle.start + bundle.width)
        _write(directory / bundle.path, write_bundle(list(entries)))
    for tile in tiles(size):
        level = HEIGHT * (tile.level or 0)
        _write(directory / tile.path, log.tile(connection, level, tile.start, tile.start + tile.width))
    for digest, text in log.bodies(connection, size):
        _write(directory / body_path(digest), text)
    _write(directory / CHECKPOINT, note.encode())
    return size


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
