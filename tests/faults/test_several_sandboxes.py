"""Several sandboxes on one PostgreSQL, of which some are killed: one log, one charge for one query, nothing lost.

The offline verifier judges the log in the end: a fork, a gap or a charge that is not there is a finding of its.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from sandbox.audit.entry import QueryFailed, QueryReleased, ServiceStarted
from sandbox.errors import Refusal
from sandbox.ledger.charges import State
from sandbox.ledger.database import migrate, open_database
from sandbox.serving.frames import HttpAnswer, HttpRequest
from tests.faults.test_crash import second_is_refused
from tests.support.postgres import Server
from tests.support.processes import Deployment, Gone, code_of, query

MANY = 200


ON_POSTGRESQL = pytest.mark.parametrize("clinic", ["postgresql"], indirect=True)


def both(clinic: Deployment, step: str | None = None, action: str = "die") -> Deployment:
    """The first sandbox acts at a step; the other, which is returned, does not."""
    other = clinic.beside()
    clinic.start(step, action)
    other.start()
    return other


def spread(sandboxes: list[Deployment], requests: list[HttpRequest]) -> list[HttpAnswer]:
    """The answers to requests that are sent at the same time, each to the next sandbox."""
    with ThreadPoolExecutor(len(requests)) as threads:
        sent = [
            threads.submit(sandboxes[number % len(sandboxes)].send, request) for number, request in enumerate(requests)
        ]
        return [each.result() for each in sent]


def releases(clinic: Deployment) -> int:
    return sum(isinstance(act, QueryReleased) for act in clinic.acts())


@ON_POSTGRESQL
@pytest.mark.parametrize("step", ["charge committed", "noise drawn", "release not committed", "release committed"])
def test_what_a_killed_sandbox_left_ends_at_another_under_one_charge(clinic: Deployment, step: str) -> None:
    """Asked again at the other, at once; it knew nothing of the charge before."""
    other = both(clinic, step)
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.until(lambda: clinic.status == -signal.SIGKILL)
    assert clinic.spent() == 1
    answer = other.send(query(7))
    assert answer.status == 200
    assert other.send(query(7)).body == answer.body
    assert (clinic.spent(), releases(clinic)) == (1, 1)
    found = clinic.charge("key-7")
    assert found is not None
    assert found.attempts == (0 if step == "release committed" else 1)
    other.stop()


@ON_POSTGRESQL
def test_what_a_killed_sandbox_left_ends_though_nobody_asks(clinic: Deployment) -> None:
    other = both(clinic, "waiting for the tick")
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.until(lambda: (found := clinic.charge("key-7")) is not None and found.state is State.RELEASED)
    assert (clinic.spent(), releases(clinic)) == (1, 1)
    other.stop()


@ON_POSTGRESQL
def test_who_asks_at_another_sandbox_waits_for_the_run_there_is(clinic: Deployment) -> None:
    other = both(clinic, "waiting for the tick", "wait")
    with clinic.asking(query(7)) as go_on, ThreadPoolExecutor(2) as threads:
        same = threads.submit(other.send, query(7))  # the same idempotency key
        again = threads.submit(other.send, query(7, "another"))
        clinic.until(lambda: clinic.charge("another") is not None)
        assert other.send(query(7, "hurried", wait=False)).status == 202
        first = go_on()
        assert {first.body, same.result().body, again.result().body} == {first.body}
    assert first.status == 200
    found = clinic.charge("key-7")
    assert found is not None
    assert found.attempts == 0
    assert (clinic.spent(), releases(clinic)) == (1, 1)


@ON_POSTGRESQL
def test_who_waits_at_another_sandbox_is_answered_when_the_run_there_was_killed(clinic: Deployment) -> None:
    other = both(clinic, "waiting for the tick", "wait")
    with clinic.asking(query(7)) as go_on, ThreadPoolExecutor(1) as thread:
        again = thread.submit(other.send, query(7, "another"))
        clinic.until(lambda: clinic.charge("another") is not None)
        clinic.cut()
        with pytest.raises(Gone):
            go_on()
        assert again.result().status == 200
    assert (clinic.spent(), releases(clinic)) == (1, 1)


@ON_POSTGRESQL
def test_a_sandbox_that_was_only_thought_dead_releases_nothing_of_what_another_took(clinic: Deployment) -> None:
    """It never gets hold of its lock, and runs: the other's run is the one that counts."""
    other = both(clinic, "waiting for the tick", "wait unheard")
    with clinic.asking(query(7)) as go_on:
        released = other.send(query(7))
        assert released.status == 200
        late = go_on()
    assert late.body == released.body
    found = clinic.charge("key-7")
    assert found is not None
    assert found.attempts == 1
    assert (clinic.spent(), releases(clinic)) == (1, 1)
    assert "left open: Fault" in clinic.said


