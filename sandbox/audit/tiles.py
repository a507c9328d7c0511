"""Where the tiles and entry bundles of a log stand, and how a bundle is written. Source: C2SP tlog-tiles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.audit.forms import Malformed

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile, entries of a full bundle."""
CHECKPOINT = "checkpoint"
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<index>(x[0-9]{3}/){0,5}[0-9]{3})(\.p/(?P<width>[0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes, or on the level None the entries, [start, start + width) of a tile level."""

    level: int | None
    index: int
    width: int

    @property
    def start(self) -> int:
        return self.index * WIDTH

    @property
    def path(self) -> str:
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[place : place + 3] for place in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{name}{partial}"

    @classmethod
    def parse(cls, path: str) -> Tile | None:
        """The tile that stands at the path; None when none does: each has one spelling."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        level = None if found["level"] == "entries" else int(found["level"])
        index = int(found["index"].replace("x", "").replace("/", ""))
        tile = cls(level, index, int(found["width"] or WIDTH))
        return tile if tile.path == path and 0 < tile.width <= WIDTH else None


def bundles(size: int) -> Iterator[Tile]:
    """The entry bundles of a log of this size, in order."""
    return _row(None, size)


def tiles(size: int) -> Iterator[Tile]:
    """The hash tiles of a log of this size, level by level."""
    level = 0
    while size:
        yield from _row(level, size)
        size, level = size // WIDTH, level + 1


def write_bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of exactly this width, or Malformed."""
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if end > len(data) or place + 2 > len(data):
            raise Malformed("an entry bundle is cut short")
        entries.append(data[place + 2 : end])
        place = end
    if len(entries) != width:
        raise Malformed("an entry bundle of another width")
    return entries


def body_path(digest: str) -> str:
    """Where the text with this SHA-256 stands."""
    return f"bodies/{digest[:2]}/{digest}"


def _row(level: int | None, size: int) -> Iterator[Tile]:
    for index in range(size // WIDTH):
        yield Tile(level, index, WIDTH)
    if size % WIDTH:
        yield Tile(level, size // WIDTH, size % WIDTH)
