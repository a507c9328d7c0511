"""Snapshots: immutable, sealed data sets on disk, and the store that opens them.

A snapshot is a folder named by its id: `private.sealed` and `public.sealed`, two DuckDB files, and `manifest.sealed`.
The manifest says nothing exact about the private part (rule 4).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any

from policies.canonical import canonical_json, card_from_json, card_to_json, digest
from policies.cards import DatasetCard
from sandbox.datasets.facts import facts_from_json, facts_to_json
from sandbox.datasets.vault import CHUNK, Vault, erase
from sandbox.disk import PARTIAL, make_folder, move, remove_folder
from sandbox.errors import Fault, Refusal
from sandbox.plan.checked import PublicFacts
from sandbox.workers.job import Part, Side


@dataclass(frozen=True)  # no slots: what is computed once is kept
class Snapshot:
    """What the manifest says."""

    id: str
    """Keyed digest of all the rest: 64 hexadecimal digits. The only name of a snapshot outside the vault."""
    card: DatasetCard
    created: datetime
    """UTC; when the load was started, as its caller says."""
    private: str
    """Keyed digest of the private part."""
    public: str
    """Keyed digest of the public part."""
    facts: Mapping[str, PublicFacts]
    """Per public table."""

    @cached_property
    def card_digest(self) -> str:
        return digest(self.card)


class Snapshots:
    """The snapshots of a folder. Thread-safe; a manifest is read once, a part decrypted once into a sealed memfd."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault
        self._lock = threading.Lock()
        self._memory: dict[tuple[str, Side], int] = {}
        self._manifests: dict[str, Snapshot] = {}

    def open(self, snapshot: str) -> Snapshot:
        """The snapshot's manifest. Refuses `vault.damaged`."""
        found = self._manifests.get(snapshot)
        if found is None:
            found = self._manifests[snapshot] = self._read(snapshot)
        return found

    def part(self, snapshot: str, side: Side) -> Part:
        """The files of a snapshot for a worker of that side; the descriptors belong to this store.

        Refuses `vault.damaged`.
        """
        if side is Side.DUMMY:
            raise Fault("a snapshot has no dummy")
        private = self._open(snapshot, Side.PRIVATE) if side is Side.PRIVATE else None
        return Part(snapshot, private, self._open(snapshot, Side.PUBLIC))

    def close(self) -> None:
        """Closes every descriptor; the workers' own stay open."""
        with self._lock:
            for descriptor in self._memory.values():
                os.close(descriptor)
            self._memory.clear()

    def add(
        self, card: DatasetCard, created: datetime, facts: Mapping[str, PublicFacts], private: int, public: int
    ) -> Snapshot:
        """Writes a snapshot of the plain files behind two descriptors: it appears whole and durably, or not at all."""
        manifest = Snapshot("", card, created, self._digest(private), self._digest(public), facts)
        snapshot = Snapshot(self._identity(manifest), card, created, manifest.private, manifest.public, facts)
        staging = self._folder / f"{PARTIAL}{token_hex(8)}"
        make_folder(staging)
        try:
            folder = self._folder / snapshot.id
            sources: tuple[int | bytes, ...] = (private, public, _to_json(snapshot))
            for source, (path, context) in zip(sources, contexts(folder), strict=True):
                self._vault.seal(source, staging / path.name, context)
            move(staging, folder)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return snapshot

    def _read(self, snapshot: str) -> Snapshot:
        *_, (path, context) = contexts(self._folder / snapshot)
        found = self._vault.read(path, context)
        manifest = _from_json(found, snapshot)
        if not hmac.compare_digest(self._identity(manifest), snapshot):
            raise Refusal("vault.damaged", {"file": path.name})
        return manifest

    def _open(self, snapshot: str, side: Side) -> int:
        with self._lock:
            found = self._memory.get((snapshot, side))
            if found is None:
                path = self._folder / snapshot / f"{side}.sealed"
                found = self._memory[snapshot, side] = self._vault.open_memory(path, f"{side} {snapshot}")
            return found

    def _digest(self, descriptor: int) -> str:
        """Keyed digest of a file."""
        state = hmac.new(self._vault.secret("snapshot-digest"), digestmod=hashlib.sha256)
        for start in range(0, os.fstat(descriptor).st_size, CHUNK):
            state.update(os.pread(descriptor, CHUNK, start))
        return state.hexdigest()

    def _identity(self, snapshot: Snapshot) -> str:
        """The snapshot's id, by all its other fields."""
        return hmac.digest(self._vault.secret("snapshot-digest"), b"manifest" + _to_json(snapshot), "sha256").hex()


def erase_snapshot(folder: Path) -> bool:
    """The snapshot of a folder, or what there is of it, cannot be opened ever again; whether there was any. May be
    called again."""
    if not folder.is_dir():
        return False
    found = sorted(folder.iterdir())
    for path in found:
        erase(path)
    remove_folder(folder)
    return bool(found)


def strays(folder: Path, known: Collection[str]) -> list[Path]:
    """What loads have left that were stopped before their snapshot was published, while none is under way."""
    return sorted(path for path in folder.glob("*") if path.is_dir() and path.name not in known)


def contexts(folder: Path) -> tuple[tuple[Path, str], ...]:
    """The sealed files of a snapshot's folder, the manifest last, with what each is bound to."""
    return tuple((folder / f"{part}.sealed", f"{part} {folder.name}") for part in ("private", "public", "manifest"))


def _to_json(snapshot: Snapshot) -> bytes:
    """Everything but the id."""
    return canonical_json(
        {
            "card": card_to_json(snapshot.card).decode(),
            "created": snapshot.created.isoformat(),
            "private": snapshot.private,
            "public": snapshot.public,
            "facts": {name: facts_to_json(facts) for name, facts in snapshot.facts.items()},
        }
    )


def _from_json(data: bytes, name: str) -> Snapshot:
    found: dict[str, Any] = json.loads(data)
    facts = {table: facts_from_json(entry) for table, entry in found["facts"].items()}
    card = card_from_json(found["card"].encode())
    return Snapshot(name, card, datetime.fromisoformat(found["created"]), found["private"], found["public"], facts)
