"""Whatever is changed in an exported log, byte, entry or file, the audit finds something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from secrets import randbits
from typing import TypeAlias

from sandbox.audit.entry import ServiceStarted
from sandbox.audit.verify import verify
from tests.support.log_history import KEY, exported, history, sha, step

Files: TypeAlias = dict[str, bytes]
Mutation: TypeAlias = Callable[[Random, Files], str]


def flip(random: Random, log: Files) -> str:
    path = one(random, log)
    data = bytearray(log[path])
    place = random.randrange(len(data))
    data[place] ^= random.randrange(1, 256)
    log[path] = bytes(data)
    return f"byte {place} of {path}"


def cut(random: Random, log: Files) -> str:
    path = one(random, log)
    data = log[path]
    start = random.randrange(len(data))
    end = random.choice([start + 1, len(data), random.randint(start + 1, len(data))])
    log[path] = data[:start] + data[end:]
    return f"[{start}, {end}) of {path}"


def insert(random: Random, log: Files) -> str:
    path = one(random, log)
    place = random.randint(0, len(log[path]))
    log[path] = log[path][:place] + random.randbytes(random.choice([1, 1, 2, 32])) + log[path][place:]
    return f"before byte {place} of {path}"


def remove(random: Random, log: Files) -> str:
    path = one(random, log)
    del log[path]
    return f"without {path}"


def copy(random: Random, log: Files) -> str:
    path = one(random, log)
    target = path + random.choice("0az")
    log[target] = log[path]
    return f"{path} also as {target}"


def exchange(random: Random, log: Files) -> str:
    """Two files of different content change places."""
    first = one(random, log)
    second = random.choice(sorted(path for path in log if log[path] != log[first]))
    log[first], log[second] = log[second], log[first]
    return f"{first} for {second}"


def entries(random: Random, log: Files) -> str:
    """One entry is dropped, doubled, moved or replaced, and the bundle is well formed."""
    bundle = random.choice(sorted(path for path in log if path.startswith("tile/entries/")))
    data, parts, place = log[bundle], list[bytes](), 0
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
    log[bundle] = b"".join(parts)
    return f"entry {here} {what} ({there}) in {bundle}"


MUTATIONS: tuple[Mutation, ...] = (flip, flip, flip, flip, cut, insert, remove, copy, exchange, entries)


def one(random: Random, log: Files) -> str:
    """A file, by its size or at even chances."""
    paths = sorted(log)
    weights = [len(log[path]) for path in paths] if random.random() < 0.5 else None
    return random.choices(paths, weights)[0]


def change(directory: Path, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """The directory that holds `before` holds `after`."""
    for path in before.keys() - after.keys():
        (directory / path).unlink()
    for path, data in after.items():
        if before.get(path) != data:
            with (directory / path).open("r+b" if path in before else "xb") as file:
                file.truncate(file.write(data))


def hunt(directory: Path, rounds: int, seed: int) -> None:
    random = Random(seed)
    honest = {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }
    for _ in range(rounds):
        log = dict(honest)
        mutation = random.choice(MUTATIONS)(random, log)
        change(directory, honest, log)
        report = verify(directory, KEY.public)
        change(directory, log, honest)
        assert not report.ok, f"seed {seed}: not found: {mutation}"
    assert verify(directory, KEY.public).ok, f"seed {seed}: the directory was not restored"


def test_every_mutation_of_a_small_log_is_found(tmp_path: Path) -> None:
    exported(tmp_path / "log", history()[:13])
    hunt(tmp_path / "log", 2000, randbits(64))


def test_every_mutation_of_a_log_of_several_tiles_is_found(tmp_path: Path) -> None:
    steps = [step(30, ServiceStarted("1", sha("c")))] * 500
    exported(tmp_path / "log", [*history(), *steps])
    hunt(tmp_path / "log", 40, randbits(64))
