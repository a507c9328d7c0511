"""Sealed files: what goes in comes out, and any change is found out."""

from __future__ import annotations

import fcntl
import os
import random
from pathlib import Path

import pytest

from sandbox.datasets.vault import CHUNK, SMALLEST, Vault
from sandbox.errors import Refusal


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "vault")


SIZES = [
    0,
    1,
    SMALLEST - 9,
    SMALLEST - 8,
    SMALLEST - 7,
    CHUNK - 8,
    CHUNK - 7,
    CHUNK,
    2 * CHUNK - 8,
    2 * CHUNK,
    3 * CHUNK,
]


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(vault: Vault, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    plain = os.memfd_create("plain")
    os.write(plain, data)
    vault.seal(plain, tmp_path / "file", "context")
    vault.seal(data, tmp_path / "bytes", "context")
    os.close(plain)
    assert vault.read(tmp_path / "file", "context") == vault.read(tmp_path / "bytes", "context") == data
    memory = vault.open_memory(tmp_path / "file", "context")
    assert os.pread(memory, size + 1, 0) == data
    os.close(memory)


def test_sizes_are_padded(vault: Vault, tmp_path: Path) -> None:
    """Rule 4: the size tells the power of two and no more."""
    sizes = set()
    for number, size in enumerate((CHUNK, CHUNK + 1, 2 * CHUNK - 8)):
        vault.seal(bytes(size), tmp_path / str(number), "context")
        sizes.add((tmp_path / str(number)).stat().st_size)
    assert len(sizes) == 1


@pytest.mark.parametrize(("size", "flips"), [(100, 1200), (3 * CHUNK // 2, 100)])
def test_every_flip_is_found(vault: Vault, tmp_path: Path, size: int, flips: int) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    path = tmp_path / "file"
    vault.seal(os.urandom(size), path, "context")
    good = path.read_bytes()
    header = range(8 * 120)
    anywhere = [chance.randrange(8 * len(good)) for _ in range(flips)]
    for bit in [*(header if size < CHUNK else ()), *anywhere]:
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(Refusal, match=r"vault\.damaged"):
            pytest.fail(f"seed {seed}, bit {bit}: {len(vault.read(path, 'context'))} bytes came out")


def changed(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_truncation_growth_and_swaps_are_found(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "file"
    vault.seal(os.urandom(3 * CHUNK), path, "context")
    good = path.read_bytes()
    header = len(good) % (CHUNK + 16)
    chunks = [good[start : start + CHUNK + 16] for start in range(header, len(good), CHUNK + 16)]
    assert len(chunks) == 4
    for damage in (
        b"",
        good[: header - 1],
        good[:header],
        good[:-1],
        good + b"\0",
        good[:header] + b"".join(chunks[:3]),
        good[:header] + b"".join(chunks[:2]),
        good[:header] + b"".join([*chunks, chunks[3]]),
        good[:header] + b"".join([chunks[0], chunks[2], chunks[1], chunks[3]]),
        good[:header] + b"".join([chunks[1], chunks[0], chunks[2], chunks[3]]),
    ):
        with pytest.raises(Refusal, match=r"vault\.damaged"):
            vault.read(changed(path, damage), "context")
        with pytest.raises(Refusal, match=r"vault\.damaged"):
            vault.open_memory(path, "context")
    assert len(vault.read(changed(path, good), "context")) == 3 * CHUNK


def test_chunks_of_another_file_and_other_contexts_and_vaults(vault: Vault, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    vault.seal(bytes(100), one, "context")
    vault.seal(bytes(100), two, "context")
    other = Vault.create(tmp_path / "other")
    header = len(one.read_bytes()) - SMALLEST - 16
    for holder, context, data in (
        (vault, "context", one.read_bytes()[:header] + two.read_bytes()[header:]),
        (vault, "contexts", one.read_bytes()),
        (other, "context", one.read_bytes()),
    ):
        with pytest.raises(Refusal, match=r"vault\.damaged"):
            holder.read(changed(tmp_path / "mixed", data), context)
    with pytest.raises(Refusal, match=r"vault\.damaged"):
        vault.read(tmp_path / "missing", "context")


def test_nothing_sealed_is_replaced(vault: Vault, tmp_path: Path) -> None:
    vault.seal(b"one", tmp_path / "file", "context")
    with pytest.raises(FileExistsError):
        vault.seal(b"two", tmp_path / "file", "context")
    assert vault.read(tmp_path / "file", "context") == b"one"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]


def test_opened_memory_cannot_be_changed(vault: Vault, tmp_path: Path) -> None:
    vault.seal(b"rows", tmp_path / "file", "context")
    memory = vault.open_memory(tmp_path / "file", "context")
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    assert fcntl.fcntl(memory, fcntl.F_GET_SEALS) == seals
    for attempt in (lambda: os.pwrite(memory, b"x", 0), lambda: os.ftruncate(memory, 0)):
        with pytest.raises(PermissionError):
            attempt()
    os.close(memory)


def test_keys_are_kept(vault: Vault, tmp_path: Path) -> None:
    again = Vault.open(tmp_path / "vault")
    assert vault.secret("one") == again.secret("one")
    assert len({vault.secret(name) for name in ("one", "two", "three")}) == 3
    key = (tmp_path / "vault" / "vault.key").read_bytes()
    files = [path.read_bytes() for path in (tmp_path / "vault").iterdir()]
    assert not any(vault.secret("one") in data or (key in data and key != data) for data in files)


def test_the_vault_key_is_its_owners_alone(tmp_path: Path) -> None:
    Vault.create(tmp_path / "vault")
    path = tmp_path / "vault" / "vault.key"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refusal, match=r"vault\.exists"):
        Vault.create(tmp_path / "vault")
    path.chmod(0o640)
    with pytest.raises(Refusal, match=r"vault\.key"):
        Vault.open(tmp_path / "vault")
    path.chmod(0o600)
    path.write_bytes(bytes(31))
    with pytest.raises(Refusal, match=r"vault\.key"):
        Vault.open(tmp_path / "vault")
    path.unlink()
    with pytest.raises(Refusal, match=r"vault\.key"):
        Vault.open(tmp_path / "vault")