@ON_POSTGRESQL
def test_two_sandboxes_spend_one_budget(clinic: Deployment) -> None:
    sandboxes = [clinic, both(clinic)]
    answers = spread(sandboxes, [query(number) for number in range(1, MANY + 1)])
    assert Counter((answer.status, code_of(answer)) for answer in answers) == {
        (200, None): 10,
        (409, "budget.exhausted"): MANY - 10,
    }
    assert (clinic.spent(), releases(clinic)) == (10, 10)


@ON_POSTGRESQL
def test_the_same_query_and_the_same_bytes_at_two_sandboxes_act_once(clinic: Deployment) -> None:
    sandboxes = [clinic, both(clinic)]
    answers = spread(sandboxes, [query(7, f"key-{number}") for number in range(60)])
    assert Counter(answer.status for answer in answers) == {200: 60}
    assert len({answer.body for answer in answers}) == 1
    replayed = spread(sandboxes, [query(8, "eight")] * 40)
    assert Counter((answer.status, code_of(answer)) for answer in replayed) == {
        (200, None): 1,
        (401, "identity.replayed"): 39,
    }
    assert (clinic.spent(), releases(clinic)) == (2, 2)


@ON_POSTGRESQL
def test_sandboxes_killed_and_started_amid_a_stream_lose_nothing_and_charge_once(clinic: Deployment) -> None:
    """Each query is sent until it is answered, to whoever answers."""
    other = both(clinic)

    def ask(number: int) -> HttpAnswer:
        sandboxes = [clinic, other]
        while True:
            try:
                answer = sandboxes[number % 2].send(query(number))
            except Gone:
                sandboxes.reverse()
                clinic.until(lambda: clinic.answers() or other.answers())
                continue
            if answer.status == 200:
                return answer

    with ThreadPoolExecutor(10) as threads:
        asked = [threads.submit(ask, number) for number in range(1, 11)]
        for victim in (clinic, other):
            victim.cut()
            victim.start()
        answers = [each.result() for each in asked]
    assert len({json.loads(answer.body)["id"] for answer in answers}) == 10
    assert (clinic.spent(), releases(clinic)) == (10, 10)
    assert not any(isinstance(act, QueryFailed) for act in clinic.acts())
    assert sum(isinstance(act, ServiceStarted) for act in clinic.acts()) == 4


@ON_POSTGRESQL
def test_a_database_that_goes_down_amid_requests_loses_nothing_that_was_told(
    clinic: Deployment, server: Server
) -> None:
    """Commits in the middle end one way or the other; whoever asks again is charged once."""
    sandboxes = [clinic, both(clinic)]
    told = spread(sandboxes, [query(number) for number in range(1, 4)])
    assert {answer.status for answer in told} == {200}
    with ThreadPoolExecutor(4) as threads:
        amid = [threads.submit(sandboxes[number % 2].send, query(number)) for number in range(4, 8)]
        server.stop("immediate")
        server.start()
        answers = [each.result() for each in amid]
    assert {answer.status for answer in answers} <= {200, 202, 500, 503}
    for number in range(1, 8):
        clinic.until(lambda number=number: sandboxes[number % 2].send(query(number)).status == 200)  # type: ignore[misc]
        if number <= 3:
            assert sandboxes[number % 2].send(query(number)).body == told[number - 1].body
        elif answers[number - 4].status == 200:
            assert sandboxes[number % 2].send(query(number)).body == answers[number - 4].body
    assert (clinic.spent(), releases(clinic)) == (7, 7)


@ON_POSTGRESQL
def test_a_policy_put_in_force_by_one_sandbox_binds_the_other(clinic: Deployment) -> None:
    other = both(clinic)
    domain = clinic.path / "policy" / "domains" / "people.toml"
    domain.write_text(domain.read_text().replace("Residents", "Inhabitants"), encoding="utf-8")
    other.cut()
    other.start()
    assert other.send(query(7)).status == 200
    assert code_of(clinic.send(query(8))) == "state.changed"
    clinic.cut()
    clinic.start()
    assert clinic.send(query(8)).status == 200


@ON_POSTGRESQL
def test_a_socket_is_served_once_and_an_older_schema_is_left_alone_while_it_is_served(clinic: Deployment) -> None:
    clinic.start()
    second_is_refused(clinic)
    engine = open_database(clinic.state.settings.database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    with pytest.raises(Refusal, match=r"state\.busy"):
        migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    engine.dispose()
    clinic.stop()


def test_on_sqlite_there_is_one_sandbox(clinic: Deployment) -> None:
    clinic.start()
    other = clinic.beside()
    other.launch()
    other.until(lambda: other.status is not None)
    assert other.status == 1
    assert "state.busy" in clinic.said
    clinic.stop()
