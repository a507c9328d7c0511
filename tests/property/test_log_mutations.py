"""Whatever is changed in an exported log, byte, entry or file, the audit finds something."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from secrets import randbits

from sandbox.audit.entry import ServiceStarted
from sandbox.audit.verify import verify
from tests.support.log_history import DEPARTMENT, KEY, exported, history, sha, step

Mutation = Callable[[Random, Path], str]


def flip(random: Random, log: Path) -> str:
    path = one(random, log)
    data = bytearray(path.read_bytes())
    place = random.randrange(len(data))
    data[place] ^= random.randrange(1, 256)
    path.write_bytes(data)
    return f"byte {place} of {path}"


def cut(random: Random, log: Path) -> str:
    path = one(random, log)
    data = path.read_bytes()
    start = random.randrange(len(data))
    end = random.choice([start + 1, len(data), random.randint(start + 1, len(data))])
    path.write_bytes(data[:start] + data[end:])
    return f"[{start}, {end}) of {path}"


def insert(random: Random, log: Path) -> str:
    path = one(random, log)
    data = path.read_bytes()
    place = random.randint(0, len(data))
    path.write_bytes(data[:place] + random.randbytes(random.choice([1, 1, 2, 32])) + data[place:])
    return f"before byte {place} of {path}"


def remove(random: Random, log: Path) -> str:
    path = one(random, log)
    path.unlink()
    return f"without {path}"


def copy(random: Random, log: Path) -> str:
    path = one(random, log)
    target = path.with_name(path.name + random.choice("0az"))
    shutil.copyfile(path, target)
    return f"{path} also as {target}"


def exchange(random: Random, log: Path) -> str:
    """Two files of different content change places."""
    first = one(random, log)
    second = random.choice([path for path in files(log) if path.read_bytes() != first.read_bytes()])
    before, after = first.read_bytes(), second.read_bytes()
    first.write_bytes(after)
    second.write_bytes(before)
    return f"{first} for {second}"


def entries(random: Random, log: Path) -> str:
    """One entry is dropped, doubled or moved, and the bundle is well formed."""
    bundle = random.choice(sorted(path for path in (log / "tile/entries").rglob("*") if path.is_file()))
    data, parts, place = bundle.read_bytes(), list[bytes](), 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        parts.append(data[place:end])
        place = end
    here, there = random.sample(range(len(parts)), 2)
    what = random.choice(["dropped", "doubled", "moved", "replaced"])
    match what:
        case "dropped":
            del parts[here]
        case "doubled":
            parts.insert(here, parts[here])
        case "moved":
            parts.insert(there, parts.pop(here))
        case _:
            parts[here] = parts[there]
    bundle.write_bytes(b"".join(parts))
    return f"entry {here} {what} ({there})"


def files(log: Path) -> list[Path]:
    return sorted(path for path in log.rglob("*") if path.is_file())


def one(random: Random, log: Path) -> Path:
    """A file, by its size or at even chances."""
    found = files(log)
    weights = [path.stat().st_size for path in found] if random.random() < 0.5 else None
    return random.choices(found, weights)[0]


@contextmanager
def restored(log: Path) -> Iterator[None]:
    """The directory is as before afterwards."""
    before = {path: path.read_bytes() for path in files(log)}
    yield
    for path in files(log):
        if path not in before:
            path.unlink()
    for path, data in before.items():
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


MUTATIONS: tuple[Mutation, ...] = (flip, flip, flip, flip, cut, insert, remove, copy, exchange, entries)


def hunt(log: Path, rounds: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(rounds):
        with restored(log):
            mutation = random.choice(MUTATIONS)(random, log)
            report = verify(log, KEY.public, DEPARTMENT.public_key())
        assert not report.ok, f"seed {seed}: not found: {mutation}"
    assert verify(log, KEY.public, DEPARTMENT.public_key()).ok, f"seed {seed}: the directory was not restored"


def test_every_mutation_of_a_small_log_is_found(tmp_path: Path) -> None:
    exported(tmp_path / "log", history())
    hunt(tmp_path / "log", 2000, randbits(64))


def test_every_mutation_of_a_log_of_several_tiles_is_found(tmp_path: Path) -> None:
    steps = [step(30, ServiceStarted("1", sha("c")))] * 500
    exported(tmp_path / "log", [*history(), *steps])
    hunt(tmp_path / "log", 60, randbits(64))
