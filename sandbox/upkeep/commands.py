"""The operator's acts at the sandbox's own terminal: each is one transaction with one leaf, as over the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from policies.errors import PolicyError, refuse
from policies.licence_consistency import grant_problems
from policies.licence_files import read_licence, sign_licence
from policies.rules import Role
from sandbox.audit import export, log
from sandbox.audit.entry import Header
from sandbox.clock import milliseconds
from sandbox.datasets.intake import load_dataset, snapshots_folder, vault_folder
from sandbox.datasets.rotation import rotate
from sandbox.datasets.snapshot import erase_snapshot, strays
from sandbox.datasets.vault import alone
from sandbox.errors import Refusal
from sandbox.keys import key_id, read_private_key, read_public_key
from sandbox.ledger.accounts import read_accounts
from sandbox.ledger.database import migrate, open_database
from sandbox.ledger.reconciliation import at_one_moment, differences
from sandbox.ledger.writer import Writer
from sandbox.queries.balances import balance_json, now
from sandbox.registry import acts
from sandbox.registry.directory import Registry
from sandbox.state import StateFolder
from sandbox.upkeep.backups import make_backup, open_backup
from sandbox.upkeep.recovery import recover as begin_anew
from sandbox.upkeep.restoration import restore as put_back

T = TypeVar("T")
Row = Mapping[str, object]


@contextmanager
def database(state: StateFolder) -> Iterator[Engine]:
    """The state's database, at the newest schema."""
    engine = open_database(state.settings.database)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def act(state: StateFolder, change: Callable[[Connection, Header], T]) -> T:
    """Carries out one act and returns when it is committed and its leaf covered by a checkpoint."""
    header = Header(milliseconds(), state.bundle.digest, None, None)
    with database(state) as engine:
        writer = Writer(engine, state.log_key, state.mark)
        try:
            return writer.submit(lambda connection: change(connection, header)).result().value
        finally:
            writer.close()


def add_institution(state: StateFolder, identifier: str, name: str) -> Row:
    """Registers an institution."""
    leaf = act(state, lambda connection, header: acts.add_institution(connection, header, None, identifier, name))
    return {"institution": identifier, "leaf": leaf}


def add_person(state: StateFolder, identifier: str, institution: str, roles: Sequence[str]) -> Row:
    """Registers a person of an institution."""
    known = frozenset(Role(role) for role in roles)
    leaf = act(
        state, lambda connection, header: acts.add_person(connection, header, None, identifier, institution, known)
    )
    return {"person": identifier, "leaf": leaf}


def revoke_institution(state: StateFolder, identifier: str) -> Row:
    """Revokes an institution, its people and their signing keys."""
    leaf = act(state, lambda connection, header: acts.revoke_institution(connection, header, None, identifier))
    return {"institution": identifier, "leaf": leaf}


def revoke_person(state: StateFolder, identifier: str) -> Row:
    """Revokes a person and their signing keys."""
    leaf = act(state, lambda connection, header: acts.revoke_person(connection, header, None, identifier))
    return {"person": identifier, "leaf": leaf}


def register_key(state: StateFolder, person: str, file: Path, expires: datetime) -> Row:
    """Registers a person's signing key."""
    public = read_public_key(file)
    until = round(expires.timestamp() * 1000)
    leaf = act(state, lambda connection, header: acts.register_key(connection, header, None, person, public, until))
    return {"key": key_id(public), "person": person, "leaf": leaf}


def revoke_key(state: StateFolder, identifier: str) -> Row:
    """Revokes a signing key."""
    leaf = act(state, lambda connection, header: acts.revoke_key(connection, header, None, identifier))
    return {"key": identifier, "leaf": leaf}


def load(state: StateFolder, dataset: str, files: Sequence[Path], tell: Callable[[str], None]) -> Row:
    """Loads, seals and publishes a snapshot. Refuses dataset.unknown, load.*, registry.*."""
    bundle = state.bundle
    card = bundle.cards.get(dataset)
    if card is None:
        raise Refusal("dataset.unknown", {"dataset": dataset})
    domain = bundle.domains[card.unit_domain]
    vault = state.vault
    snapshot = load_dataset(card, domain, files, state.path, datetime.now(UTC), tell)
    leaf = act(state, lambda connection, header: acts.load_dataset(connection, header, None, card, domain, snapshot.id))
    del vault  # held until the snapshot is known: until then it is a stray
    return {"dataset": dataset, "snapshot": snapshot.id, "leaf": leaf}


def withdraw(state: StateFolder, dataset: str) -> Row:
    """Withdraws a data set: no snapshot of it answers any more."""
    leaf = act(state, lambda connection, header: acts.withdraw_dataset(connection, header, None, dataset))
    return {"dataset": dataset, "leaf": leaf}


