"""One of each durable act on a small state, of which a step can fail: it is asked for again, and must then succeed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from sandbox.datasets.dictionary import Dictionary
from sandbox.datasets.intake import dictionary_folder, snapshots_folder, vault_folder
from sandbox.datasets.rotation import rotate
from sandbox.datasets.snapshot import Snapshots, contexts, erase_snapshot
from sandbox.datasets.vault import KEY, Vault
from sandbox.errors import Refusal
from sandbox.keys import make_private_key, read_private_key
from sandbox.ledger.outcomes import Authorized, Existing, Released
from sandbox.settings import read_settings, write_settings
from tests.support.disk_trace import Step, traced
from tests.support.ledger_world import CARD, World, furnish, issue, licence_file
from tests.support.served_state import SETTINGS

FAILURES = {"EIO": (errno.EIO, False), "EIO but done": (errno.EIO, True), "ENOSPC": (errno.ENOSPC, False)}
"""How a step fails: with which error, and whether it is done all the same."""
_TRIES = 3


@dataclass
class Errands:
    """The acts, in order. Each can be called again after it failed."""

    folder: Path
    world: World
    told: list[str] = field(default_factory=list)
    """Checkpoints."""
    snapshots: list[str] = field(default_factory=list)
    _seconds: Iterator[int] = field(default_factory=count)

    def acts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "charge", self.charge
        yield "release", self.release
        yield "registry", self.registry
        yield "key file", self.key_file
        yield "settings", lambda: write_settings(self.folder, {**SETTINGS, "workers": 3})
        yield "key wrap", self.key_wrap
        yield "dictionary", self.segment
        yield "snapshot", self.snapshot
        yield "rotation", self.rotation
        yield "destruction", self.destroy

    def vault(self) -> Vault:
        return Vault.open(vault_folder(self.folder))

    def charge(self) -> None:
        committed = self.world.writer.submit(
            self.world.authorization(self.world.request("q", idempotency="once"))
        ).result()
        assert isinstance(committed.value.outcome, Authorized | Existing)
        self._tell(committed.checkpoint)

    def release(self) -> None:
        outcome = self.world.ask("q", idempotency="once").outcome
        assert isinstance(outcome, Existing)
        committed = self.world.writer.submit(self.world.releasing(outcome.charge.id)).result()
        assert isinstance(committed.value, Released)
        self._tell(committed.checkpoint)

    def _tell(self, note: str | None) -> None:
        assert note is not None
        self.told.append(note)

    def registry(self) -> None:
        """That it was done before tells of a failure after which it stood."""
        try:
            issue(self.world, licence_file("L9"))
        except Refusal as refusal:
            if refusal.code != "registry.exists":
                raise

    def key_wrap(self) -> None:
        assert len(self.vault().secret("another")) == KEY

    def rotation(self) -> None:
        assert rotate(self.folder) > 3

    def key_file(self) -> None:
        with suppress(Refusal):
            make_private_key(self.folder / "new.pem")
        read_private_key(self.folder / "new.pem")

    def segment(self) -> None:
        with Dictionary.locked(dictionary_folder(self.folder) / "people", "people", self.vault()) as found:
            found.append(_memory(b"segment"))

    def snapshot(self) -> None:
        created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self._seconds))
        store = Snapshots(snapshots_folder(self.folder), self.vault())
        self.snapshots.append(store.add(CARD, created, {}, _memory(b"private"), _memory(b"public")).id)

    def destroy(self) -> None:
        erase_snapshot(snapshots_folder(self.folder) / self.snapshots[0])


def _memory(data: bytes) -> int:
    descriptor = os.memfd_create("part", os.MFD_CLOEXEC)
    os.write(descriptor, data)
    return descriptor


def make_template(folder: Path) -> None:
    """The state before the errands, with one snapshot."""
    world = World(folder)
    try:
        furnish(world)
    finally:
        world.close()
    write_settings(folder, SETTINGS)
    Vault.create(vault_folder(folder))
    Errands(folder, world).snapshot()


@dataclass
class Failing:
    """One step fails, and with it `further` ones: a disk that is full stays so for a while."""

    number: int | None
    error: int
    further: int = 0
    seen: int = 0

    def __call__(self, _step: Step) -> int | None:
        self.seen += 1
        late = None if self.number is None else self.seen - 1 - self.number
        return self.error if late is not None and 0 <= late <= self.further else None


@contextmanager
def _errands(folder: Path, failing: Failing, *, persists: bool) -> Iterator[Errands]:
    with traced(folder) as trace:
        world = World(folder, first=1000)
        try:
            earlier = [path.name for path in snapshots_folder(folder).iterdir()]
            found = Errands(folder, world, snapshots=earlier, _seconds=count(1))
            trace.failing, trace.persists = failing, persists
            yield found
        finally:
            trace.failing = lambda _: None
            world.close()


def run(template: Path, place: Path, failing: Failing, *, persists: bool = False) -> Mapping[str, int]:
    """Does every errand on a copy of the template, each again when it failed; the steps of each act."""
    shutil.copytree(template, place)
    counts: dict[str, int] = {}
    with _errands(place, failing, persists=persists) as errands:
        for name, act in errands.acts():
            before = failing.seen
            _until_done(act, failing)
            counts[name] = failing.seen - before
    _require_done(place, errands)
    return counts


def _until_done(act: Callable[[], None], failing: Failing) -> None:
    """The act, called again after a failure that is one of the disk's."""
    for _ in range(_TRIES + failing.further):
        try:
            act()
        except (OSError, SQLAlchemyError):
            continue
        except Refusal as refusal:
            if refusal.code not in ("vault.rotating", "service.storage"):
                raise
        else:
            return
    raise AssertionError("the act never succeeded")


def _require_done(place: Path, errands: Errands) -> None:
    """Everything stands once: one charge, one release, one new snapshot, one wrapped key, and the log verifies."""
    world = World(place, first=2000)
    try:
        paid = {"dataset:health": 1, "domain:patients": 1, "licence:L1": 1, "licence:L2": 0, "licence:L9": 0}
        assert world.spent() == paid
        outcome = world.ask("q", idempotency="once").outcome
        assert isinstance(outcome, Existing)
        assert len(outcome.releases) == 1
        assert world.audit(errands.told).findings == ()
    finally:
        world.close()
    assert read_settings(place).workers == 3
    vault = errands.vault()
    assert len(vault.secret("another")) == KEY
    for path, context in contexts(snapshots_folder(place) / errands.snapshots[-1]):
        vault.read(path, context)
    assert not (snapshots_folder(place) / errands.snapshots[0]).exists()
