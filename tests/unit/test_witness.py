"""The witness: each status of C2SP tlog-witness, and no two trees of a log are ever cosigned that do not continue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sandbox.audit import merkle, witness
from sandbox.audit.checkpoint import LogKey, sign
from sandbox.audit.cosignature import cosign, public_key, verify_cosignature
from sandbox.audit.merkle import Frontier, Node, Unverified
from sandbox.audit.notes import KeyKind, Note, NoteKey, parse_lines
from sandbox.audit.tree_head import Checkpoint
from sandbox.audit.witness import MOST_STEPS, SIZE_MEDIA, Witness, WitnessKey, write_submission
from tests.support.log_keys import log_key

LOG = log_key("log.test/one", bytes(range(32)))
OTHER = log_key("log.test/two", bytes(32))
AT = 1_700_000_000


class Tree:
    """A log in memory: every leaf is its index and the branch's name."""

    def __init__(self, size: int, branch: str = "", common: int = 0) -> None:
        self.hashes: dict[Node, bytes] = {}
        tree = Frontier()
        for leaf in range(size):
            self.hashes |= dict(tree.append(merkle.leaf_hash(f"{leaf}{branch if leaf >= common else ''}".encode())))

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self.hashes[node] for node in nodes]

    def checkpoint(self, size: int, name: str = LOG.name) -> Checkpoint:
        return Checkpoint(name, size, merkle.root(size, self.read))

    def submission(self, old: int, new: int, key: LogKey = LOG) -> bytes:
        """As an honest log makes it."""
        proof = merkle.consistency_proof(old, new, self.read) if 0 < old < new else []
        return write_submission(old, proof, sign(self.checkpoint(new, key.name), key))


TREE = Tree(70)
FORK = Tree(70, "fork", common=20)
KEY = WitnessKey(
    "witness.test/w", Ed25519PrivateKey.from_private_bytes(bytes(32)), MLDSA44PrivateKey.from_seed_bytes(bytes(32))
)


def opened(folder: Path) -> Witness:
    return Witness(folder / "memory", KEY, [LOG.public])


@pytest.fixture
def one(tmp_path: Path) -> Witness:
    """It has cosigned the log's first 20 entries."""
    found = opened(tmp_path)
    assert found.add_checkpoint(TREE.submission(0, 20), AT).status == 200
    return found


def cosigned(body: str, checkpoint: Checkpoint) -> list[int]:
    """The times of both cosignatures."""
    note = Note(checkpoint.text(), parse_lines(body))
    return [verify_cosignature(checkpoint, key, note.of(key)) for key in KEY.public]


def test_growth_is_cosigned_by_both_keys(one: Witness) -> None:
    for old, new in ((20, 20), (20, 33), (33, 64), (64, 70)):
        answer = one.add_checkpoint(TREE.submission(old, new), AT + new)
        assert (answer.status, answer.media) == (200, "text/plain; charset=utf-8")
        assert cosigned(answer.body, TREE.checkpoint(new)) == [AT + new] * 2


STATUSES = {
    "not a submission": (b"what?", 400),
    "no text": (b"\xff\n\n", 400),
    "an old size with a leading zero": (TREE.submission(20, 33).replace(b"old 20", b"old 020"), 400),
    "a negative old size": (TREE.submission(20, 33).replace(b"old 20", b"old -20"), 400),
    "an old size larger than the new one": (write_submission(34, [], sign(TREE.checkpoint(33), LOG)), 400),
    "too long a proof": (write_submission(20, [bytes(32)] * (MOST_STEPS + 1), sign(TREE.checkpoint(33), LOG)), 400),
    "a proof line that is no hash": (TREE.submission(20, 33).replace(b"\n\n", b"\nAAAA\n\n", 1), 400),
    "no checkpoint": (b"old 20\n\n\n", 400),
    "an unknown log": (TREE.submission(0, 33, OTHER), 404),
    "signed by another key under its name": (
        write_submission(20, [], sign(TREE.checkpoint(33), LogKey(LOG.name, OTHER.ed25519, OTHER.ml_dsa))),
        403,
    ),
    "one of the signatures is another's": (
        write_submission(20, [], sign(TREE.checkpoint(33), LogKey(LOG.name, LOG.ed25519, OTHER.ml_dsa))),
        403,
    ),
    "from an older size": (TREE.submission(10, 33), 409),
    "from the beginning": (TREE.submission(0, 33), 409),
    "a smaller tree": (TREE.submission(10, 15), 409),
    "the same size, another root": (write_submission(20, [], sign(Checkpoint(LOG.name, 20, bytes(32)), LOG)), 409),
    "a proof that is missing": (write_submission(20, [], sign(TREE.checkpoint(33), LOG)), 422),
    "another's proof": (
        write_submission(20, merkle.consistency_proof(20, 40, TREE.read), sign(TREE.checkpoint(33), LOG)),
        422,
    ),
    "a proof for the same size": (write_submission(20, [bytes(32)], sign(TREE.checkpoint(20), LOG)), 422),
}


@pytest.mark.parametrize("name", STATUSES)
def test_statuses(one: Witness, name: str) -> None:
    body, status = STATUSES[name]
    before = one.newest(LOG.name)
    answer = one.add_checkpoint(body, AT)
    assert answer.status == status
    if status == 409:
        assert (answer.body, answer.media) == ("20\n", SIZE_MEDIA)
    elif status != 200:
        assert answer.body == ""
    if status != 200:
        assert one.newest(LOG.name) == before


