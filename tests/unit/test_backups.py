"""Backups: whole or refused, without keys in the clear, and never a way to roll the log back."""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from policies.licence_files import sign_licence
from sandbox.__main__ import main
from sandbox.audit.encoding import decode
from sandbox.audit.entry import Act, LogRestarted, QueryFailed, StateRestored
from sandbox.audit.log import checkpoint, entries, size
from sandbox.audit.verify import Report, verify
from sandbox.datasets.intake import snapshots_folder, vault_folder
from sandbox.errors import Refusal
from sandbox.keys import read_private_key
from sandbox.ledger.accounts import read_accounts
from sandbox.queries import runs
from sandbox.registry import acts
from sandbox.serving.admission import Admission
from sandbox.serving.door import Door
from sandbox.serving.frames import HttpAnswer, HttpRequest
from sandbox.serving.service import opened
from sandbox.state import DATABASE, MARK, StateFolder
from sandbox.upkeep import backups, commands, recovery
from sandbox.upkeep.backups import make_backup, open_backup
from sandbox.workers.job import Side
from tests.support.processes import code_of, doubled, made_state, query
from tests.support.served_state import LICENCE


@contextmanager
def refuses(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A state in which one query was asked."""
    with made_state() as path:
        state = StateFolder(path)
        asked(state, query(1))
        yield path


@pytest.fixture
def state(template: Path, tmp_path: Path) -> StateFolder:
    shutil.copytree(template, tmp_path / "state")
    return StateFolder(tmp_path / "state")


def asked(state: StateFolder, *requests: HttpRequest) -> list[HttpAnswer]:
    """The answers of a service on the state."""
    settings = state.settings
    with opened(state, settings) as broker:
        door = Door(broker, state.log_public_key, Admission(settings))
        return [door.handle(request) for request in requests]


def note_of(state: StateFolder) -> str:
    """The newest checkpoint."""
    with commands.database(state) as engine, engine.connect() as connection:
        found = checkpoint(connection)
    assert found is not None
    return found


def acts_of(state: StateFolder) -> list[Act]:
    with commands.database(state) as engine, engine.connect() as connection:
        return [decode(data).act for data in entries(connection, 0, size(connection))]


def audited(state: StateFolder, *told: str) -> Report:
    directory = state.path.with_name(f"log-{len(list(state.path.parent.iterdir()))}")
    commands.export_log(state, directory)
    return verify(directory, state.log_public_key, state.bundle.department, told)


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_backup_is_restored_where_there_was_nothing(state: StateFolder, tmp_path: Path) -> None:
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    before = asked(state, query(1))[0]
    note = tmp_path / "note"
    note.write_text(open_backup(tmp_path / "backup", tmp_path / "key").checkpoint)
    there = StateFolder(tmp_path / "elsewhere" / "state")
    done = commands.restore(there, tmp_path / "backup", tmp_path / "key", [note], nothing_newer=False, lost=False)
    assert done["replaced"] is None
    assert asked(there, query(1))[0].body == before.body
    assert any(isinstance(act, StateRestored) and act.told is not None for act in acts_of(there))
    assert audited(there, note.read_text()).findings == ()
    (snapshot,) = (path.name for path in snapshots_folder(there.path).iterdir())
    there.snapshots.part(snapshot, Side.PRIVATE)


def test_a_backup_is_taken_while_the_state_is_served(state: StateFolder, tmp_path: Path) -> None:
    settings = state.settings
    with state.held(), opened(state, settings) as broker:
        door = Door(broker, state.log_public_key, Admission(settings))
        assert door.handle(query(2)).status == 200
        commands.backup(state, tmp_path / "backup", tmp_path / "key")
        assert door.handle(query(3)).status == 200
    open_backup(tmp_path / "backup", tmp_path / "key")


def test_no_key_is_in_the_clear_and_all_is_closed_to_others(state: StateFolder, tmp_path: Path) -> None:
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    secrets = [path.read_bytes() for path in state.path.rglob("*.pem")]
    secrets.append((vault_folder(state.path) / "vault.key").read_bytes())
    assert len(secrets) == 4
    for path in (tmp_path / "backup").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.is_dir() or not any(secret in path.read_bytes() for secret in secrets), path
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    assert not [
        path for path in (tmp_path / "backup").rglob("*") if path.name in (MARK, "s") or path.name.endswith("lock")
    ]


def test_every_file_of_a_backup_is_needed_as_it_was(state: StateFolder, tmp_path: Path) -> None:
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    files = [path for path in sorted((tmp_path / "backup").rglob("*")) if path.is_file()]
    assert len(files) > 12
    for path in files:
        data = path.read_bytes()
        for spoil in (changed, Path.unlink):
            spoil(path)
            with pytest.raises(Refusal, match=r"backup\.invalid|vault\.damaged"):
                open_backup(tmp_path / "backup", tmp_path / "key")
            path.write_bytes(data)
    (tmp_path / "backup" / "state" / "more").touch()
    with refuses("backup.invalid"):
        open_backup(tmp_path / "backup", tmp_path / "key")
    (tmp_path / "backup" / "state" / "more").unlink()
    open_backup(tmp_path / "backup", tmp_path / "key")
    (tmp_path / "other").write_bytes(bytes(32))
    (tmp_path / "other").chmod(0o600)
    with refuses("vault.damaged"):
        open_backup(tmp_path / "backup", tmp_path / "other")


def test_a_damaged_state_gives_no_backup(state: StateFolder, tmp_path: Path) -> None:
    changed(next(snapshots_folder(state.path).glob("*/private.sealed")))
    with refuses("vault.damaged"):
        make_backup(state, tmp_path / "backup", tmp_path / "key")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "state"]


def test_a_backup_never_replaces_anything(state: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with refuses("file.exists"):
        commands.backup(state, tmp_path / "backup", tmp_path / "key")


@pytest.mark.parametrize("known", ["the mark", "the database", "a checkpoint", "a receipt"])
def test_a_restore_that_would_roll_the_log_back_is_refused(state: StateFolder, tmp_path: Path, known: str) -> None:
    """Whatever knows of a later entry: the folder's mark, its database, or what somebody else keeps."""
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    (answer,) = asked(state, query(2))
    kept: list[Path] = []
    match known:
        case "the mark":
            (state.path / DATABASE).write_bytes(b"damaged")
        case "the database":
            (state.path / MARK).unlink()
        case "a checkpoint":
            kept = [tmp_path / "note"]
            kept[0].write_text(note_of(state))
        case _:
            kept = [tmp_path / "receipt.json"]
            kept[0].write_text(json.dumps(json.loads(answer.body)["receipt"]))
    if kept:
        shutil.rmtree(state.path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with refuses("log.rolled_back"):
        commands.restore(state, tmp_path / "backup", tmp_path / "key", kept, nothing_newer=True, lost=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert state.path.exists() == (not kept)


def test_where_nothing_tells_the_operator_must(state: StateFolder, tmp_path: Path) -> None:
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    shutil.rmtree(state.path)
    with refuses("backup.unchecked"):
        commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=False, lost=False)
    commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=True, lost=False)
    assert StateRestored(size_of_backup(tmp_path), None) in acts_of(state)


def size_of_backup(folder: Path) -> int:
    return int(open_backup(folder / "backup", folder / "key").checkpoint.splitlines()[1])


def test_a_folder_that_is_served_or_of_another_log_is_not_replaced(state: StateFolder, tmp_path: Path) -> None:
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    with state.held(), refuses("state.busy"):
        commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=True, lost=False)
    other = tmp_path / "other"
    other.mkdir()
    (other / "something").touch()
    with refuses("state.exists"):
        commands.restore(StateFolder(other), tmp_path / "backup", tmp_path / "key", [], nothing_newer=True, lost=False)
    with refuses("backup.checkpoint"):
        commands.restore(
            state, tmp_path / "backup", tmp_path / "key", [other / "something"], nothing_newer=True, lost=False
        )


