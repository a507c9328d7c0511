"""Killed at every step between charge and answer: no charge is lost, nothing leaves uncharged, every request ends.

The fault table follows one request. `charged` is what the ledger says when the sandbox is dead; after the restart the
same idempotency key is always answered by the same release under one charge.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox.audit.entry import QueryFailed, QueryReleased, QueryReused, ServiceStarted, ServiceStopped
from sandbox.audit.registry_acts import LicenceSuspended
from sandbox.ledger.charges import State
from sandbox.serving.frames import HttpAnswer
from sandbox.upkeep import commands
from tests.support.halting import FAULTS
from tests.support.processes import Deployment, Gone, batch, code_of, doubled, query, signed
from tests.support.starters import lives

STEPS = {
    "lowering": None,
    "charge not committed": None,
    "charge committed": State.AUTHORIZED,
    "charge answered": State.AUTHORIZED,
    "before rendering": State.AUTHORIZED,
    "job sent": State.AUTHORIZED,
    "exact rows": State.AUTHORIZED,
    "noise drawn": State.AUTHORIZED,
    "public part": State.AUTHORIZED,
    "waiting for the tick": State.AUTHORIZED,
    "release not committed": State.AUTHORIZED,
    "release committed": State.RELEASED,
    "checkpoint signed": State.RELEASED,
    "making the answer": State.RELEASED,
    "sending the answer": State.RELEASED,
}
"""Step → the charge's state when the sandbox is killed there; None: nothing is charged."""


def released(clinic: Deployment) -> dict[str, int]:
    """Releases in the log, by charge."""
    found: dict[str, int] = {}
    for act in clinic.acts():
        if isinstance(act, QueryReleased):
            found[act.charge] = found.get(act.charge, 0) + 1
    return found


ON_BOTH = (
    "charge not committed",
    "charge committed",
    "noise drawn",
    "release not committed",
    "release committed",
    "checkpoint signed",
)
"""Steps that are tried on PostgreSQL as well: those at which something is written or has been."""


@pytest.mark.parametrize(
    ("clinic", "step", "state"),
    [
        *(("sqlite", step, state) for step, state in STEPS.items()),
        *(("postgresql", step, STEPS[step]) for step in ON_BOTH),
    ],
    indirect=["clinic"],
)
def test_killed_at_a_step_the_request_ends_under_one_charge(clinic: Deployment, step: str, state: State | None) -> None:
    clinic.start(step)
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.died()
    found = clinic.charge("key-7")
    assert (found.state if found else None) is state
    assert clinic.spent() == (0 if state is None else 1)
    assert len(released(clinic)) == (1 if state is State.RELEASED else 0)

    clinic.start()
    clinic.audit()
    answer = clinic.send(query(7))
    assert answer.status == 200
    assert clinic.send(query(7)).body == answer.body
    assert clinic.spent() == 1
    assert list(released(clinic).values()) == [1]
    assert found is None or json.loads(answer.body)["id"] == found.id
    after = clinic.charge("key-7")
    assert after is not None
    assert after.attempts == (1 if state is State.AUTHORIZED else 0)
    clinic.stop()


BATCHED = ("charge committed", "noise drawn", "public part", "release not committed", "release committed")
"""Steps where a batch is killed: between any two of its releases there is none."""


@pytest.mark.parametrize("step", BATCHED)
def test_killed_at_a_step_a_batch_ends_as_a_whole(clinic: Deployment, step: str) -> None:
    """What its queries share is noised once: all of it is run again, and all is released or nothing."""
    clinic.start(step)
    with pytest.raises(Gone):
        clinic.send(batch(7, 7))
    clinic.died()
    assert clinic.spent() == 1
    assert list(released(clinic).values()) == ([2] if step == "release committed" else [])
    clinic.start()
    clinic.audit()
    answer = clinic.send(batch(7, 7))
    assert answer.status == 200
    assert clinic.send(batch(7, 7)).body == answer.body
    assert len(json.loads(answer.body)["answers"]) == 2
    assert clinic.spent() == 1
    assert list(released(clinic).values()) == [2]
    clinic.stop()


