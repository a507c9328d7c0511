"""The vault: files that only the holder of the vault key can read, and in which any change is found out.

A sealed file is a header (magic, file id, data key wrapped by the vault key) and the ciphertext in chunks of 1 MiB,
AES-256-GCM each, with file id, chunk index and last-chunk flag as associated data. The file's context (what it is
for) is bound to the wrapped key. The plaintext is preceded by its length and padded to a power of two (rule 4).

Source: NIST SP 800-38D §8.2.1 (deterministic nonce: the data key is fresh, the chunk index counts).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.errors import Refusal

CHUNK = 1 << 20
"""Bytes of plaintext in a chunk."""
SMALLEST = 1 << 12
"""Bytes of the smallest padded plaintext."""

SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
"""Of a memory file that nobody can change."""

_KEY = 32
_NONCE = 12
_TAG = 16
_MAGIC = b"vitrine sealed 1"
_ID = 16
_HEADER = len(_MAGIC) + _ID + _NONCE + _KEY + _TAG
_LENGTH = struct.Struct(">Q")
_PLACE = struct.Struct(">Q?")


class Vault:
    """The vault key and the folder with the keys it wraps. Held by the broker and the parent of a load alone."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = AESGCM(key)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new vault: `vault.key`, 32 random bytes that the owner alone can read. Refuses `vault.exists`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = secrets.token_bytes(_KEY)
        try:
            _publish(folder / "vault.key", iter([key]))
        except FileExistsError:
            raise Refusal("vault.exists") from None
        return cls(folder, key)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The vault of a folder. Refuses `vault.key`: no key file, not 32 bytes, or others may read it."""
        try:
            with (folder / "vault.key").open("rb") as file:
                found = os.fstat(file.fileno())
                key = file.read(_KEY + 1)
        except OSError:
            raise Refusal("vault.key") from None
        if len(key) != _KEY or not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise Refusal("vault.key")
        return cls(folder, key)

    def secret(self, name: str) -> bytes:
        """The 32-byte key of that name, made when it is first asked for and kept sealed ever after."""
        path = self._folder / f"{name}.sealed"
        context = f"secret {name}"
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                self.seal(secrets.token_bytes(_KEY), path, context)
        return self.read(path, context)

    def seal(self, source: int | bytes, path: Path, context: str) -> None:
        """Writes the bytes, or all of the file behind the descriptor, as a sealed file, durably and all or nothing.

        Raises FileExistsError when there is such a file: nothing sealed is ever replaced.
        """
        data_key = AESGCM.generate_key(8 * _KEY)
        file_id = secrets.token_bytes(_ID)
        nonce = secrets.token_bytes(_NONCE)
        wrapped = self._key.encrypt(nonce, data_key, _binding(file_id, context))
        _publish(path, _ciphertext(_MAGIC + file_id + nonce + wrapped, AESGCM(data_key), file_id, source))

    def open_memory(self, path: Path, context: str) -> int:
        """The sealed file's plaintext in a memfd that nobody can change. Refuses `vault.damaged`.

        The descriptor is the caller's to close.
        """
        memory = os.memfd_create("snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(memory, "wb", closefd=False) as target:
                target.writelines(self._plaintext(path, context))
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, SEALS)
        except BaseException:
            os.close(memory)
            raise
        return memory

    def read(self, path: Path, context: str) -> bytes:
        """The sealed file's plaintext. Refuses `vault.damaged`."""
        return b"".join(self._plaintext(path, context))

    def _plaintext(self, path: Path, context: str) -> Iterator[bytes]:
        """The plaintext in pieces; it may be used only when the last one has come without a refusal."""
        try:
            with path.open("rb") as file:
                yield from self._decrypt(file.fileno(), context)
        except (OSError, InvalidTag, struct.error):
            raise Refusal("vault.damaged", {"file": path.name}) from None

    def _decrypt(self, file: int, context: str) -> Iterator[bytes]:
        header = os.pread(file, _HEADER, 0)
        if len(header) != _HEADER or not header.startswith(_MAGIC):
            raise InvalidTag
        file_id = header[len(_MAGIC) :][:_ID]
        wrapped = header[len(_MAGIC) + _ID :]
        data_key = AESGCM(self._key.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _binding(file_id, context)))
        size = os.fstat(file).st_size
        left: int | None = None
        for index, start in enumerate(range(_HEADER, size, CHUNK + _TAG)):
            sealed = os.pread(file, CHUNK + _TAG, start)
            place = _PLACE.pack(index, start + CHUNK + _TAG >= size)
            piece = data_key.decrypt(index.to_bytes(_NONCE, "big"), sealed, file_id + place)
            if left is None:
                left = _LENGTH.unpack(piece[: _LENGTH.size])[0]
                piece = piece[_LENGTH.size :]
            yield piece[:left]
            left -= min(left, len(piece))
        if left != 0:
            raise InvalidTag


def _ciphertext(header: bytes, data_key: AESGCM, file_id: bytes, source: int | bytes) -> Iterator[bytes]:
    yield header
    size = len(source) if isinstance(source, bytes) else os.fstat(source).st_size
    stream = _LENGTH.pack(size)
    padded = max(SMALLEST, 1 << (size + len(stream) - 1).bit_length())
    taken = 0
    for index, start in enumerate(range(0, padded, CHUNK)):
        room = min(CHUNK, padded - start) - len(stream)
        piece = source[taken : taken + room] if isinstance(source, bytes) else os.pread(source, room, taken)
        taken += len(piece)
        place = _PLACE.pack(index, start + CHUNK >= padded)
        yield data_key.encrypt(index.to_bytes(_NONCE, "big"), stream + piece.ljust(room, b"\0"), file_id + place)
        stream = b""
    if taken != size:
        raise OSError("the file changed while it was sealed")


def _binding(file_id: bytes, context: str) -> bytes:
    return file_id + context.encode()


def _publish(path: Path, pieces: Iterator[bytes]) -> None:
    """Writes a file that appears whole and durably under its name, or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        os.link(file.name, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
