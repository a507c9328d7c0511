"""The log in the database: what it promises its one writer and its readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, update

from sandbox.audit import log, merkle
from sandbox.audit.checkpoint import open_note
from sandbox.audit.encoding import decode
from sandbox.audit.entry import Estimated, ServiceStarted
from sandbox.audit.forms import Malformed
from sandbox.audit.merkle import Unverified
from sandbox.audit.receipt import Receipt, verify, verify_leaf
from sandbox.errors import Fault
from sandbox.ledger.database import open_database
from tests.support.log_history import KEY, SQL, Step, database, history, sha, step, write

STEPS = history()
RELEASED = next(index for index, each in enumerate(STEPS) if "QueryReleased" in repr(each.entry.act))


@pytest.fixture(params=["memory", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty log."""
    with ExitStack() as stack:
        if request.param == "memory":
            found = database()
        else:
            found = open_database(stack.enter_context(request.getfixturevalue("server").database()))
        stack.callback(found.dispose)
        yield found


def started(time: int) -> Step:
    return step(time, ServiceStarted("1", sha("c")))


def test_entries_roots_and_proofs_are_those_of_the_tree(engine: Engine) -> None:
    write(engine, STEPS)
    with engine.connect() as connection:
        data = list(log.entries(connection, 0, log.size(connection)))
        assert [decode(each).act for each in data] == [each.entry.act for each in STEPS]
        tree = merkle.Frontier()
        for size in range(len(data) + 1):
            assert log.root(connection, size) == tree.root()
            if size < len(data):
                tree.append(merkle.leaf_hash(data[size]))
        for old in range(1, len(data) + 1):
            head = log.root(connection, len(data))
            proof = log.consistency_proof(connection, old, len(data))
            merkle.verify_consistency(old, len(data), log.root(connection, old), head, proof)
            proof = log.inclusion_proof(connection, old - 1, len(data))
            merkle.verify_inclusion(merkle.leaf_hash(data[old - 1]), old - 1, len(data), proof, head)


def test_equal_entries_have_unequal_leaves(engine: Engine) -> None:
    write(engine, [started(1), started(1)])
    with engine.connect() as connection:
        first, second = log.entries(connection, 0, 2)
    assert first != second
    assert decode(first) == decode(second)


def test_a_rolled_back_leaf_leaves_nothing(engine: Engine) -> None:
    write(engine, STEPS[:5])
    with engine.connect() as connection:
        before = log.root(connection, 5)
        log.append(connection, STEPS[5].entry, STEPS[5].texts)
        connection.rollback()
        assert log.size(connection) == 5
        with connection.begin_nested() as savepoint:
            assert log.append(connection, STEPS[5].entry, STEPS[5].texts) == 5
            savepoint.rollback()
        assert log.append(connection, STEPS[6].entry) == 5
        connection.commit()
        assert log.size(connection) == 6
        assert log.root(connection, 5) == before
        assert decode(*log.entries(connection, 5, 6)) == STEPS[6].entry


def test_time_never_runs_backward(engine: Engine) -> None:
    write(engine, [started(time) for time in (5, 3, 9, 1)])
    with engine.connect() as connection:
        assert [decode(data).header.time for data in log.entries(connection, 0, 4)] == [5, 5, 9, 9]


def test_appending_writes_a_logarithm_of_rows(engine: Engine) -> None:
    write(engine, [started(1)] * 64)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(log.hashes)) == 2 * 64 - 1


@pytest.mark.parametrize(
    "texts",
    [(), (b"another",), (SQL, b"another")],
)
def test_every_named_text_stands_beside_the_log_and_no_other(engine: Engine, texts: tuple[bytes, ...]) -> None:
    asked = next(each.entry for each in STEPS if isinstance(each.entry.act, Estimated))
    with engine.begin() as connection, pytest.raises(Fault):
        log.append(connection, asked, texts)
    with engine.begin() as connection:
        log.append(connection, asked, (SQL,))
        log.append(connection, asked)  # known from before
        assert log.body(connection, sha(SQL)) == SQL
        assert log.body(connection, sha("other")) is None
        assert list(log.bodies(connection, 2)) == [(sha(SQL), SQL)]


def test_a_malformed_entry_is_not_appended(engine: Engine) -> None:
    with engine.begin() as connection:
        with pytest.raises(Malformed):
            log.append(connection, step(1, ServiceStarted("", "")).entry)
        assert log.size(connection) == 0


def test_a_checkpoint_covers_committed_leaves_only(engine: Engine) -> None:
    with engine.begin() as connection:
        log.append(connection, STEPS[0].entry)
        with pytest.raises(Fault):
            log.sign_checkpoint(connection, KEY, None)
    with engine.begin() as connection:
        note = log.sign_checkpoint(connection, KEY, None)
    assert open_note(note, KEY.public).size == 1


