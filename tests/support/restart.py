"""What must hold of a state folder after a crash: the offline verifier judges, and nothing that was told is lost."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select

from sandbox.audit.checkpoint import open_note
from sandbox.audit.encoding import decode
from sandbox.audit.entry import QueryReleased
from sandbox.audit.log import entries, size
from sandbox.audit.verify import verify
from sandbox.datasets.intake import snapshots_folder
from sandbox.datasets.snapshot import contexts
from sandbox.errors import Refusal
from sandbox.ledger.accounts import read_accounts
from sandbox.ledger.charges import find_by_idempotency_key, find_charge
from sandbox.queries.answers import query_answer
from sandbox.queries.requests import is_batch
from sandbox.registry.schema import snapshots
from sandbox.state import StateFolder
from sandbox.upkeep import commands
from tests.support.story import Story


def require_whole(path: Path, story: Story, taken: int) -> None:
    """The folder, as a crash left it after so many steps of the story, starts again and goes on from what was told."""
    state = StateFolder(path)
    if story.acts["init"][1] > taken:
        _require_new_or_none(state)
        return
    _require_vault(state)
    _require_mark(state, story, taken)
    commands.add_institution(state, "after", "After the crash")  # opens, checks the mark, writes, signs
    _require_log(state, story, taken)
    _require_answers(state, story, taken)
    _require_snapshots(state, story, taken)


def _require_new_or_none(state: StateFolder) -> None:
    """Settings that can be read are those of a state folder that is whole: they are written last."""
    try:
        settings = state.settings
    except Refusal as refusal:
        if refusal.code != "settings.invalid":
            raise
        return
    assert settings.origin
    assert state.log_key.public == state.log_public_key
    assert state.bundle.cards
    assert open_note(state.mark.newest(), state.log_public_key).size == 0
    state.vault  # noqa: B018 - opens


def _require_vault(state: StateFolder) -> None:
    """It opens, or a rotation can be finished."""
    try:
        state.vault  # noqa: B018 - opens
    except Refusal as refusal:
        if refusal.code != "vault.rotating":
            raise
        commands.rotate_vault(state)


def _require_mark(state: StateFolder, story: Story, taken: int) -> None:
    """It is at what was told last, or beyond."""
    told = [open_note(note, state.log_public_key).size for at, note in story.checkpoints if at <= taken]
    assert max(told, default=0) <= open_note(state.mark.newest(), state.log_public_key).size


def _require_log(state: StateFolder, story: Story, taken: int) -> None:
    """It verifies, holds every checkpoint that was told, and the accounts are what it says."""
    directory = state.path.with_name("export")
    commands.export_log(state, directory)
    told = [note for at, note in story.checkpoints if at <= taken]
    report = verify(directory, state.log_public_key, state.bundle.department, told)
    assert report.findings == ()
    with commands.database(state) as engine, engine.connect() as connection:
        found = {each.id: each for each in read_accounts(connection)}
        acts = [decode(data).act for data in entries(connection, 0, size(connection))]
    assert {name: (each.spent, each.limit) for name, each in found.items()} == {
        name: (each.spent, each.limit) for name, each in report.accounts.items()
    }
    ends = [(act.charge, act.number) for act in acts if isinstance(act, QueryReleased)]
    assert len(set(ends)) == len(ends)


def _require_answers(state: StateFolder, story: Story, taken: int) -> None:
    """Every request that was answered is found under its idempotency key, with the same bytes or on its way to them."""
    with commands.database(state) as engine, engine.connect() as connection:
        for at, told in story.answers:
            if at > taken:
                continue
            charge = find_by_idempotency_key(connection, told.person, told.idempotency)
            assert charge is not None, told.idempotency
            payer = find_charge(connection, charge.payer)
            assert payer is not None
            answer = query_answer(connection, payer, state.log_public_key, batch=is_batch(payer.request))
            if told.status == 200:
                assert answer == (200, told.body)


def _require_snapshots(state: StateFolder, story: Story, taken: int) -> None:
    """Each opens whole or is refused; those in force, and those before them that nobody destroyed, open."""
    begun, destroyed = story.acts["destroy"]
    with commands.database(state) as engine, engine.connect() as connection:
        known = {row.id: row.state for row in connection.execute(select(snapshots))}
    opened = {folder.name: _opens(state, folder) for folder in snapshots_folder(state.path).glob("[0-9a-f]*")}
    for snapshot, standing in known.items():
        if taken < begun or standing == "current":
            assert opened.get(snapshot), (snapshot, standing)
    if taken >= destroyed:
        assert opened == {}
    if taken < begun:
        assert all(opened.values()), opened


def _opens(state: StateFolder, folder: Path) -> bool:
    vault, found = state.vault, []
    for path, context in contexts(folder):
        with suppress(Refusal):
            os.close(vault.open_memory(path, context))
            found.append(path)
    if len(found) == 3:
        assert state.snapshots.open(folder.name).id == folder.name
    return len(found) == 3
