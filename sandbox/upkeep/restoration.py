"""Restoring a backup: nothing is put in place before it is verified, and no log is rolled back but one lost for good.

An older database has forgotten charges: its budgets look fuller than they are. So a backup is compared with whatever
knows of the log: the folder it would replace, and checkpoints that others keep. What none of them knows stays unknown.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from sqlalchemy.exc import SQLAlchemyError

from sandbox.audit import log
from sandbox.audit.checkpoint import open_note
from sandbox.audit.mark import Mark
from sandbox.audit.merkle import Unverified
from sandbox.audit.tree_head import Checkpoint
from sandbox.disk import PARTIAL, make_folder, move, put, sync_tree
from sandbox.errors import Refusal
from sandbox.ledger.database import open_database
from sandbox.state import DATABASE, MARK, StateFolder
from sandbox.upkeep.backups import Backup


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place."""

    entries: int
    """Of its log."""
    told: int | None
    """Entries of the newest checkpoint that it was compared with; None where the operator's word stood for it."""
    replaced: Path | None
    """Where the former folder is now."""


def restore(
    backup: Backup, state: StateFolder, checkpoints: Sequence[Path], *, nothing_newer: bool, lost: bool
) -> Restored:
    """Puts a backup that was verified in the place of the state folder, which is kept beside it.

    With `nothing_newer` the operator says that nothing was charged after the backup, where nothing else tells; with
    `lost`, that what was is lost: then the folder serves no one until its log is begun anew.

    Refuses state.busy, state.exists, log.rolled_back, backup.unchecked, backup.checkpoint.
    """
    with ExitStack() as stack:
        there = state.path.is_dir() and any(state.path.iterdir())
        if there:
            stack.enter_context(state.held())
            _require_same(backup, state)
        known = [*(_read(path) for path in checkpoints), *(_own(state) if there else ())]
        newest = _newest(backup, known)
        if not (known or nothing_newer or lost):
            raise Refusal("backup.unchecked")
        staging = state.path.with_name(f"{PARTIAL}{token_hex(8)}")
        try:
            _fill(staging, backup)
            if backup.embedded and not lost:
                _require_continued(staging / DATABASE, [open_note(note, backup.log_key) for note in known])
            if newest is not None or not lost:
                Mark.create(staging / MARK, backup.log_key, newest or backup.checkpoint)
            sync_tree(staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        replaced = state.path.with_name(f"{state.path.name}.replaced-{token_hex(4)}") if there else None
        if replaced is not None:
            move(state.path, replaced)
        make_folder(state.path.parent)
        move(staging, state.path)
    entries = open_note(backup.checkpoint, backup.log_key).size
    return Restored(entries, None if newest is None else open_note(newest, backup.log_key).size, replaced)


def _require_same(backup: Backup, state: StateFolder) -> None:
    """The folder is of the same log. Refuses state.exists."""
    try:
        same = state.log_public_key == backup.log_key
    except (OSError, Unverified):
        same = False
    if not same:
        raise Refusal("state.exists", {"folder": state.path.name})


def _read(path: Path) -> str:
    """The checkpoint in a file: a signed note, or a receipt. Refuses backup.checkpoint."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)["checkpoint"] if text.startswith("{") else text
    except (OSError, ValueError, KeyError):
        found = None
    if not isinstance(found, str):
        raise Refusal("backup.checkpoint", {"file": path.name})
    return found


def _own(state: StateFolder) -> Iterator[str]:
    """What the folder to be replaced knows of its log, as far as it can be read."""
    with suppress(Refusal):
        yield state.mark.newest()
    if state.path.joinpath(DATABASE).exists():
        engine = open_database(f"sqlite:///{state.path / DATABASE}")
        try:
            with engine.connect() as connection:
                found = log.checkpoint(connection)
        except SQLAlchemyError:
            found = None
        finally:
            engine.dispose()
        if found is not None:
            yield found


def _newest(backup: Backup, known: Sequence[str]) -> str | None:
    """The newest of the checkpoints. Refuses backup.checkpoint: one is not of this log."""
    try:
        sizes = [open_note(note, backup.log_key).size for note in known]
    except Unverified:
        raise Refusal("backup.checkpoint", {"file": "--checkpoint"}) from None
    return max(zip(sizes, known, strict=True), default=(0, None))[1]


def _require_continued(database: Path, known: Sequence[Checkpoint]) -> None:
    """The log holds every checkpoint known of. Refuses log.rolled_back.

    Where the database stands elsewhere, it is compared at the start, by the mark.
    """
    engine = open_database(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            for checkpoint in known:
                if not log.continues(connection, checkpoint):
                    words = {"told": str(checkpoint.size), "found": str(log.size(connection))}
                    raise Refusal("log.rolled_back", words)
    finally:
        engine.dispose()


def _fill(staging: Path, backup: Backup) -> None:
    shutil.copytree(backup.state, staging)
    for path in (staging, *staging.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o644 if path.suffix == ".pub" else 0o600)
    for name, data in backup.secrets.items():
        place = staging / name
        if not place.resolve().is_relative_to(staging.resolve()):
            raise Refusal("backup.invalid", {"what": "a key file outside"})
        make_folder(place.parent)
        put(place, data)
