"""The mark: a database older than what was told is found out, at the start and while the service runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from sandbox.audit.checkpoint import LogKey, open_note, sign
from sandbox.audit.mark import _SLOT, Mark
from sandbox.audit.merkle import EMPTY_ROOT
from sandbox.audit.tree_head import Checkpoint
from sandbox.errors import Fault, Refusal
from tests.support.ledger_world import LOG, World, charge_of, open_world
from tests.support.log_keys import log_key

_ROOT = bytes(32)


@contextmanager
def refuses(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code


@cache
def note(size: int, key: LogKey = LOG) -> str:
    """One note a size: ML-DSA signs the same text otherwise each time."""
    return sign(Checkpoint(key.name, size, _ROOT), key)


@pytest.fixture
def mark(tmp_path: Path) -> Mark:
    return Mark.begin(tmp_path / "log.mark", LOG)


def test_it_is_raised_and_never_lowered(mark: Mark, tmp_path: Path) -> None:
    assert open_note(mark.newest(), LOG.public) == Checkpoint(LOG.name, 0, EMPTY_ROOT)
    for size, highest in ((3, 3), (5, 5), (4, 5), (5, 5), (9, 9), (1, 9)):
        mark.raise_to(note(size))
        assert mark.newest() == note(highest)
        assert Mark(tmp_path / "log.mark", LOG.public).newest() == note(highest)


@pytest.mark.parametrize("torn", [b"", b"\0" * _SLOT, note(9).encode()[:60], b"\xff" * _SLOT])
def test_a_torn_slot_leaves_the_other(mark: Mark, tmp_path: Path, torn: bytes) -> None:
    for size in (1, 2, 3):
        mark.raise_to(note(size))
    data = (tmp_path / "log.mark").read_bytes()
    newest = data.index(note(3).encode())
    (tmp_path / "log.mark").write_bytes(data[:newest] + torn.ljust(_SLOT, b"\0") + data[newest + _SLOT :])
    assert mark.newest() == note(2)
    mark.raise_to(note(4))
    assert mark.newest() == note(4)


def test_a_mark_that_is_missing_or_damaged_or_of_another_log_is_refused(mark: Mark, tmp_path: Path) -> None:
    other = log_key(LOG.name, bytes(32))
    for size in (1, 2):
        mark.raise_to(note(size))
    with refuses("log.unmarked"):
        Mark(tmp_path / "log.mark", other.public).newest()
    for damaged in (b"x", b"\0", b""):
        (tmp_path / "log.mark").write_bytes(damaged * 2 * _SLOT)
        for act in (mark.newest, lambda: mark.raise_to(note(3))):
            with refuses("log.unmarked"):
                act()
    (tmp_path / "log.mark").unlink()
    with refuses("log.unmarked"):
        mark.newest()


def test_every_checkpoint_told_is_below_the_mark(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        for number in range(5):
            told = world.writer.submit(world.authorization(world.request(f"q{number}"))).result().checkpoint
            assert told is not None
            assert Mark(tmp_path / "log.mark", LOG.public).newest() == told


def copied(folder: Path, target: Path) -> None:
    """The database alone, as a backup of files would hold it."""
    target.mkdir()
    for path in folder.glob("vitrine.db*"):
        shutil.copy(path, target / path.name)


def put_back(folder: Path, source: Path) -> None:
    for path in folder.glob("vitrine.db*"):
        path.unlink()
    for path in source.iterdir():
        shutil.copy(path, folder / path.name)


def test_a_database_that_was_rolled_back_is_not_written(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        world.ask("first")
        world.close()
        copied(world.folder, tmp_path / "old")
        again = World(world.folder, first=100)
        again.ask("second")
        again.close()
        put_back(world.folder, tmp_path / "old")
        with refuses("log.rolled_back"):
            World(world.folder)


def test_a_database_with_another_history_of_the_same_length_is_not_written(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        world.close()
        copied(world.folder, tmp_path / "old")
        for number in (1, 2):
            again = World(world.folder, first=100 * number)
            again.ask(f"query {number}")
            again.close()
            if number == 1:
                shutil.copy(tmp_path / "log.mark", tmp_path / "mark")
                put_back(world.folder, tmp_path / "old")
                Mark.begin(tmp_path / "log.mark", LOG)
        shutil.copy(tmp_path / "mark", tmp_path / "log.mark")
        with refuses("log.rolled_back"):
            World(world.folder)


def test_a_roll_back_beneath_a_running_service_releases_nothing(tmp_path: Path) -> None:
    """As when a database server fails over to a copy that lags behind: no answer leaves, no checkpoint is signed."""
    with open_world(tmp_path) as world:
        charge = charge_of(world.ask("first"))
        known = Mark(tmp_path / "log.mark", LOG.public).newest()
        assert known is not None
        size = open_note(known, LOG.public).size
        ahead = sign(Checkpoint(LOG.name, size + 50, _ROOT), LOG)
        Mark.create(tmp_path / "log.mark", LOG.public, ahead)  # what was told before the fail-over
        for act in (lambda: world.release(charge), lambda: world.ask("second")):
            with pytest.raises(Fault, match="newest checkpoint"):
                act()
        assert Mark(tmp_path / "log.mark", LOG.public).newest() == ahead