@pytest.mark.parametrize("step", ["charge not committed", "making the answer"])
def test_killed_at_a_step_an_answer_by_reuse_is_there_or_not(clinic: Deployment, step: str) -> None:
    """It is stored in one transaction with its leaf: nothing is left open, whenever it is stopped."""
    clinic.start()
    clinic.send(query(7))
    clinic.stop()
    clinic.start(step)
    with pytest.raises(Gone):
        clinic.send(doubled(7))
    clinic.died()
    assert [type(act) for act in clinic.acts()].count(QueryReused) == (0 if step == "charge not committed" else 1)
    clinic.start()
    answer = clinic.send(doubled(7))
    assert answer.status == 200
    assert clinic.send(doubled(7)).body == answer.body
    assert clinic.spent() == 1
    assert [type(act) for act in clinic.acts()].count(QueryReused) == 1
    clinic.stop()


@pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)
def test_killed_in_every_run_again_it_fails_after_three_and_stays_failed(clinic: Deployment) -> None:
    clinic.start("job sent")
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.died()
    for attempt in (1, 2, 3):
        clinic.launch("job sent")
        clinic.died()
        found = clinic.charge("key-7")
        assert found is not None
        assert (found.state, found.attempts) == (State.AUTHORIZED, attempt)
    clinic.start()
    answer = clinic.send(query(7))
    assert (answer.status, code_of(answer)) == (500, "service.failed")
    assert clinic.send(query(7)).body == answer.body
    assert clinic.spent() == 1
    assert released(clinic) == {}
    assert [act.cause for act in clinic.acts() if isinstance(act, QueryFailed)] == ["attempts"]


@pytest.mark.parametrize("order", [("licence", "suspend", "L1"), ("dataset", "withdraw", "clinic")], ids=" ".join)
def test_what_was_stopped_while_nobody_served_is_not_released_after(clinic: Deployment, order: tuple[str, ...]) -> None:
    clinic.start("job sent")
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.died()
    clinic.order(*order)
    clinic.start()
    clinic.until(lambda: (found := clinic.charge("key-7")) is not None and found.state is State.FAILED)
    assert [act.cause for act in clinic.acts() if isinstance(act, QueryFailed)] == ["withheld"]
    assert clinic.spent() == 1
    clinic.stop()


@pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)
def test_who_waited_for_the_charge_of_another_gets_its_answer_after_a_crash(clinic: Deployment) -> None:
    clinic.start("waiting for the tick", "wait")
    with clinic.asking(query(7, "first")) as go_on, clinic.asking(query(7, "second")) as again:
        clinic.until(lambda: clinic.charge("second") is not None)
        clinic.kill()
        for answer in (go_on, again):
            with pytest.raises(Gone):
                answer()
    clinic.start()
    bodies = {clinic.send(query(7, word)).body for word in ("second", "first", "third")}
    assert len(bodies) == 1
    assert clinic.spent() == 1
    assert list(released(clinic).values()) == [1]
    clinic.stop()


def test_a_copied_release_is_the_same_after_a_crash(clinic: Deployment) -> None:
    """Another licence pays for the answer that this one was given: run again, it is that answer and not a new one."""
    clinic.start()
    first = json.loads(clinic.send(query(7)).body)
    clinic.stop()
    clinic.start("waiting for the tick")
    with pytest.raises(Gone):
        clinic.send(query(7, "copy", person="wang", licence="L2"))
    clinic.died()
    clinic.start()
    copied = json.loads(clinic.send(query(7, "copy", person="wang", licence="L2")).body)
    assert (copied["digest"], copied["release"]) == (first["digest"], first["release"])
    assert (clinic.spent("L1"), clinic.spent("L2")) == (1, 1)
    clinic.stop()


def test_a_machine_too_busy_to_lower_costs_an_attempt_and_not_the_charge(clinic: Deployment) -> None:
    clinic.start("job sent")
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.died()
    clinic.start("lowering", "be busy")
    clinic.until(lambda: bool(released(clinic)))
    found = clinic.charge("key-7")
    assert found is not None
    assert (found.state, found.attempts) == (State.RELEASED, 2)
    clinic.stop()


