"""The offline audit of an exported log: every root, entry, charge and text, trusting public keys alone.

Needs no database, web or engine. Streams: it holds one bundle of entries, the balances, and about a hundred bytes for
each charge, nonce and text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from policies.documents import LARGEST_FILE
from policies.errors import PolicyError
from policies.licence_files import read_licence
from policies.licences import LicenceBudget
from sandbox.audit.chains import Account, Chains
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.encoding import MAX_ENTRY, decode, texts_of
from sandbox.audit.entry import Entry
from sandbox.audit.findings import Finding
from sandbox.audit.forms import Malformed
from sandbox.audit.merkle import HASH_SIZE, Frontier, Unverified, leaf_hash
from sandbox.audit.notes import MAX_NOTE
from sandbox.audit.records import Amounts
from sandbox.audit.registry_acts import LicenceIssued
from sandbox.audit.tiles import CHECKPOINT, HEIGHT, WIDTH, Tile, body_path, bundles, read_bundle, tiles
from sandbox.audit.tree_head import Checkpoint
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, down

MOST_FINDINGS = 1000
"""Findings that a report lists; more are counted."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Report:
    """What the audit saw."""

    size: int
    """Entries that the checkpoint covers."""
    root: bytes | None
    """Of the checkpoint; None when none could be believed."""
    verified: int
    """Entries that were read and found in the tree."""
    counts: Mapping[str, int]
    """Entries of each kind."""
    accounts: Mapping[str, Account]
    """Balances after the last entry."""
    open_charges: int
    """Charges without an end so far."""
    findings: tuple[Finding, ...]
    total_findings: int

    @property
    def ok(self) -> bool:
        return self.total_findings == 0

    def to_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "size": self.size,
            "root": None if self.root is None else self.root.hex(),
            "verified": self.verified,
            "counts": dict(sorted(self.counts.items())),
            "accounts": {
                name: {"kind": account.kind.value, "limit": _amounts(account.limit), "spent": _amounts(account.spent)}
                for name, account in sorted(self.accounts.items())
            },
            "open_charges": self.open_charges,
            "findings": [finding.to_json() for finding in self.findings],
            "total_findings": self.total_findings,
        }


def verify(
    directory: Path,
    log_key: LogPublicKey,
    department_key: Ed25519PublicKey | None = None,
    remembered: Sequence[str] = (),
) -> Report:
    """The report on an exported directory; every deviation is a finding, none an error.

    `remembered` are checkpoints of the same log that the auditor holds from elsewhere: the log must contain them. With
    the department's key the licences are checked against what it signed.
    """
    audit = _Audit(directory, log_key, department_key)
    for finding in audit.run(remembered):
        audit.keep(finding)
    head, chains = audit.head, audit.chains
    return Report(
        size=head.size if head else 0,
        root=head.root if head else None,
        verified=audit.tree.size,
        counts=chains.counts,
        accounts=chains.accounts,
        open_charges=chains.open_charges,
        findings=tuple(audit.findings),
        total_findings=audit.total,
    )