def test_of_two_branches_it_cosigns_one(one: Witness) -> None:
    """Both continue the first 20 entries: who shows it the second one is found out."""
    assert one.add_checkpoint(TREE.submission(20, 40), AT).status == 200
    assert one.add_checkpoint(FORK.submission(20, 40), AT).status == 409
    assert one.add_checkpoint(write_submission(40, [], sign(FORK.checkpoint(40), LOG)), AT).status == 409
    forked = write_submission(40, merkle.consistency_proof(40, 50, FORK.read), sign(FORK.checkpoint(50), LOG))
    assert one.add_checkpoint(forked, AT).status == 422
    assert one.add_checkpoint(TREE.submission(40, 50), AT).status == 200


def test_a_witness_that_was_stopped_remembers(one: Witness, tmp_path: Path) -> None:
    again = opened(tmp_path)
    assert again.newest(LOG.name) == one.newest(LOG.name)
    assert again.add_checkpoint(TREE.submission(0, 33), AT).status == 409
    assert again.add_checkpoint(TREE.submission(20, 33), AT).status == 200


def test_it_remembers_before_it_answers(one: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes no more: no cosignature leaves, and nothing is half remembered."""

    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    before = one.newest(LOG.name)
    with monkeypatch.context() as patched:
        patched.setattr(witness, "put", full)
        with pytest.raises(OSError, match="no space"):
            one.add_checkpoint(TREE.submission(20, 33), AT)
    assert one.newest(LOG.name) == before
    assert one.add_checkpoint(TREE.submission(20, 33), AT).status == 200


def test_a_damaged_memory_cosigns_nothing(one: Witness, tmp_path: Path) -> None:
    (path,) = (tmp_path / "memory").glob("*.note")
    path.write_text(path.read_text().replace("20\n", "10\n", 1))
    with pytest.raises(Unverified):
        one.add_checkpoint(TREE.submission(10, 33), AT)


def test_of_races_one_branch_wins(one: Witness, tmp_path: Path) -> None:
    """Two trees of the same size at once, by two processes' views of the folder: one of them is cosigned."""
    for size in range(21, 41):
        ready = threading.Barrier(8)
        old = size - 1

        def submit(branch: Tree, folder: Witness, at: int = old, ready: threading.Barrier = ready) -> int:
            body = branch.submission(at, at + 1)
            ready.wait()
            return folder.add_checkpoint(body, AT).status

        with ThreadPoolExecutor(8) as threads:
            views = [(TREE if number % 2 else FORK, one if number < 4 else opened(tmp_path)) for number in range(8)]
            found = list(threads.map(lambda view: submit(*view), views))
        assert sorted(found).count(200) == 1
        note = one.newest(LOG.name)
        assert note is not None
        if Checkpoint.parse(Note.parse(note).text).root != TREE.checkpoint(size).root:
            break  # the fork has won: no honest proof leads on from here
    assert one.newest(LOG.name) is not None


def test_the_cosigned_message_is_that_of_the_standard() -> None:
    """C2SP tlog-cosignature: the example of its Ed25519 message, and the layout of `cosigned_message`."""
    head = Checkpoint("example.com/behind-the-sofa", 20852163, bytes(range(32)))
    first, second = KEY.public
    at = 1679315147
    message = f"cosignature/v1\ntime {at}\n{head.text()}".encode()
    value = cosign(head, KEY.name, KEY.ed25519, at).value
    assert value[:8] == at.to_bytes(8)
    KEY.ed25519.public_key().verify(value[8:], message)
    assert verify_cosignature(head, first, value) == at
    layout = (
        b"subtree/v1\n\0\x0ewitness.test/w"
        + at.to_bytes(8)
        + b"\x1bexample.com/behind-the-sofa"
        + bytes(8)
        + (20852163).to_bytes(8)
        + bytes(range(32))
    )
    value = cosign(head, KEY.name, KEY.ml_dsa, at).value
    KEY.ml_dsa.public_key().verify(value[8:], layout)
    assert verify_cosignature(head, second, value) == at
    assert (first.kind, second.kind) == (KeyKind.COSIGNATURE, KeyKind.SUBTREE)
    for key in (first, second):
        assert NoteKey.parse(str(key)) == key


@pytest.mark.parametrize("private", [KEY.ed25519, KEY.ml_dsa])
def test_any_other_statement_is_not_what_was_cosigned(private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
    head = TREE.checkpoint(33)
    key = public_key(KEY.name, private)
    value = cosign(head, KEY.name, private, AT).value
    others = [TREE.checkpoint(34), Checkpoint("other", 33, head.root), Checkpoint(LOG.name, 33, bytes(32))]
    for other in others:
        with pytest.raises(Unverified):
            verify_cosignature(other, key, value)
    for changed in ((AT + 1).to_bytes(8) + value[8:], value[:-1], value[:-1] + b"\0", value[:8], b"\xff" + value[1:]):
        with pytest.raises(Unverified):
            verify_cosignature(head, key, changed)
    named = NoteKey("witness.test/v", key.kind, key.public)
    if key.kind is KeyKind.SUBTREE:  # the Ed25519 statement does not name its signer
        with pytest.raises(Unverified):
            verify_cosignature(head, named, value)