def test_a_front_end_that_hangs_is_replaced(clinic: Deployment) -> None:
    clinic.start()
    assert clinic.send(query(6)).status == 200
    for child in clinic.children("query_gateway.sql"):
        os.kill(child, signal.SIGSTOP)
    assert code_of(clinic.send(query(7))) == "sql.too_complex"
    assert clinic.spent() == 1
    assert clinic.send(query(8)).status == 200
    clinic.stop()


@pytest.mark.parametrize("who", ["worker", "zygote"])
def test_a_worker_killed_at_its_job_is_replaced_and_the_job_run_again(clinic: Deployment, who: str) -> None:
    clinic.start("job sent", "wait")
    workers = clinic.confined()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with clinic.asking(query(7)) as go_on:
        for victim in workers if who == "worker" else clinic.zygotes():
            os.kill(victim, signal.SIGKILL)
        clinic.until(lambda: not any(map(lives, workers)))
        answer = go_on()
    assert answer.status == 200
    found = clinic.charge("key-7")
    assert found is not None
    assert found.attempts == 1
    assert clinic.spent() == 1
    clinic.stop()


@pytest.mark.parametrize("who", ["workers", "zygote", "front ends"])
def test_what_is_killed_while_idle_is_replaced_at_no_ones_cost(clinic: Deployment, who: str) -> None:
    clinic.start()
    assert {answer.status for answer in clinic.send_all([query(number) for number in range(1, 5)])} == {200}
    workers = clinic.confined()
    victims = {"workers": workers, "zygote": clinic.zygotes()}.get(who, clinic.children("query_gateway.sql"))
    assert workers
    assert victims
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    ending = [*victims, *workers] if who == "zygote" else victims
    clinic.until(lambda: not any(map(lives, ending)))
    answer = clinic.send(query(7))
    assert answer.status == 200
    found = clinic.charge("key-7")
    assert found is not None
    assert found.attempts == 0
    clinic.stop()


def test_a_gateway_killed_while_a_query_runs_costs_nobody_the_answer(clinic: Deployment) -> None:
    """The caller is gone, the charge is not: the same idempotency key gets its answer."""
    clinic.start("waiting for the tick", "wait")
    gateway = clinic.gateway()
    with clinic.asking(query(7), gateway.send) as go_on:
        gateway.kill()
        with pytest.raises(Gone):
            go_on()
    answer = clinic.send(query(7))
    assert answer.status == 200
    assert clinic.spent() == 1
    clinic.stop()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_after_the_charge_is_one_and_the_same_answer(clinic: Deployment, fault: str) -> None:
    clinic.start(fault, "fail")
    answer = clinic.send(query(7))
    assert (answer.status, code_of(answer)) == (500, "service.failed")
    found = clinic.charge("key-7")
    assert found is not None
    assert json.loads(answer.body) == {"code": "service.failed", "detail": {}, "id": found.id}
    assert answer.headers == ()
    assert (found.state, found.attempts) == (State.FAILED, 0)
    assert clinic.send(query(7)).body == answer.body
    assert clinic.spent() == 1
    assert [act.cause for act in clinic.acts() if isinstance(act, QueryFailed)] == ["incident"]
    assert "secret" not in clinic.said
    clinic.stop()


def test_a_failed_query_ends_in_its_time_class_and_the_third_suspends_the_licence(clinic: Deployment) -> None:
    clinic.configure(row_nanoseconds=200_000)  # 5,000 declared rows: 1 s, so that the class is 1,280 ms
    clinic.start("deadline", "fail")
    answers = clinic.send_all([query(number) for number in (1, 2, 3)])
    assert [code_of(answer) for answer in answers] == ["service.failed"] * 3
    for number in (1, 2, 3):
        found = clinic.charge(f"key-{number}")
        assert found is not None
        assert found.finished_at is not None
        assert found.finished_at - found.authorized_at >= 1280
    assert code_of(clinic.send(query(4))) == "licence.suspended"
    assert len([act for act in clinic.acts() if isinstance(act, LicenceSuspended)]) == 1
    assert clinic.spent() == 3
    clinic.stop()


