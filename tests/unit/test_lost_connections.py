"""The writer on PostgreSQL when a connection is lost or another is in the way: carried out once more where nothing can
stand, a failure where nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from sandbox.audit.log import size
from sandbox.errors import Refusal
from sandbox.ledger.outcomes import Authorized, Existing, Logged
from tests.support.ledger_world import World, open_world
from tests.support.postgres import Server

CUT = text("SELECT pg_terminate_backend(pg_backend_pid())")
RAISE = "DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{state}'; END $$"


@pytest.fixture
def world(tmp_path: Path, server: Server) -> Iterator[World]:
    with server.database() as url, open_world(tmp_path, url) as opened:
        yield opened
        assert opened.audit().findings == ()


@pytest.mark.parametrize(
    "statement", [CUT, *(text(RAISE.format(state=state)) for state in ("40001", "40P01"))], ids=str
)
def test_what_is_certainly_undone_is_carried_out_once_more(world: World, statement: object) -> None:
    request, tries = world.request("q"), list[int]()
    before = world.read(size)

    def meets(connection: Connection) -> Logged:
        outcome = world.authorization(request)(connection)
        tries.append(1)
        if len(tries) == 1:
            connection.execute(statement)  # type: ignore[call-overload]
        return outcome

    assert world.do(meets).leaf == before
    assert len(tries) == 2
    assert world.spent()["licence:L1"] == 1


def test_what_is_in_the_way_for_good_is_the_answer(world: World) -> None:
    before = world.read(size)
    with pytest.raises(Refusal, match=r"service\.storage"):
        world.do(lambda connection: connection.execute(CUT))
    assert world.read(size) == before
    assert isinstance(world.ask("q").outcome, Authorized)


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_lost_in_the_commit_is_told_as_a_failure_and_found_out_by_asking_again(
    world: World, committed: bool
) -> None:
    """Nobody knows whether it stands: it is not done again, nor said to be done. The same idempotency key says it."""
    request, tries = world.request("q", idempotency="key"), list[int]()

    def authorize(connection: Connection) -> object:
        tries.append(1)
        return world.authorization(request)(connection)

    def lose(connection: Connection) -> None:
        event.remove(world.engine, "commit", lose)
        raw = connection.connection.dbapi_connection
        assert raw is not None
        if committed:
            raw.cursor().execute("COMMIT")
        raw.cursor().connection.pgconn.finish()
        raise OperationalError("COMMIT", {}, ConnectionError("lost"), connection_invalidated=True)

    event.listen(world.engine, "commit", lose)
    with pytest.raises(Refusal, match=r"service\.storage"):
        world.do(authorize)
    assert len(tries) == 1
    assert world.spent()["licence:L1"] == (1 if committed else 0)
    again = world.ask("q", idempotency="key").outcome
    assert isinstance(again, Existing if committed else Authorized)
    assert world.spent()["licence:L1"] == 1
