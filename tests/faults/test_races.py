"""Many at once against a real sandbox: never more than the budget, one charge for one query, one act for one nonce."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from sandbox.audit.entry import QueryAuthorized, QueryFailed, QueryReleased
from sandbox.audit.registry_acts import LicenceResumed, LicenceSuspended
from sandbox.ledger.charges import State
from tests.support.processes import Deployment, code_of, query

MANY = 200
ON_BOTH = pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)


@ON_BOTH
def test_of_200_distinct_requests_against_a_budget_for_10_exactly_10_are_answered(clinic: Deployment) -> None:
    clinic.start()
    answers = clinic.send_all([query(number) for number in range(1, MANY + 1)])
    assert Counter((answer.status, code_of(answer)) for answer in answers) == {
        (200, None): 10,
        (409, "budget.exhausted"): MANY - 10,
    }
    assert len({json.loads(answer.body)["id"] for answer in answers if answer.status == 200}) == 10
    assert clinic.spent() == 10
    clinic.stop()
    assert clinic.audit().counts["query.released"] == 10


@ON_BOTH
@pytest.mark.parametrize("idempotency", ["one", "its own"])
def test_200_identical_requests_are_one_charge_one_release_and_equal_bodies(
    clinic: Deployment, idempotency: str
) -> None:
    clinic.start()
    keys = ["same" if idempotency == "one" else f"key-{number}" for number in range(MANY)]
    answers = clinic.send_all([query(7, key) for key in keys])
    assert Counter(answer.status for answer in answers) == {200: MANY}
    assert len({answer.body for answer in answers}) == 1
    assert Counter(dict(answer.headers).get("vitrine-repeat") for answer in answers) == {None: 1, "true": MANY - 1}
    assert clinic.spent() == 1
    counts = clinic.audit().counts
    assert counts["query.authorized"] == counts["query.released"] == 1


@ON_BOTH
def test_200_replays_of_the_same_bytes_are_one_act(clinic: Deployment) -> None:
    clinic.start()
    before = len(clinic.acts())
    answers = clinic.send_all([query(7)] * MANY)
    assert Counter((answer.status, code_of(answer)) for answer in answers) == {
        (200, None): 1,
        (401, "identity.replayed"): MANY - 1,
    }
    assert clinic.spent() == 1
    assert len(clinic.acts()) - before == 2  # authorized, released


def test_two_licences_that_ask_the_same_at_once_pay_each_for_itself(clinic: Deployment) -> None:
    clinic.start()
    asked = [
        query(7, f"key-{number}", licence=f"L{1 + number % 2}", person=("li", "wang")[number % 2])
        for number in range(40)
    ]
    answers = clinic.send_all(asked)
    assert Counter(answer.status for answer in answers) == {200: 40}
    assert (clinic.spent("L1"), clinic.spent("L2")) == (1, 1)


@ON_BOTH
def test_a_suspension_by_another_process_withholds_what_is_on_its_way(clinic: Deployment) -> None:
    clinic.start("waiting for the tick", "wait")
    with clinic.asking(query(7)) as go_on:
        clinic.order("licence", "suspend", "L1")
        answer = go_on()
    assert (answer.status, code_of(answer)) == (500, "service.failed")
    assert code_of(clinic.send(query(8))) == "licence.suspended"
    found = clinic.charge("key-7")
    assert found is not None
    assert found.state is State.FAILED
    assert clinic.spent() == 1
    said = clinic.acts()
    suspended = next(index for index, act in enumerate(said) if isinstance(act, LicenceSuspended))
    assert not any(isinstance(act, QueryReleased) for act in said[suspended:])
    assert any(isinstance(act, QueryFailed) and act.cause == "withheld" for act in said[suspended:])


@ON_BOTH
def test_suspensions_amid_a_stream_of_queries_come_before_every_later_charge_and_release(clinic: Deployment) -> None:
    clinic.start()
    orders = [clinic.ordering("licence", "suspend", "L1") for _ in range(2)]
    answers = clinic.send_all([query(number) for number in range(1, 61)])
    assert sorted(order.wait() for order in orders) == [0, 1]  # suspended once
    answers += [clinic.send(query(100))]
    assert code_of(answers[-1]) == "licence.suspended"
    allowed = {None, "budget.exhausted", "licence.suspended", "service.failed"}
    assert {code_of(answer) for answer in answers} <= allowed
    said = clinic.acts()
    (suspended,) = (index for index, act in enumerate(said) if isinstance(act, LicenceSuspended))
    assert not any(isinstance(act, QueryAuthorized | QueryReleased) for act in said[suspended:])


@ON_BOTH
def test_operators_at_two_terminals_while_queries_run_leave_one_whole_log(clinic: Deployment) -> None:
    clinic.start()
    before = len(clinic.acts())
    orders = [clinic.ordering("institution", "add", "--id", f"i{number}", "--name", "I") for number in range(2)]
    answered = 0
    while any(order.poll() is None for order in orders):
        answers = clinic.send_all([query(7, f"key-{answered + number}") for number in range(20)])
        assert Counter(answer.status for answer in answers) == {200: 20}
        answered += 20
    assert [order.returncode for order in orders] == [0, 0]
    assert len(clinic.acts()) - before == answered + 1 + 2  # a leaf each, the release, the operators'


def test_a_licence_resumed_is_in_force_again(clinic: Deployment) -> None:
    clinic.start()
    clinic.order("licence", "suspend", "L1")
    assert code_of(clinic.send(query(7))) == "licence.suspended"
    clinic.order("licence", "resume", "L1")
    assert clinic.send(query(7)).status == 200
    kinds = [type(act) for act in clinic.acts()]
    assert kinds.index(LicenceSuspended) < kinds.index(LicenceResumed) < kinds.index(QueryAuthorized)


def test_a_flood_of_silent_connections_takes_no_more_than_the_places_there_are(clinic: Deployment) -> None:
    clinic.start()
    before = clinic.descriptors()  # the connection that asked whether it is ready may still be among them
    held = [clinic.connect() for _ in range(300)]
    clinic.until(lambda: clinic.descriptors() >= before + 31)
    assert clinic.descriptors() < before + 64
    for connection in held[:290]:
        connection.close()
    assert clinic.send(query(7)).status == 200
    clinic.stop()
    for connection in held[290:]:
        connection.close()