def test_the_former_folder_is_kept(state: StateFolder, tmp_path: Path) -> None:
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    (state.path / DATABASE).write_bytes(b"damaged")
    done = commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=False, lost=False)
    assert (Path(str(done["replaced"])) / DATABASE).read_bytes() == b"damaged"
    assert audited(state).findings == ()


def test_what_is_lost_for_good_closes_every_account(state: StateFolder, tmp_path: Path) -> None:
    """No budget is refilled, what was left open is not released a second time, and the log says so."""
    before = asked(state, query(1))[0]
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    asked(state, query(2), query(3))
    told = note_of(state)
    (state.path / DATABASE).unlink()
    commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=False, lost=True)
    with refuses("log.rolled_back"):
        asked(state, query(1))
    with refuses("log.origin"):
        commands.recover(state, state.settings.origin)
    former = state.log_public_key
    commands.recover(state, "sandbox.test/log-2")
    assert state.log_public_key != former
    with refuses("log.sound"):
        commands.recover(state, "sandbox.test/log-3")
    again, new, free = asked(state, query(1), query(4), doubled(1))
    assert json.loads(again.body)["release"] == json.loads(before.body)["release"]
    assert code_of(new) == "budget.exhausted"
    assert free.status == 200
    with commands.database(state) as engine, engine.connect() as connection:
        for account in read_accounts(connection):
            assert account.limit == account.spent
    report = audited(state)
    assert report.findings == ()
    restarts = [act for act in acts_of(state) if isinstance(act, LogRestarted)]
    assert restarts == [LogRestarted("sandbox.test/log", int(told.splitlines()[1]))]
    assert audited(state, told).findings[0].code == "remembered.invalid"
    department = read_private_key(state.path / "keys" / "department.pem")
    licence = sign_licence(LICENCE.format(name="L3", agreement="0" * 64), department)
    with refuses("log.restarted"):
        commands.act(
            state,
            lambda connection, header: acts.issue_licence(connection, header, None, licence, department.public_key()),
        )


