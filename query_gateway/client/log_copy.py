"""An auditor's copy of the log, fetched over the API and continued from where it ended: what `audit.verify` reads.

Its tree is made anew from the entries; it is kept only when it is that of a checkpoint that the log's keys signed.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from query_gateway.client.answers import Unproven
from sandbox.audit.forms import Malformed
from sandbox.audit.merkle import HASH_SIZE, Frontier, leaf_hash
from sandbox.audit.tiles import CHECKPOINT, HEIGHT, Tile, body_path, bundles, read_bundle, tiles, write_bundle
from sandbox.audit.tree_head import Checkpoint

Page = Callable[[int, int], Mapping[str, Any]]
"""The entries [start, end) and their texts, as `/v1/audit/entries` answers."""


def copy_log(note: str, head: Checkpoint, page: Page, directory: Path) -> int:
    """How many entries were fetched until the directory is the log at this checkpoint. Raises Unproven."""
    fetched, tree, rows = 0, Frontier(), dict[int, bytearray]()
    for bundle in bundles(head.size):
        entries = _kept(directory, bundle)
        if entries is None:
            entries = _fetched(directory, bundle, page)
            fetched += bundle.width
        for data in entries:
            for node, digest in tree.append(leaf_hash(data)):
                if node.level % HEIGHT == 0:
                    rows.setdefault(node.level // HEIGHT, bytearray()).extend(digest)
    if tree.root() != head.root:
        raise Unproven("the entries are not those of the signed checkpoint; nothing of the copy is to be believed")
    for tile in tiles(head.size):
        start, end = (place * HASH_SIZE for place in (tile.start, tile.start + tile.width))
        _write(directory / tile.path, bytes(rows[tile.level or 0][start:end]))
    for path in _outgrown(directory, head.size):
        path.unlink()
    _write(directory / CHECKPOINT, note.encode())
    return fetched


def _kept(directory: Path, bundle: Tile) -> list[bytes] | None:
    """The entries of a bundle that was fetched whole before."""
    try:
        return read_bundle((directory / bundle.path).read_bytes(), bundle.width)
    except (OSError, Malformed):
        return None


def _fetched(directory: Path, bundle: Tile, page: Page) -> list[bytes]:
    found = page(bundle.start, bundle.start + bundle.width)
    try:
        entries = [b64decode(entry, validate=True) for entry in found["entries"]]
        texts = {digest: b64decode(text, validate=True) for digest, text in found["bodies"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unproven("this is no page of the log") from None
    if len(entries) != bundle.width or found["start"] != bundle.start:
        raise Unproven("this is another page of the log")
    for digest, text in texts.items():
        if sha256(text).hexdigest() != digest:
            raise Unproven("a text beside the log is not the one named")
        _write(directory / body_path(digest), text)
    _write(directory / bundle.path, write_bundle(entries))
    return entries


def _outgrown(directory: Path, size: int) -> Iterator[Path]:
    """Partial tiles of a smaller log."""
    current = {tile.path for tile in (*bundles(size), *tiles(size))}
    for path in directory.glob("tile/**/*.p/*"):
        if path.relative_to(directory).as_posix() not in current:
            yield path


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(data)