def test_a_charge_left_by_another_policy_fails_and_stands(clinic: Deployment) -> None:
    clinic.start("job sent")
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.died()
    rules = clinic.path / "policy" / "rules"
    rules.mkdir()
    own = Path(sys.modules["policies"].__path__[0]) / "rules"
    for file in own.iterdir():
        (rules / file.name).write_bytes(file.read_bytes())
    (rules / "closed.cedar").write_text(
        '@id("closed")\n@refusal("policy.denied")\nforbid (principal, action == Action::"query", resource);\n'
    )
    clinic.start()
    clinic.until(lambda: (found := clinic.charge("key-7")) is not None and found.state is State.FAILED)
    assert code_of(clinic.send(query(7))) == "policy.denied"
    assert clinic.spent() == 1
    assert released(clinic) == {}
    clinic.stop()


@pytest.mark.parametrize("name", ["people gone", "another price"])
def test_a_charge_that_this_build_cannot_run_again_fails_and_stands(clinic: Deployment, name: str) -> None:
    clinic.start("job sent")
    with pytest.raises(Gone):
        clinic.send(query(7))
    clinic.died()
    clinic.start(name, "fail")
    clinic.until(lambda: (found := clinic.charge("key-7")) is not None and found.state is State.FAILED)
    assert clinic.spent() == 1
    assert released(clinic) == {}
    clinic.stop()


@pytest.mark.parametrize("stuck", ["full", "read-only", "file size"])
def test_a_database_that_takes_no_writes_is_said_and_loses_nothing(clinic: Deployment, stuck: str) -> None:
    clinic.start("waiting for the tick", "wait")
    with clinic.asking(query(7)) as go_on, clinic.stuck(stuck):
        clinic.until(lambda: clinic.send(signed("GET", "/v1/licences")).status == 503)  # a full one has room for a few
        answer = go_on()
        assert answer.status == (200 if released(clinic) else 202)
        refused = clinic.send(query(20))
        assert (refused.status, code_of(refused)) == (503, "service.storage")
        assert clinic.health() == "storage"
        assert "OperationalError" in clinic.said
    assert clinic.spent() == 1
    assert clinic.send(query(7)).status == 200
    assert clinic.health() == "ok"
    assert clinic.spent() == 1
    assert clinic.send(query(20)).status == 200
    assert clinic.spent() == 2
    clinic.audit()
    clinic.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_answers_what_runs_and_every_process_ends(clinic: Deployment, number: int) -> None:
    clinic.start("waiting for the tick", "wait")
    with clinic.asking(query(7)) as go_on:
        for _ in range(3):
            os.kill(clinic.pid, number)
        clinic.until(lambda: not clinic.answers())
        answer = go_on()
    assert answer.status == 200
    clinic.ended(0)
    assert not (clinic.path / "s").exists()
    assert isinstance(clinic.acts()[-1], ServiceStopped)
    assert "Traceback" not in clinic.said
    clinic.start()
    assert isinstance(clinic.acts()[-1], ServiceStarted)
    assert clinic.send(query(7)).body == answer.body
    clinic.stop()


def second_is_refused(clinic: Deployment) -> None:
    """Beside the one that serves, another does not start."""
    first = clinic.pid
    clinic.launch()
    clinic.until(lambda: clinic.status is not None)
    assert clinic.status == 1
    assert "state.busy" in clinic.said
    clinic.pid = first


def test_a_state_folder_is_served_once(clinic: Deployment) -> None:
    clinic.start()
    second_is_refused(clinic)
    commands.backup(clinic.state, clinic.path.parent / "copy", clinic.path.parent / "key")
    assert clinic.send(query(7)).status == 200
    clinic.kill()
    assert (clinic.path / "s").exists()  # a socket that nobody serves
    clinic.start()
    assert clinic.send(query(7)).status == 200
    clinic.stop()


def ends(answer: HttpAnswer) -> str:
    return str(json.loads(answer.body)["state"])


def test_who_does_not_wait_finds_the_answer_later(clinic: Deployment) -> None:
    clinic.start("waiting for the tick", "wait")
    with clinic.asking(query(7, wait=False)) as go_on:
        running = go_on()
    assert (running.status, ends(running)) == (202, "authorized")
    path = dict(running.headers)["location"]
    clinic.until(lambda: clinic.send(signed("GET", path)).status == 200)
    clinic.stop()
