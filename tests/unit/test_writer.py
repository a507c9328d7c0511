"""The writer: a savepoint each, one commit for all that wait, answers after it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from sandbox.audit import mark
from sandbox.audit.checkpoint import open_note
from sandbox.audit.entry import Read
from sandbox.audit.log import checkpoint, size
from sandbox.errors import Fault, Refusal
from sandbox.ledger import writer
from sandbox.ledger.outcomes import Existing, Leaf
from sandbox.ledger.transactions import note
from tests.support.ledger_world import LOG, NOW, World, open_world


@pytest.fixture
def world(tmp_path: Path, ledger: str) -> Iterator[World]:
    with open_world(tmp_path, ledger) as opened:
        yield opened


class Held:
    """The writer, busy until it is let go: what is submitted meanwhile waits together."""

    def __init__(self, world: World) -> None:
        self._started, self._go = Event(), Event()
        self._answer = world.writer.submit(self._hold)
        assert self._started.wait(60)

    def _hold(self, _connection: Connection) -> None:
        self._started.set()
        assert self._go.wait(60)

    def let_go(self) -> None:
        self._go.set()
        self._answer.result()


def writes_leaf(world: World, word: str) -> Any:
    nonce = world.nonce("li", word)
    header = world.header(NOW, "li", word)
    return lambda connection: note(connection, nonce, header, Leaf(Read("catalogue", None)))


def test_what_waits_together_is_committed_together(world: World) -> None:
    commits: list[str] = []
    event.listen(world.engine, "commit", lambda _: commits.append("commit"))
    held = Held(world)
    answers = [world.writer.submit(writes_leaf(world, f"n{number}")) for number in range(50)]
    held.let_go()
    done = [answer.result() for answer in answers]
    assert len(commits) == 4  # two batches, each with its checkpoint
    assert len({one.checkpoint for one in done}) == 1
    first = done[0].value
    assert [one.value for one in done] == list(range(first, first + 50))
    assert done[0].checkpoint is not None
    assert open_note(done[0].checkpoint, LOG.public).size == first + 50


def test_a_failing_transaction_is_rolled_back_alone(world: World) -> None:
    def half_done(connection: Connection) -> None:
        writes_leaf(world, "lost")(connection)
        raise Refusal("budget.exhausted", {"kind": "licence", "account": "L1"})

    def breaks_a_constraint(connection: Connection) -> None:
        writes_leaf(world, "lost too")(connection)
        connection.execute(text("INSERT INTO nonces VALUES ('k', NULL)"))

    before = world.read(size)
    held = Held(world)
    answers = [
        world.writer.submit(one)
        for one in (writes_leaf(world, "a"), half_done, breaks_a_constraint, writes_leaf(world, "b"))
    ]
    held.let_go()
    assert [answers[0].result().value, answers[3].result().value] == [before, before + 1]
    assert isinstance(answers[1].exception(), Refusal)
    assert isinstance(answers[2].exception(), IntegrityError)
    assert world.read(size) == before + 2
    world.do(writes_leaf(world, "lost"))


def test_a_failing_database_fails_the_whole_batch(world: World) -> None:
    def breaks_the_database(connection: Connection) -> None:
        connection.rollback  # noqa: B018 - never called: a transaction has no business with it
        raise OperationalError("statement", {}, sqlite3.OperationalError("disk I/O error"))

    before = world.read(size)
    held = Held(world)
    answers = [world.writer.submit(one) for one in (writes_leaf(world, "a"), breaks_the_database)]
    held.let_go()
    for answer in answers:
        with pytest.raises(Refusal, match=r"service\.storage"):
            answer.result()
    assert world.writer.failing
    assert world.read(size) == before
    assert world.do(writes_leaf(world, "a")) == before
    assert not world.writer.failing


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG])
def test_a_mark_that_cannot_be_raised_tells_nobody(world: World, number: int) -> None:
    """What was committed stands and is found again; its checkpoint has left nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mark, "overwrite", Mock(side_effect=OSError(number, "")))
        with pytest.raises(Refusal, match=r"service\.storage"):
            world.ask("q", idempotency="once")
    assert isinstance(world.ask("q", idempotency="once").outcome, Existing)
    assert world.audit().findings == ()


def test_the_checkpoint_is_of_committed_leaves(world: World) -> None:
    """Signed in a transaction of its own: it reads what another connection sees."""
    seen: list[tuple[int, int]] = []

    def look(connection: Connection) -> None:
        if connection is not None:
            note_text = world.read(checkpoint)
            assert note_text is not None
            seen.append((open_note(note_text, LOG.public).size, world.read(size)))

    world.do(writes_leaf(world, "a"))
    look(None)  # type: ignore[arg-type]
    event.listen(world.engine, "savepoint", lambda connection, _name: look(connection))
    for number in range(5):
        world.do(writes_leaf(world, f"n{number}"))
    assert seen
    assert all(signed <= committed for signed, committed in seen)


def test_a_closed_writer_has_answered_everything_and_takes_nothing_more(world: World) -> None:
    held = Held(world)
    answers = [world.writer.submit(writes_leaf(world, f"n{number}")) for number in range(300)]
    held.let_go()
    world.writer.close()
    assert all(answer.done() for answer in answers)
    with pytest.raises(Fault):
        world.writer.submit(writes_leaf(world, "late"))


def test_a_cancelled_transaction_is_not_carried_out(world: World) -> None:
    before = world.read(size)
    held = Held(world)
    answer = world.writer.submit(writes_leaf(world, "n"))
    assert answer.cancel()
    held.let_go()
    assert world.do(size) == before


def test_a_leaf_that_no_answer_shows_is_committed_once_and_covered_later(world: World) -> None:
    commits: list[str] = []
    event.listen(world.engine, "commit", lambda _: commits.append("commit"))
    done = world.writer.submit(writes_leaf(world, "a"), covered=False).result()
    assert (done.checkpoint, len(commits)) == (None, 1)
    world.writer.close()
    note_text = world.read(checkpoint)
    assert note_text is not None
    assert open_note(note_text, LOG.public).size == world.read(size) == done.value + 1


def test_a_checkpoint_that_is_due_comes_before_the_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_SOON", 0.0)
    done = world.writer.submit(writes_leaf(world, "a"), covered=False).result()
    assert done.checkpoint is not None
    assert open_note(done.checkpoint, LOG.public).size == done.value + 1


def test_one_covered_leaf_covers_its_batch(world: World) -> None:
    held = Held(world)
    answers = [world.writer.submit(writes_leaf(world, word), covered=word == "b") for word in "abc"]
    held.let_go()
    notes = {answer.result().checkpoint for answer in answers}
    assert len(notes) == 1
    assert None not in notes
