"""The log as it is served: a file for each path, of what a signed checkpoint covers and no more.

The checkpoint and the hash tiles are for everybody: a leaf's hash covers 16 random bytes and tells nothing of the leaf.
Entry bundles are for auditors.
Source: C2SP tlog-tiles.
"""

from __future__ import annotations

from sqlalchemy import Connection

from sandbox.audit import log
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.tiles import CHECKPOINT, HEIGHT, Tile, write_bundle


def hashes(connection: Connection, key: LogPublicKey, path: str) -> bytes | None:
    """The checkpoint, or a hash tile; None where there is none."""
    note = log.checkpoint(connection)
    if note is None:
        return None
    if path == CHECKPOINT:
        return note.encode()
    tile = _covered(note, key, path)
    if tile is None or tile.level is None:
        return None
    return log.tile(connection, HEIGHT * tile.level, tile.start, tile.start + tile.width)


def bundle(connection: Connection, key: LogPublicKey, path: str) -> bytes | None:
    """An entry bundle; None where there is none."""
    note = log.checkpoint(connection)
    tile = None if note is None else _covered(note, key, path)
    if tile is None or tile.level is not None:
        return None
    return write_bundle(list(log.entries(connection, tile.start, tile.start + tile.width)))


def _covered(note: str, key: LogPublicKey, path: str) -> Tile | None:
    """The tile of a path, when all of it stands in the tree of the checkpoint."""
    tile = Tile.parse(path)
    if tile is None:
        return None
    complete = open_note(note, key).size >> HEIGHT * (tile.level or 0)
    return tile if tile.start + tile.width <= complete else None
