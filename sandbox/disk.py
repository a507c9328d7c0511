"""Files that stand: what a function here has done is on the disk, names too, when it returns, and in no other order.

Nothing else in the sandbox writes a file that must outlast it, but the database.
Source: POSIX fsync; a name stands when its folder is synced.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

PARTIAL = ".new-"
"""How the names of files and folders begin that are not finished; after a crash some may be left."""


def publish(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file of mode 0600 that appears whole under its name, or not at all.

    Raises FileExistsError when there is such a file: nothing is ever replaced.
    """
    with _written(path, pieces) as partial:
        path.hardlink_to(partial)
        partial.unlink()
    sync_folder(path.parent)


def put(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Writes a file in the place of a former one: at any time the name holds one of them whole."""
    with _written(path, (data,)) as partial:
        partial.chmod(mode)
        partial.replace(path)
    sync_folder(path.parent)


def overwrite(path: Path, data: bytes, offset: int = 0) -> None:
    """Overwrites bytes of a file in their place. A crash within may leave a part of them. Raises FileNotFoundError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _write(descriptor, data, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """The file is gone; there may have been none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """The folder is there, with its parents, its own mode 0700 where it is new."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(0o700)
    except FileExistsError:
        return
    sync_folder(path.parent)


def remove_folder(path: Path) -> None:
    """The empty folder is gone."""
    path.rmdir()
    sync_folder(path.parent)


def move(path: Path, target: Path) -> None:
    """The file or folder has this name, in place of a file of that name or an empty folder."""
    path.replace(target)
    for folder in {path.parent, target.parent}:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Makes durable what others have written into a folder: files, then names, from the leaves up."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            descriptor = os.open(Path(place) / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(place))


@contextmanager
def _written(path: Path, pieces: Iterable[bytes]) -> Iterator[Path]:
    """A file beside the path that holds the bytes durably; it is not left when they cannot be written or named."""
    partial = path.with_name(f"{PARTIAL}{token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            place = 0
            for piece in pieces:
                _write(descriptor, piece, place)
                place += len(piece)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield partial
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _write(descriptor: int, data: bytes, offset: int) -> None:
    """All of it: a system call may take a part."""
    left = memoryview(data)
    while left:
        done = os.pwrite(descriptor, left, offset)
        left, offset = left[done:], offset + done