def test_what_was_open_in_the_backup_is_withheld(state: StateFolder, tmp_path: Path) -> None:
    """It may have been answered by what is lost: run again, it would be released with other noise for one charge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "remaining", lambda *_: pytest.fail("the run is stopped"))
        assert asked(state, query(5))[0].status == 202
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    assert asked(state, query(5))[0].status == 200
    commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=False, lost=True)
    commands.recover(state, "sandbox.test/log-2")
    answer = asked(state, query(5))[0]
    assert (answer.status, code_of(answer)) == (500, "service.failed")
    assert [act.cause for act in acts_of(state) if isinstance(act, QueryFailed)] == ["withheld"]
    assert audited(state).findings == ()


def test_a_recovery_that_was_stopped_is_begun_again(state: StateFolder, tmp_path: Path) -> None:
    """Nothing is served between, and no key signs two histories."""
    commands.backup(state, tmp_path / "backup", tmp_path / "key")
    asked(state, query(2))
    commands.restore(state, tmp_path / "backup", tmp_path / "key", [], nothing_newer=False, lost=True)
    with refuses("settings.invalid"):
        commands.recover(state, "no name")
    for name in ("replace_private_key", "put", "write_settings"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recovery, name, lambda *_: pytest.fail("the machine goes down"))
            with pytest.raises(pytest.fail.Exception):
                commands.recover(state, f"sandbox.test/{name}")
        with pytest.raises(Refusal, match=r"log\.(rolled_back|unmarked)|key\."):
            asked(state, query(1))
    commands.recover(state, "sandbox.test/at-last")
    assert asked(state, query(1))[0].status == 200
    assert audited(state).findings == ()


def test_a_disk_that_takes_nothing_is_told_in_a_line(
    state: StateFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator reads what is wrong with which file, no traceback; and nothing half-made is left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            backups, "sync_tree", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device", "backup"))
        )
        words = [
            "sandbox",
            "backup",
            str(tmp_path / "backup"),
            "--key",
            str(tmp_path / "key"),
            "--state",
            str(state.path),
        ]
        patch.setattr(sys, "argv", words)
        assert main() == 1
    assert "state.disk: A file cannot be read or written: backup: No space left on device." in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "state"]
