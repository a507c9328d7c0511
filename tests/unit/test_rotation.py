"""A new vault key, and data sets that are destroyed: what can be opened before, between and after."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.audit import log
from sandbox.audit.encoding import decode
from sandbox.audit.entry import DatasetDestroyed, VaultRotated
from sandbox.datasets import rotation
from sandbox.datasets.intake import load_dataset, snapshots_folder, vault_folder
from sandbox.datasets.rotation import rotate
from sandbox.datasets.snapshot import Snapshots, erase_snapshot
from sandbox.datasets.vault import NEXT, Vault
from sandbox.errors import Refusal
from sandbox.state import StateFolder
from sandbox.upkeep import commands
from sandbox.workers.job import Side
from tests.support.processes import made_state
from tests.unit.test_intake import CARD, CODES, PATIENTS, PEOPLE

FILES = 11
"""Sealed files of `state`: three keys, and of each of two loads three of a snapshot and one of the dictionary's."""


@contextmanager
def refuses(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code


class Lost(BaseException):
    """The machine went down."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with two snapshots and a dictionary."""
    path = tmp_path_factory.mktemp("state") / "state"
    Vault.create(vault_folder(path))
    files = path.parent / "files"
    files.mkdir()
    for name, text in (("病人.csv", PATIENTS), ("codes.csv", CODES)):
        (files / name).write_text(text, encoding="utf-8")
    for second in (1, 2):
        load_dataset(CARD, PEOPLE, sorted(files.iterdir()), path, datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), print)
    return path


@pytest.fixture
def state(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "state")
    return tmp_path / "state"


def contents(state: Path) -> dict[str, bytes]:
    """Everything a vault opens."""
    opened = Vault.open(vault_folder(state))
    return {str(path.relative_to(state)): opened.read(path, use) for path, use in rotation.sealed(state)}


def test_the_new_key_opens_everything_and_the_old_one_nothing(state: Path) -> None:
    before = contents(state)
    old = (vault_folder(state) / "vault.key").read_bytes()
    assert rotate(state) == len(before) == FILES
    assert contents(state) == before
    key = vault_folder(state) / "vault.key"
    assert key.read_bytes() != old
    assert key.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in vault_folder(state).iterdir() if path.suffix not in (".sealed", ".key")) == [
        "lock"
    ]
    former = Vault(vault_folder(state), old)
    for path, use in rotation.sealed(state):
        with pytest.raises(Refusal):
            former.read(path, use)


def test_rotated_again(state: Path) -> None:
    before = contents(state)
    for _ in range(3):
        rotate(state)
    assert contents(state) == before


def lose(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The machine goes down at the durable step of that number, before or after which nothing else is done."""
    steps = 0

    def counted(act: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **words: object) -> object:
            nonlocal steps
            steps += 1
            if steps > after:
                raise Lost
            return act(*arguments, **words)

        return step

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(os, "link", counted(os.link))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))


def test_lost_at_every_step(state: Path, tmp_path: Path) -> None:
    """Nothing is lost: the next call carries on, and until then nobody works with half a vault."""
    before, finished, refused, step = contents(state), False, 0, 0
    while not finished:
        place = tmp_path / f"at {step}"
        shutil.copytree(state, place)
        with pytest.MonkeyPatch.context() as patch:
            lose(patch, step)
            try:
                rotate(place)
                finished = True
            except Lost:
                pass
        if (vault_folder(place) / NEXT).exists():
            refused += 1
            with refuses("vault.rotating"):
                Vault.open(vault_folder(place))
        else:
            assert contents(place) == before
        rotate(place)
        assert contents(place) == before
        step += 1
    assert step >= 2 * FILES
    assert refused > FILES


def test_a_vault_in_use_is_not_rotated(state: Path) -> None:
    user = Vault.open(vault_folder(state))
    with refuses("state.busy"):
        rotate(state)
    del user
    assert rotate(state)


def test_a_damaged_file_stops_a_rotation_before_it_begins(state: Path) -> None:
    path = next(vault_folder(state).glob("*.sealed"))
    path.write_bytes(b"x" * len(path.read_bytes()))
    key = (vault_folder(state) / "vault.key").read_bytes()
    with refuses("vault.damaged"):
        rotate(state)
    assert (vault_folder(state) / "vault.key").read_bytes() == key
    assert not (vault_folder(state) / NEXT).exists()


def test_what_is_erased_cannot_be_opened(state: Path) -> None:
    """Not from the file either, which somebody may have linked before."""
    first, second = sorted(path.name for path in snapshots_folder(state).iterdir())
    kept = state / "kept"
    os.link(snapshots_folder(state) / first / "private.sealed", kept)
    opened = Vault.open(vault_folder(state))
    store = Snapshots(snapshots_folder(state), opened)
    assert erase_snapshot(snapshots_folder(state) / first)
    assert not erase_snapshot(snapshots_folder(state) / first)
    with pytest.raises(Refusal):
        store.open(first)
    with pytest.raises(Refusal):
        opened.read(kept, f"private {first}")
    store.part(second, Side.PRIVATE)
    store.close()


def test_the_commands() -> None:
    with made_state() as path:
        state = StateFolder(path)
        (snapshot,) = (each.name for each in snapshots_folder(path).iterdir())
        with refuses("registry.state"):
            commands.destroy(state, "clinic")
        commands.withdraw(state, "clinic")
        assert commands.destroy(state, "clinic")["erased"] == [snapshot]
        assert commands.destroy(state, "clinic")["erased"] == []
        assert commands.rotate_vault(state)["files"]
        assert not list(snapshots_folder(path).iterdir())
        acts = _acts(state)
        destroyed = DatasetDestroyed("clinic", (snapshot,))
        assert [each for each in acts if isinstance(each, DatasetDestroyed)] == [destroyed, destroyed]
        assert any(isinstance(each, VaultRotated) for each in acts)
        with state.held(), refuses("state.busy"):
            commands.rotate_vault(state)


def test_what_a_stopped_load_has_left_is_destroyed_too() -> None:
    """It was never published, so that no data set names it: sealed records would stay for ever."""
    with made_state() as path:
        state = StateFolder(path)
        folder = snapshots_folder(path)
        for name in (".new-0123", "0" * 64):
            (folder / name).mkdir()
            state.vault.seal(b"records", folder / name / "private.sealed", f"private {name}")
        kept = path / "kept"
        os.link(folder / ".new-0123" / "private.sealed", kept)
        commands.withdraw(state, "clinic")
        vault = state.vault
        with refuses("state.busy"):
            commands.destroy(state, "clinic")
        del vault
        commands.destroy(state, "clinic")
        assert not list(folder.iterdir())
        with pytest.raises(Refusal):
            state.vault.read(kept, "private .new-0123")


def _acts(state: StateFolder) -> list[object]:
    with commands.database(state) as engine, engine.connect() as connection:
        return [decode(data).act for data in log.entries(connection, 0, log.size(connection))]