def test_a_checkpoint_is_a_function_of_the_leaves(engine: Engine) -> None:
    with engine.begin() as connection:
        empty = log.sign_checkpoint(connection, KEY, None)
    assert open_note(empty, KEY.public).root == merkle.EMPTY_ROOT
    first = write(engine, STEPS[:3])
    with engine.begin() as connection:
        assert log.sign_checkpoint(connection, KEY, None) == first == log.checkpoint(connection)
        assert connection.scalar(select(func.count()).select_from(log.checkpoints)) == 2
    second = write(engine, STEPS[3:7])
    old, new = open_note(first, KEY.public), open_note(second, KEY.public)
    with engine.connect() as connection:
        proof = log.consistency_proof(connection, old.size, new.size)
    merkle.verify_consistency(old.size, new.size, old.root, new.root, proof)


def _forget_the_last(connection: Connection) -> None:
    connection.execute(update(log.head).values(size=2))
    connection.execute(delete(log.leaves).where(log.leaves.c.leaf >= 2))
    connection.execute(delete(log.hashes).where((log.hashes.c.level == 0) & (log.hashes.c.position >= 2)))


def _rewrite_the_last(connection: Connection) -> None:
    _forget_the_last(connection)
    log.append(connection, started(9).entry)
    log.append(connection, started(9).entry)


@pytest.mark.parametrize("attack", [_forget_the_last, _rewrite_the_last])
def test_a_database_rolled_back_is_not_signed_again(engine: Engine, attack: Callable[[Connection], None]) -> None:
    write(engine, STEPS[:3])
    with engine.begin() as connection:
        attack(connection)
    with engine.begin() as connection, pytest.raises(Fault):
        log.sign_checkpoint(connection, KEY, None)


def test_a_hole_in_the_database_is_our_fault(engine: Engine) -> None:
    write(engine, STEPS[:6])
    with engine.begin() as connection:
        connection.execute(delete(log.leaves).where(log.leaves.c.leaf == 2))
        connection.execute(delete(log.hashes).where(log.hashes.c.level == 2))
    with engine.connect() as connection:
        for ask in (
            lambda: list(log.entries(connection, 0, 6)),
            lambda: log.root(connection, 6),
            lambda: log.tile(connection, 2, 0, 1),
        ):
            with pytest.raises(Fault):
                ask()


def test_a_receipt_needs_only_the_public_key(engine: Engine) -> None:
    write(engine, STEPS)
    with engine.connect() as connection:
        given = log.receipt(connection, RELEASED, KEY.public)
    taken = Receipt.from_json(given.to_json())
    assert taken == given
    proven = verify(taken, KEY.public, b"release 1")
    assert (proven.index, proven.entry, proven.checkpoint.size) == (RELEASED, STEPS[RELEASED].entry, len(STEPS))


def test_a_receipt_before_the_first_checkpoint_is_our_fault(engine: Engine) -> None:
    with engine.begin() as connection:
        log.append(connection, STEPS[0].entry)
        with pytest.raises(Fault):
            log.receipt(connection, 0, KEY.public)


def test_a_receipt_that_lies(engine: Engine) -> None:
    note = write(engine, STEPS)
    with engine.connect() as connection:
        good = log.receipt(connection, RELEASED, KEY.public)
        other = log.receipt(connection, 0, KEY.public)
    lies = [
        (good, b"release 2"),
        (other, b"release 1"),
        (Receipt(good.index + 1, good.entry, good.proof, note), b"release 1"),
        (Receipt(good.index, other.entry, good.proof, note), b"release 1"),
        (Receipt(good.index, good.entry, good.proof[1:], note), b"release 1"),
        (
            Receipt(good.index, good.entry, good.proof, note.replace(f"\n{len(STEPS)}\n", f"\n{len(STEPS) + 1}\n")),
            b"release 1",
        ),
        (Receipt(good.index, good.entry, (b"",) * len(good.proof), note), b"release 1"),
    ]
    for receipt, release in lies:
        with pytest.raises(Unverified):
            verify(receipt, KEY.public, release)


def test_a_leaf_that_is_no_entry_proves_nothing() -> None:
    from_log = database()
    write(from_log, STEPS[:1])
    with from_log.begin() as connection:
        data = b"no entry of the schema"
        leaf = merkle.leaf_hash(data)
        connection.execute(update(log.leaves).values(entry=data))
        connection.execute(update(log.hashes).values(hash=leaf))
        connection.execute(delete(log.checkpoints))
    with from_log.begin() as connection:
        log.sign_checkpoint(connection, KEY, None)
        receipt = log.receipt(connection, 0, KEY.public)
    with pytest.raises(Unverified):
        verify_leaf(receipt, KEY.public)


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": "0"},
        {"entry": "?"},
        {"entry": None},
        {"proof": "AA=="},
        {"proof": [1]},
        {"checkpoint": 5},
        {"more": 1},
    ],
)
def test_a_malformed_receipt(change: dict[str, object]) -> None:
    good = Receipt(0, b"entry", (bytes(32),), "note").to_json()
    assert Receipt.from_json(good).index == 0
    with pytest.raises(Unverified):
        Receipt.from_json(good | change)


def test_a_receipt_that_is_no_json() -> None:
    for text in ("", "[]", "{", "[" * 100_000):
        with pytest.raises(Unverified):
            Receipt.parse(text)
