"""The parent of a load: opens the files and the vault, has a child read the data, seals what the child wrote.

The child meets the data and two keys of the unit domain; this process meets no engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import sandbox
from policies.cards import DatasetCard
from policies.domains import UnitDomain
from sandbox.datasets.dictionary import Dictionary
from sandbox.datasets.order import Format, InputFile, LoadOrder, LoadOutcome, order_to_json, outcome_from_json
from sandbox.datasets.snapshot import Snapshot, Snapshots
from sandbox.datasets.vault import Vault
from sandbox.errors import Fault, Refusal


def load_dataset(
    card: DatasetCard,
    domain: UnitDomain,
    files: Sequence[Path],
    state: Path,
    created: datetime,
    tell: Callable[[str], None],
) -> Snapshot:
    """Loads one file per table of the card, named by its table, into a new snapshot of the state folder.

    `tell` gets the list of violations and warnings, a line each, for the provider's own terminal (rule 4). Call it
    from a thread that outlives the load, since the child dies with it.

    Refuses: `load.files`, `load.rejected`, `load.busy`, `load.failed`, `vault.key`, `vault.damaged`.
    """
    if domain.name != card.unit_domain:
        raise Fault("the card names another unit domain")
    vault = Vault.open(vault_folder(state))
    with contextlib.ExitStack() as stack:
        inputs = _open_files(card, files, stack)
        folder = dictionary_folder(state) / domain.name
        dictionary = stack.enter_context(Dictionary.locked(folder, domain.name, vault))
        private, public, grown = (_memory(stack) for _ in range(3))
        order = LoadOrder(
            card,
            domain.canonical,
            domain.max_units,
            vault.secret(f"unit-digest-{domain.name}"),
            vault.secret(f"unit-seed-{domain.name}"),
            inputs,
            dictionary.open_segments(stack),
            private,
            public,
            grown,
        )
        outcome = run_child(order)
        for finding in (*outcome.findings, *outcome.warnings):
            tell(finding.sentence())
        if outcome.findings:
            raise Refusal("load.rejected", {"dataset": card.name})
        dictionary.append(grown)
        store = Snapshots(snapshots_folder(state), vault)
        return store.add(card, created, outcome.facts, private, public)


def vault_folder(state: Path) -> Path:
    """Where a state folder keeps its vault."""
    return state / "vault"


def dictionary_folder(state: Path) -> Path:
    """Where a state folder keeps the unit dictionary of each domain."""
    return state / "domains"


def snapshots_folder(state: Path) -> Path:
    """Where a state folder keeps its snapshots."""
    return state / "snapshots"


def _open_files(card: DatasetCard, files: Sequence[Path], stack: contextlib.ExitStack) -> tuple[InputFile, ...]:
    """Exactly one file per table. Refuses `load.files`."""
    found: dict[str, InputFile] = {}
    for path in files:
        table = unicodedata.normalize("NFKC", path.stem)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in tuple(Format):
            raise Refusal("load.files", {"what": f"{path.name} is neither .csv nor .parquet"})
        if card.table(table) is None:
            raise Refusal("load.files", {"what": f"the card has no table for {path.name}"})
        if table in found:
            raise Refusal("load.files", {"what": f"two files for table {table}"})
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise Refusal("load.files", {"what": f"{path.name}: {os.strerror(error.errno or 0)}"}) from None
        stack.callback(os.close, descriptor)
        found[table] = InputFile(table, Format(suffix), descriptor)
    missing = [table.name for table in card.tables if table.name not in found]
    if missing:
        raise Refusal("load.files", {"what": f"no file for {', '.join(missing)}"})
    return tuple(found.values())


def _memory(stack: contextlib.ExitStack) -> int:
    descriptor = os.memfd_create("load", os.MFD_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def run_child(order: LoadOrder) -> LoadOutcome:
    """Has a child carry out the order, unheard but for its answer: an engine's own words can hold values (rule 4).

    Refuses `load.failed`, with a word that says nothing of the data.
    """
    files = (file.descriptor for file in order.files)
    child = subprocess.run(
        [sys.executable, "-P", "-m", "sandbox.datasets.load"],
        input=json.dumps(order_to_json(order)).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[order.private, order.public, order.grown, *files, *order.segments],
        env={"PYTHONPATH": str(Path(sandbox.__path__[0]).parent), "LANG": "C.UTF-8", "TZ": "UTC"},
        cwd="/",
        check=False,
    )
    if child.returncode != 0:
        raise Refusal("load.failed", {"what": "the loading process ended early"})
    match json.loads(child.stdout):
        case {"failed": str(what)}:
            raise Refusal("load.failed", {"what": what})
        case answer:
            return outcome_from_json(answer)
