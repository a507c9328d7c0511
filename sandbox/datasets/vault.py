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
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.disk import make_folder, overwrite, publish, remove
from sandbox.errors import Refusal

CHUNK = 1 << 20
"""Bytes of plaintext in a chunk."""
SMALLEST = 1 << 12
"""Bytes of the smallest padded plaintext."""

SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
"""Of a memory file that nobody can change."""

KEY = 32
"""Bytes of a key."""
NEXT = "vault.key.next"
"""The new vault key, while a rotation is under way."""
_NONCE = 12
_TAG = 16
_MAGIC = b"vitrine sealed 1"
_ID = 16
_HEADER = len(_MAGIC) + _ID + _NONCE + KEY + _TAG
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
        make_folder(folder)
        try:
            publish(folder / "vault.key", (secrets.token_bytes(KEY),))
        except FileExistsError:
            raise Refusal("vault.exists") from None
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The vault of a folder; its key stays while this object lives. Refuses `vault.key`, `vault.rotating`."""
        if not folder.is_dir():
            raise Refusal("vault.key")
        lock = _locked(folder, fcntl.LOCK_SH)
        try:
            if (folder / NEXT).exists():
                raise Refusal("vault.rotating")
            found = cls(folder, read_key(folder / "vault.key"))
        except BaseException:
            os.close(lock)
            raise
        weakref.finalize(found, os.close, lock)
        return found

    def secret(self, name: str) -> bytes:
        """The 32-byte key of that name, made when it is first asked for and kept sealed ever after."""
        path = self._folder / f"{name}.sealed"
        context = secret_context(name)
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                self.seal(secrets.token_bytes(KEY), path, context)
        return self.read(path, context)

    def seal(self, source: int | bytes, path: Path, context: str) -> None:
        """Writes the bytes, or all of the file behind the descriptor, as a sealed file, durably and all or nothing.

        Raises FileExistsError when there is such a file: nothing sealed is ever replaced.
        """
        data_key = AESGCM.generate_key(8 * KEY)
        file_id = secrets.token_bytes(_ID)
        header = _header(self._key, data_key, file_id, context)
        publish(path, _ciphertext(header, AESGCM(data_key), file_id, source))

    def rewrapped(self, path: Path, context: str, key: bytes) -> bytes:
        """The file's header with its data key wrapped by another vault key. Refuses `vault.damaged`."""
        try:
            with path.open("rb") as file:
                file_id, data_key = self._unwrapped(file.fileno(), context)
        except (OSError, InvalidTag):
            raise Refusal("vault.damaged", {"file": path.name}) from None
        return _header(AESGCM(key), data_key, file_id, context)

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

    def check(self, path: Path, context: str) -> None:
        """The sealed file opens. Refuses `vault.damaged`."""
        for _ in self._plaintext(path, context):
            pass

    def _plaintext(self, path: Path, context: str) -> Iterator[bytes]:
        """The plaintext in pieces; it may be used only when the last one has come without a refusal."""
        try:
            with path.open("rb") as file:
                yield from self._decrypt(file.fileno(), context)
        except (OSError, InvalidTag, struct.error):
            raise Refusal("vault.damaged", {"file": path.name}) from None

    def _decrypt(self, file: int, context: str) -> Iterator[bytes]:
        file_id, key = self._unwrapped(file, context)
        data_key = AESGCM(key)
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

    def _unwrapped(self, file: int, context: str) -> tuple[bytes, bytes]:
        """Id and data key of a sealed file."""
        header = os.pread(file, _HEADER, 0)
        if len(header) != _HEADER or not header.startswith(_MAGIC):
            raise InvalidTag
        file_id, wrapped = header[len(_MAGIC) :][:_ID], header[len(_MAGIC) + _ID :]
        return file_id, self._key.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _binding(file_id, context))


def read_key(path: Path) -> bytes:
    """The key in a file. Refuses `vault.key`: no key file, not 32 bytes, or others may read it."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            key = file.read(KEY + 1)
    except OSError:
        raise Refusal("vault.key") from None
    if len(key) != KEY or not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid != os.geteuid():
        raise Refusal("vault.key")
    return key


def erase(path: Path) -> None:
    """The sealed file cannot be opened any more: its data key is overwritten, then the file removed, durably.

    A copy of the disk from before still opens with the vault key of then: rotate it.
    """
    overwrite(path, secrets.token_bytes(_HEADER))
    remove(path)


def _locked(folder: Path, how: int) -> int:
    """A descriptor that holds the vault's lock: shared by whoever uses its key, or of the one who changes it.

    Refuses `vault.rotating`, `state.busy`.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Refusal("vault.rotating" if how == fcntl.LOCK_SH else "state.busy") from None
    return descriptor


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else uses or changes the vault within. Refuses `state.busy`."""
    descriptor = _locked(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


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


def secret_context(name: str) -> str:
    """What the sealed key of that name is bound to."""
    return f"secret {name}"


def _header(vault_key: AESGCM, data_key: bytes, file_id: bytes, context: str) -> bytes:
    """The head of a sealed file: its data key wrapped by the vault key."""
    nonce = secrets.token_bytes(_NONCE)
    return _MAGIC + file_id + nonce + vault_key.encrypt(nonce, data_key, _binding(file_id, context))


def _binding(file_id: bytes, context: str) -> bytes:
    return file_id + context.encode()