class _Audit:
    """One pass over one directory."""

    def __init__(self, directory: Path, log_key: LogPublicKey, department_key: Ed25519PublicKey | None) -> None:
        self.head: Checkpoint | None = None
        self.chains = Chains()
        self.tree = Frontier()
        self.findings: list[Finding] = []
        self.total = 0
        self._directory = directory
        self._log_key = log_key
        self._department_key = department_key
        self._remembered: dict[int, set[bytes]] = {}
        """Roots that the auditor knows, by size."""
        self._rows: dict[int, bytearray] = {}
        """Hashes of the tile that is growing, by tile level."""
        self._texts: set[bytes] = set()
        """SHA-256 of the texts that entries named."""

    def keep(self, finding: Finding) -> None:
        self.total += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def run(self, remembered: Sequence[str]) -> Iterator[Finding]:
        try:
            self.head = open_note(self._read(CHECKPOINT, MAX_NOTE).decode(), self._log_key)
        except (OSError, Malformed, Unverified, UnicodeDecodeError):
            yield Finding("checkpoint.invalid", file=CHECKPOINT)
            return
        yield from self._remember(remembered, self.head.size)
        yield from self._forks()
        broken = None
        for bundle in bundles(self.head.size):
            entries, broken = self._bundle(bundle)
            if broken is not None:
                yield broken
                return
            yield from self._grow(entries)
        for level in sorted(self._rows):
            yield from self._tile(level)
        if self.tree.root() != self.head.root:
            yield Finding("root.differs")
        yield from self._strangers(self.head.size)

    def _remember(self, notes: Sequence[str], size: int) -> Iterator[Finding]:
        for note in notes:
            try:
                known = open_note(note, self._log_key)
            except Unverified:
                yield Finding("remembered.invalid")
                continue
            self._remembered.setdefault(known.size, set()).add(known.root)
            if known.size > size:
                yield Finding("log.truncated", subject=str(known.size))

    def _forks(self) -> Iterator[Finding]:
        """The tree as it stands is what any remembered checkpoint of its size says."""
        roots = self._remembered.get(self.tree.size)
        if roots is not None and roots != {self.tree.root()}:
            yield Finding("log.forked", subject=str(self.tree.size))

    def _bundle(self, bundle: Tile) -> tuple[list[bytes], Finding | None]:
        try:
            return read_bundle(self._read(bundle.path, bundle.width * (MAX_ENTRY + 2)), bundle.width), None
        except OSError:
            return [], Finding("file.missing", file=bundle.path)
        except Malformed:
            return [], Finding("file.differs", file=bundle.path)

    def _grow(self, entries: Sequence[bytes]) -> Iterator[Finding]:
        """The entries of one bundle are added to the tree, read and followed."""
        for data in entries:
            index = self.tree.size
            for node, digest in self.tree.append(leaf_hash(data)):
                if node.level % HEIGHT == 0:
                    self._rows.setdefault(node.level // HEIGHT, bytearray()).extend(digest)
            yield from self._forks()
            try:
                entry = decode(data)
            except Malformed:
                yield Finding("entry.malformed", index)
                continue
            yield from self.chains.take(index, entry)
            yield from self._named(index, entry)
        yield from self._tile(0)
        for level in [level for level, row in self._rows.items() if len(row) == WIDTH * HASH_SIZE]:
            yield from self._tile(level)

    def _tile(self, level: int) -> Iterator[Finding]:
        """The newest tile of a level is what the entries make it."""
        row = bytes(self._rows.pop(level, b""))
        width = len(row) // HASH_SIZE
        if not width:
            return
        tile = Tile(level, ((self.tree.size >> HEIGHT * level) - width) // WIDTH, width)
        try:
            stored = self._read(tile.path, len(row))
        except OSError:
            yield Finding("file.missing", file=tile.path)
            return
        except Malformed:
            stored = b""
        if len(stored) != len(row) or (level and stored != row):
            yield Finding("file.differs", file=tile.path)
            return
        for place in range(width):
            own = slice(place * HASH_SIZE, (place + 1) * HASH_SIZE)
            if stored[own] != row[own]:
                yield Finding("entry.differs", tile.start + place, tile.path)

    def _named(self, index: int, entry: Entry) -> Iterator[Finding]:
        """The texts that the entry names stand beside the log, and a licence is what the department signed."""
        for digest in texts_of(entry):
            if bytes.fromhex(digest) in self._texts:
                continue
            self._texts.add(bytes.fromhex(digest))
            try:
                with (self._directory / body_path(digest)).open("rb") as file:
                    found = file_digest(file, "sha256").hexdigest()
            except OSError:
                yield Finding("body.missing", index, body_path(digest), digest)
                continue
            if found != digest:
                yield Finding("body.differs", index, body_path(digest), digest)
        if isinstance(entry.act, LicenceIssued) and self._department_key is not None:
            yield from self._licence(index, entry.act, self._department_key)

    def _licence(self, index: int, act: LicenceIssued, department: Ed25519PublicKey) -> Iterator[Finding]:
        try:
            licence = read_licence(self._read(body_path(act.file), LARGEST_FILE), department)
        except (OSError, Malformed, PolicyError):
            yield Finding("licence.signature", index, body_path(act.file), act.licence)
            return
        if (licence.id, licence.institution) != (act.licence, act.institution):
            yield Finding("licence.signature", index, body_path(act.file), act.licence)
        for opened in act.opened:
            if not _granted(opened.limit, licence.budget):
                yield Finding("licence.limit", index, body_path(act.file), opened.account)

    def _strangers(self, size: int) -> Iterator[Finding]:
        """Nothing stands in the directory but the log."""
        expected = {CHECKPOINT, *(tile.path for tile in bundles(size)), *(tile.path for tile in tiles(size))}
        for path in _files(self._directory):
            if path not in expected and not self._is_text(path):
                yield Finding("file.unexpected", file=path)

    def _is_text(self, path: str) -> bool:
        digest = path.rpartition("/")[2]
        return (
            _SHA256.fullmatch(digest) is not None and path == body_path(digest) and bytes.fromhex(digest) in self._texts
        )

    def _read(self, path: str, limit: int) -> bytes:
        """The file's bytes; Malformed when there are more than `limit`."""
        with (self._directory / path).open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Malformed("a file is too large")
        return data


def _files(directory: Path, prefix: str = "") -> Iterator[str]:
    """The path of everything that is no folder; a link stands under a name that no file of a log has."""
    with os.scandir(directory) as found:
        for each in found:
            if each.is_dir(follow_symlinks=False):
                yield from _files(Path(each.path), f"{prefix}{each.name}/")
            else:
                yield prefix + each.name + ("" if each.is_file(follow_symlinks=False) else "@")


def _granted(limit: Amounts, budget: LicenceBudget) -> bool:
    """The account's limit is no more than the licence grants, rounded down."""
    if limit.rho is not None and (budget.rho is None or limit.rho > down(budget.rho, RHO_UNIT)):
        return False
    if limit.epsilon is not None and (budget.epsilon is None or limit.epsilon > down(budget.epsilon, EPSILON_UNIT)):
        return False
    return limit.delta <= down(budget.delta, DELTA_UNIT)


def _amounts(amounts: Amounts) -> dict[str, str | None]:
    parts = {"rho": amounts.rho, "delta": amounts.delta, "epsilon": amounts.epsilon}
    return {name: None if part is None else str(part) for name, part in parts.items()}
