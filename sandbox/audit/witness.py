"""A witness of logs: cosigns a checkpoint only when its tree continues the one cosigned before, and remembers it first.

Run by somebody else than the log's operator, typically the regulator. It holds no data and needs no trust in the log:
who demands a witness's cosignature cannot be shown another log than the witness saw.
Source: C2SP tlog-witness (add-checkpoint), C2SP tlog-cosignature.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.cosignature import cosign, public_key
from sandbox.audit.merkle import EMPTY_ROOT, HASH_SIZE, Unverified, verify_consistency
from sandbox.audit.notes import MAX_NOTE, Note, NoteKey, base64, from_base64, lines
from sandbox.audit.tree_head import Checkpoint
from sandbox.disk import make_folder, put

MOST_STEPS = 63
"""Hashes of a consistency proof."""
LARGEST_REQUEST = MAX_NOTE + 100 * (MOST_STEPS + 1)
"""Bytes."""
SIZE_MEDIA = "text/x.tlog.size"
TEXT_MEDIA = "text/plain; charset=utf-8"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The witness's name and both keys it cosigns with."""

    name: str
    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA44PrivateKey

    @property
    def public(self) -> tuple[NoteKey, NoteKey]:
        """What is handed to those who demand its cosignatures: the one or the other, or both."""
        return public_key(self.name, self.ed25519), public_key(self.name, self.ml_dsa)


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """The answer to one submission."""

    status: int
    body: str = ""
    media: str = TEXT_MEDIA


@dataclass(frozen=True, slots=True)
class _Submission:
    old: int
    proof: tuple[bytes, ...]
    note: str


class Witness:
    """One witness and its memory: for each log the newest checkpoint it cosigned, with what it signed.

    Safe to use from many threads and processes on one folder.
    """

    def __init__(self, folder: Path, key: WitnessKey, logs: Sequence[LogPublicKey]) -> None:
        make_folder(folder)
        self._folder = folder
        self._key = key
        self._logs = {log.name: log for log in logs}

    def add_checkpoint(self, body: bytes, at: int) -> WitnessAnswer:
        """The cosignatures of a checkpoint that continues the newest one cosigned before, which it is from then on.

        Statuses: 200; 400 malformed, or an older size that is larger; 403 not signed by the log; 404 an unknown log;
        409 with the newest size, when the older size is another, or the same size has another root; 422 when the proof
        does not lead from one to the other. Unit: seconds since 1970.
        """
        try:
            asked = _read(body)
            claimed = Checkpoint.parse(Note.parse(asked.note).text)
        except (Unverified, UnicodeDecodeError):
            return WitnessAnswer(400)
        log = self._logs.get(claimed.origin)
        if log is None:
            return WitnessAnswer(404)
        try:
            checkpoint = open_note(asked.note, log)
        except Unverified:
            return WitnessAnswer(403)
        if asked.old > checkpoint.size:
            return WitnessAnswer(400)
        with self._locked(log.name):
            return self._added(log, checkpoint, asked, at)

    def newest(self, origin: str) -> str | None:
        """The newest checkpoint of a log that was cosigned, with log's and witness's signatures; None without any."""
        try:
            return self._path(origin).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _added(self, log: LogPublicKey, checkpoint: Checkpoint, asked: _Submission, at: int) -> WitnessAnswer:
        latest = self._latest(log)
        same = checkpoint.size == latest.size
        if asked.old != latest.size or (same and checkpoint.root != latest.root):
            return WitnessAnswer(409, f"{latest.size}\n", SIZE_MEDIA)
        try:
            verify_consistency(latest.size, checkpoint.size, latest.root, checkpoint.root, asked.proof)
        except Unverified:
            return WitnessAnswer(422)
        key = self._key
        signed = tuple(cosign(checkpoint, key.name, private, at) for private in (key.ed25519, key.ml_dsa))
        note = Note.parse(asked.note)
        own = tuple(each for each in note.signatures if each.name == log.name)
        put(self._path(log.name), str(Note(note.text, own + signed)).encode())
        return WitnessAnswer(200, lines(signed))

    def _latest(self, log: LogPublicKey) -> Checkpoint:
        note = self.newest(log.name)
        return Checkpoint(log.name, 0, EMPTY_ROOT) if note is None else open_note(note, log)

    def _path(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.note"

    @contextmanager
    def _locked(self, origin: str) -> Iterator[None]:
        """Nobody else compares and remembers for this log within."""
        path = self._path(origin).with_suffix(".lock")
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_submission(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """What a log sends to `add-checkpoint`."""
    return "".join([f"old {old}\n", *(f"{base64(step)}\n" for step in proof), "\n", note]).encode()


def _read(body: bytes) -> _Submission:
    """The submission, or Unverified."""
    head, blank, note = body.decode("utf-8").partition("\n\n")
    first, *proof = head.split("\n")
    found = _OLD.fullmatch(first)
    if not blank or found is None or len(proof) > MOST_STEPS:
        raise Unverified("the submission is malformed")
    steps = tuple(map(from_base64, proof))
    if any(len(step) != HASH_SIZE for step in steps):
        raise Unverified("the submission is malformed")
    return _Submission(int(found[1]), steps, note)
