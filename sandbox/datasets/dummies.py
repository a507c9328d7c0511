"""The dummies of dry runs, each loaded once into memory: private parts that no record has ever entered.

Nothing here can reach a private part: the store of snapshots is asked for public parts alone. A dummy is loaded as
records are, by the child of a load, with keys that everybody knows and a dictionary that is thrown away.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Mapping
from typing import Literal, Protocol

from policies.canonical import card_to_json
from policies.domains import UnitDomain
from sandbox.datasets.dummy import dummy_card, dummy_files
from sandbox.datasets.intake import run_child
from sandbox.datasets.order import Format, InputFile, LoadOrder
from sandbox.datasets.snapshot import Snapshot
from sandbox.datasets.vault import SEALS
from sandbox.errors import Fault
from sandbox.workers.job import DummyPart, Part, Side


class PublicParts(Protocol):
    """What a dummy may know of the store of snapshots."""

    def part(self, snapshot: str, side: Literal[Side.PUBLIC]) -> Part:
        """The public part of a snapshot."""


class Dummies:
    """Dummies in sealed memory, by what they are made from. Thread-safe."""

    def __init__(self, snapshots: PublicParts, domains: Mapping[str, UnitDomain]) -> None:
        self._snapshots = snapshots
        self._domains = domains
        self._lock = threading.Lock()
        self._memory: dict[str, int] = {}

    def part(self, snapshot: Snapshot) -> DummyPart:
        """A dummy of the snapshot's card beside its public tables; the descriptors belong to the stores.

        Refuses `load.failed`, `vault.damaged`.
        """
        domain = self._domains[snapshot.card.unit_domain]
        order = _Order(snapshot, domain)
        with self._lock:
            found = self._memory.get(order.digest)
            if found is None:
                found = self._memory[order.digest] = order.loaded()
        return DummyPart(f"dummy {order.digest} {snapshot.id}", found, self.public(snapshot).public)

    def public(self, snapshot: Snapshot) -> Part:
        """The snapshot's public tables, for the public part. Refuses `vault.damaged`."""
        found = self._snapshots.part(snapshot.id, Side.PUBLIC)
        if found.private is not None:
            raise Fault("a dry run holds no private part of a snapshot")
        return found

    def close(self) -> None:
        """Closes every descriptor; the workers' own stay open."""
        with self._lock:
            for descriptor in self._memory.values():
                os.close(descriptor)
            self._memory.clear()


class _Order:
    """What a dummy is made from: a card, a unit domain, and what is public of public tables."""

    def __init__(self, snapshot: Snapshot, domain: UnitDomain) -> None:
        self._card = dummy_card(snapshot.card, snapshot.facts)
        self._domain = domain
        named = f"{domain.name}\n{domain.canonical}\n{domain.max_units}\n".encode()
        self.digest = hashlib.sha256(named + card_to_json(self._card)).hexdigest()

    def loaded(self) -> int:
        """The dummy's private part, in a memfd that nobody can change."""
        with contextlib.ExitStack() as stack:
            files = tuple(
                InputFile(table, Format.CSV, _memory(stack, text.encode()))
                for table, text in dummy_files(self._card, self._domain.max_units).items()
            )
            public, grown = _memory(stack, b""), _memory(stack, b"")
            private = os.memfd_create("dummy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            stack.callback(os.close, private)
            outcome = run_child(
                LoadOrder(
                    self._card,
                    self._domain.canonical,
                    self._domain.max_units,
                    _known(f"digest {self._domain.name}"),
                    _known(f"seed {self._domain.name}"),
                    files,
                    (),
                    private,
                    public,
                    grown,
                )
            )
            if outcome.findings:
                raise Fault("a dummy does not keep to its own card")
            fcntl.fcntl(private, fcntl.F_ADD_SEALS, SEALS)
            return os.dup(private)


def _known(name: str) -> bytes:
    """A key that is no secret: the units of dummies of one domain are the same, and nobody's."""
    return hashlib.sha256(f"vitrine dummy {name}".encode()).digest()


def _memory(stack: contextlib.ExitStack, content: bytes) -> int:
    descriptor = os.memfd_create("dummy", os.MFD_CLOEXEC)
    stack.callback(os.close, descriptor)
    os.pwrite(descriptor, content, 0)
    return descriptor
