"""Backups: a copy of a state folder, taken while it is served, that opens nothing without a key kept elsewhere.

```
backup.json        what the backup holds: the newest checkpoint, and a digest of every file
secrets.sealed     vault key, log keys and department's key, sealed by the backup key
state/             everything else of a state folder; the embedded database as it stood in one transaction
```

What is in the clear is what the database is: registry, ledger, releases and log. Snapshots and unit dictionaries are
sealed by the vault. A database elsewhere is backed up by its own tools.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from policies.bundle import read_bundle
from policies.canonical import canonical_json
from policies.errors import PolicyError
from sandbox.audit import log
from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.export import export
from sandbox.audit.verify import verify
from sandbox.datasets.intake import snapshots_folder, vault_folder
from sandbox.datasets.rotation import sealed
from sandbox.datasets.snapshot import contexts
from sandbox.datasets.vault import KEY, Vault, read_key
from sandbox.disk import PARTIAL, make_folder, move, publish, sync_tree
from sandbox.errors import Fault, Refusal
from sandbox.ledger.database import copy_database, migrate, open_database
from sandbox.registry.schema import snapshots
from sandbox.state import DATABASE, MARK, StateFolder

_MANIFEST, _SECRETS, _STATE = "backup.json", "secrets.sealed", "state"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup, found to be as it was made."""

    folder: Path
    checkpoint: str
    """The newest of its log, a signed note."""
    embedded: bool
    """Whether it holds the database."""
    secrets: Mapping[str, bytes]
    """Key files by their path in the state folder."""

    @property
    def state(self) -> Path:
        """Everything that is no secret."""
        return self.folder / _STATE

    @property
    def log_key(self) -> LogPublicKey:
        return LogPublicKey.parse((self.state / "keys" / "log.pub").read_text(encoding="utf-8"))


def make_backup(state: StateFolder, target: Path, key: Path) -> Backup:
    """A verified backup in a new folder, of a state that may be served meanwhile.

    The backup key is a file of 32 bytes, made where there is none. Refuses file.exists, vault.*, backup.invalid.
    """
    if target.exists():
        raise Refusal("file.exists", {"file": target.name})
    with suppress(FileExistsError):
        publish(key, (token_bytes(KEY),))
    sealing = read_key(key)
    partial = target.with_name(f"{PARTIAL}{target.name}")
    vault = state.vault
    try:
        make_folder(partial / _STATE)
        _copy(state, partial / _STATE)
        _describe(state, partial, sealing)
        sync_tree(partial)
        found = open_backup(partial, key)
        move(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        del vault  # held until now, so that no key was changed and nothing destroyed meanwhile
    return Backup(target, found.checkpoint, found.embedded, found.secrets)


def open_backup(folder: Path, key: Path) -> Backup:
    """The backup, when all of it is as it was made: every digest, every sealed file, and the log.

    Refuses backup.invalid, vault.key, vault.damaged.
    """
    sealing = read_key(key)
    try:
        manifest = (folder / _MANIFEST).read_bytes()
        said: dict[str, Any] = json.loads(manifest)
        if said["format"] != _FORMAT:
            raise _invalid("its format is unknown")
        if said["files"] != _digests(folder / _STATE):
            raise _invalid("files are missing, added or altered")
        secrets = json.loads(Vault(folder, sealing).read(folder / _SECRETS, _binding(manifest)))
        files = {str(path): b64decode(data) for path, data in secrets.items()}
        found = Backup(folder, str(said["checkpoint"]), bool(said["embedded"]), files)
        _require_sealed(found)
        if found.embedded:
            _require_log(found)
    except (OSError, ValueError, KeyError, SQLAlchemyError, PolicyError, Fault) as error:
        raise _invalid(type(error).__name__) from None
    return found


def _copy(state: StateFolder, target: Path) -> None:
    """The database first: all that it names was there before."""
    if state.embedded:
        copy_database(state.settings.database, target / DATABASE)
    for path in _files(state.path):
        if not _is_secret(path):
            place = target / path.relative_to(state.path)
            make_folder(place.parent)
            shutil.copyfile(path, place)
            place.chmod(0o600)


def _files(folder: Path) -> Iterator[Path]:
    """What a backup holds as it is, or sealed: nothing unfinished, no lock or socket, not the database in motion."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(PARTIAL))
        for name in sorted(names):
            path = Path(place) / name
            unkept = name.startswith((PARTIAL, DATABASE)) or name.endswith("lock") or name == MARK
            if path.is_file() and not unkept:
                yield path


def _is_secret(path: Path) -> bool:
    return path.suffix == ".pem" or path.name == "vault.key"


def _describe(state: StateFolder, folder: Path, sealing: bytes) -> None:
    """Writes the manifest, and the secrets bound to it."""
    copy = folder / _STATE
    url = f"sqlite:///{copy / DATABASE}" if state.embedded else state.settings.database
    checkpoint = _newest(url)
    for left in copy.glob(f"{DATABASE}-*"):
        left.unlink()
    manifest = canonical_json(
        {"format": _FORMAT, "checkpoint": checkpoint, "embedded": state.embedded, "files": _digests(copy)}
    )
    publish(folder / _MANIFEST, (manifest,))
    held = {
        str(path.relative_to(state.path)): b64encode(path.read_bytes()).decode()
        for path in _files(state.path)
        if _is_secret(path)
    }
    Vault(folder, sealing).seal(canonical_json(held), folder / _SECRETS, _binding(manifest))


def _newest(url: str) -> str:
    """The newest checkpoint of a database."""
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            found = log.checkpoint(connection)
    finally:
        engine.dispose()
    if found is None:
        raise _invalid("nothing was done yet")
    return found


def _binding(manifest: bytes) -> str:
    """What the sealed secrets are bound to: they open beside the files they were sealed with, or not at all."""
    return f"backup {hashlib.sha256(manifest).hexdigest()}"


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _require_sealed(backup: Backup) -> None:
    """Everything sealed opens with the vault key that was sealed. Refuses vault.damaged."""
    vault = Vault(vault_folder(backup.state), backup.secrets["vault/vault.key"])
    for path, context in sealed(backup.state):
        vault.check(path, context)


def _require_log(backup: Backup) -> None:
    """The database is sound, its log verifies and ends at the checkpoint, and what it says is in force is there."""
    department = read_bundle(backup.state / "policy").department
    with tempfile.TemporaryDirectory(prefix="vitrine-") as scratch:
        shutil.copyfile(backup.state / DATABASE, Path(scratch) / DATABASE)
        engine = open_database(f"sqlite:///{Path(scratch) / DATABASE}")
        try:
            migrate(engine)
            with engine.connect() as connection:
                if connection.scalar(text("PRAGMA integrity_check")) != "ok":
                    raise _invalid("its database is damaged")
                if log.checkpoint(connection) != backup.checkpoint:
                    raise _invalid("its database is another one")
                export(connection, backup.log_key, Path(scratch) / "log")
                in_force = connection.scalars(select(snapshots.c.id).where(snapshots.c.state == "current")).all()
        finally:
            engine.dispose()
        if not verify(Path(scratch) / "log", backup.log_key, department).ok:
            raise _invalid("its log does not verify")
    for snapshot in in_force:
        if not all(path.exists() for path, _ in contexts(snapshots_folder(backup.state) / snapshot)):
            raise _invalid("a snapshot is missing")


def _invalid(what: str) -> Refusal:
    return Refusal("backup.invalid", {"what": what})