def destroy(state: StateFolder, dataset: str) -> Row:
    """Overwrites the keys of every snapshot of a withdrawn data set and removes them, while nothing uses the vault.

    With them goes what stopped loads have left of any data set. Interrupted, it is called again. Refuses
    registry.unknown, registry.state, state.busy.
    """
    folder = snapshots_folder(state.path)
    with state.held(), alone(vault_folder(state.path)):
        with database(state) as engine, engine.connect() as connection:
            found, known = acts.withdrawn_snapshots(connection, dataset), acts.all_snapshots(connection)
        erased = [snapshot for snapshot in found if erase_snapshot(folder / snapshot)]
        for stray in strays(folder, known):
            erase_snapshot(stray)
        leaf = act(state, lambda connection, header: acts.destroy_dataset(connection, header, None, dataset))
    return {"dataset": dataset, "erased": erased, "leaf": leaf}


def rotate_vault(state: StateFolder) -> Row:
    """Gives the vault a new key, while nothing uses it. Refuses state.busy, vault.*."""
    with state.held():
        files = rotate(state.path)
        leaf = act(state, lambda connection, header: acts.rotate_vault(connection, header, None, files))
    return {"files": files, "leaf": leaf}


def sign(text: Path, key: Path, out: Path) -> Row:
    """Signs a licence text with the department's key. Refuses policy.invalid."""
    try:
        out.write_bytes(sign_licence(text.read_text(encoding="utf-8"), read_private_key(key)))
    except PolicyError as error:
        raise Refusal("policy.invalid", {"what": "; ".join(error.problems)}) from None
    return {"licence": str(out)}


def issue_licence(state: StateFolder, file: Path) -> Row:
    """Puts a signed licence in force. Refuses policy.invalid, registry.*."""
    bundle = state.bundle
    signed, department = file.read_bytes(), bundle.department
    try:
        refuse(grant_problems(read_licence(signed, department), bundle.cards))
        leaf = act(state, lambda connection, header: acts.issue_licence(connection, header, None, signed, department))
    except PolicyError as error:
        raise Refusal("policy.invalid", {"what": "; ".join(error.problems)}) from None
    return {"licence": file.name, "leaf": leaf}


_CHANGES = {"suspend": acts.suspend_licence, "resume": acts.resume_licence, "revoke": acts.revoke_licence}


def change_licence(state: StateFolder, change: str, licence: str) -> Row:
    """Suspends, resumes or revokes a licence, before the next release leaves."""
    leaf = act(state, lambda connection, header: _CHANGES[change](connection, header, None, licence))
    return {"licence": licence, "change": change, "leaf": leaf}


def licences(state: StateFolder) -> list[Row]:
    """Every licence and its state."""
    with database(state) as engine:
        found = Registry(engine, state.bundle.department).licences()
    return [
        {
            "licence": each.licence.id,
            "institution": each.licence.institution,
            "state": each.state.value,
            "not_after": each.licence.not_after.isoformat(),
        }
        for each in found
    ]


def status(state: StateFolder) -> Row:
    """What is in force, and the accounts."""
    with database(state) as engine:
        registry = Registry(engine, state.bundle.department)
        with engine.connect() as connection:
            balances = [balance_json(balance) for balance in now(read_accounts(connection))]
            entries = log.size(connection)
        return {
            "institutions": len(registry.institutions()),
            "people": len(registry.people()),
            "licences": len(registry.licences()),
            "snapshots": [{"dataset": each.dataset, "snapshot": each.id} for each in registry.snapshots()],
            "entries": entries,
            "accounts": balances,
        }


def export_log(state: StateFolder, directory: Path) -> Row:
    """Writes the log to a new directory that verifies offline. Refuses file.exists."""
    if directory.exists():
        raise Refusal("file.exists", {"file": directory.name})
    with database(state) as engine, engine.connect() as connection, connection.begin():
        size = export.export(connection, state.log_public_key, directory)
    return {"directory": str(directory), "entries": size}


def check_database(state: StateFolder) -> list[Row]:
    """Where the database is not what its log tells."""
    with database(state) as engine, at_one_moment(engine) as connection:
        found = differences(connection, state.log_public_key, state.bundle.department)
    return [{"table": each.table, "row": each.row, "column": each.column} for each in found]


def backup(state: StateFolder, directory: Path, key: Path) -> Row:
    """Writes a verified backup while the state is served or not. Refuses file.exists, vault.*, backup.invalid."""
    made = make_backup(state, directory, key)
    return {"backup": str(directory), "key": str(key), "checkpoint": made.checkpoint, "database": made.embedded}


def restore(
    state: StateFolder, source: Path, key: Path, checkpoints: Sequence[Path], *, nothing_newer: bool, lost: bool
) -> Row:
    """Puts a verified backup in place. Refuses state.*, backup.*, log.rolled_back, vault.*."""
    found = open_backup(source, key)
    done = put_back(found, state, checkpoints, nothing_newer=nothing_newer, lost=lost)
    if found.embedded and not lost:
        act(state, lambda connection, header: acts.restore_state(connection, header, None, done.entries, done.told))
    replaced = None if done.replaced is None else str(done.replaced)
    return {"state": str(state.path), "entries": done.entries, "told": done.told, "replaced": replaced}


def recover(state: StateFolder, origin: str) -> Row:
    """Closes every account and begins the log anew, after a loss. Refuses state.busy, log.*."""
    entries = begin_anew(state, origin)
    return {"origin": origin, "entries": entries, "log_key": str(state.log_public_key)}
