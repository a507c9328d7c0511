"""Limits on how much a person and an institution ask: what is counted, what is refused, what the log says of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from sandbox.audit.entry import Entry, Limited
from sandbox.audit.records import Actor
from sandbox.confinement.machine import found as layers
from sandbox.errors import Refusal
from sandbox.frontend import Frontend
from sandbox.serving.admission import Admission
from sandbox.serving.frames import HttpAnswer
from sandbox.workers.job import Job, Parts, Rows, Side
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.records import Records

SECOND = 1_000_000_000
RECORDS = Records((("1", "女", "1937", "27182.81", "A"),), (), ())
COUNT = query("SELECT COUNT(*) FROM persons", {"epsilon": "0.25"})
WRONG = query("SELECT income FROM persons", {"epsilon": "0.25"})
LI, WANG, MALLORY = (
    Actor(institution, person, "k")
    for person, institution in (("li", "clinic"), ("wang", "clinic"), ("mallory", "elsewhere"))
)


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("admission"), RECORDS, lambda _: Frontend(1, layers())) as found:
        yield found


@contextmanager
def limited(shared: BrokerWorld, clock: Clock, **limits: Any) -> Iterator[BrokerWorld]:
    """The world behind a door with these limits."""
    settings = replace(shared.broker.settings, **limits)
    yield replace(shared, door=replace(shared.door, admission=Admission(settings, clock)))


def code(answer: HttpAnswer) -> str | None:
    return str(json.loads(answer.body).get("code")) if answer.status >= 400 else None


def acts(world: BrokerWorld, since: int) -> list[Entry]:
    return world.entries()[since:]


ANYTHING = {
    "a query": (COUNT, "/v1/queries"),
    "an estimate": (COUNT, "/v1/estimates"),
    "a query that is refused": (WRONG, "/v1/queries"),
    "a body that is none": (b"{", "/v1/queries"),
    "no route": (None, "/v1/nothing"),
    "the catalogue": (None, "/v1/catalogue"),
    "the licences": (None, "/v1/licences"),
    "the history": (None, "/v1/queries"),
    "a poll": (None, f"/v1/queries/{'0' * 32}"),
    "the checkpoint": (None, "/v1/audit/checkpoint"),
    "the log, which li may not read": (None, "/v1/audit/entries"),
}


@pytest.mark.parametrize("case", ANYTHING)
def test_everything_is_counted(shared: BrokerWorld, case: str) -> None:
    """What costs nothing too: the second request of the minute is turned away, whatever it is."""
    body, path = ANYTHING[case]
    with limited(shared, Clock(), person_requests_per_minute=1) as world:
        first = world.ask(body, path)
        spent = world.spent()
        second = world.ask(body, path)
    assert code(first) != "limit.person_rate"
    assert (second.status, code(second)) == (429, "limit.person_rate")
    assert dict(second.headers) == {"retry-after": "60"}
    assert world.spent() == spent


def test_a_repeat_and_a_retry_are_counted(shared: BrokerWorld) -> None:
    with limited(shared, Clock(), person_requests_per_minute=3) as world:
        answers = [world.ask(COUNT, idempotency=key) for key in ("one", "two", "two", "two")]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]


def test_a_token_comes_back_with_time(shared: BrokerWorld) -> None:
    clock = Clock()
    with limited(shared, clock, person_requests_per_minute=4) as world:
        assert [world.ask(None, "/v1/licences").status for _ in range(5)] == [200] * 4 + [429]
        clock.now += 14 * SECOND
        refused = world.ask(None, "/v1/licences")
        assert (refused.status, dict(refused.headers)["retry-after"]) == (429, "1")
        clock.now += SECOND
        assert world.ask(None, "/v1/licences").status == 200


def test_an_institution_is_counted_over_its_people(shared: BrokerWorld) -> None:
    with limited(shared, Clock(), institution_requests_per_minute=3) as world:
        people = ("li", "wang", "li", "wang")
        answers = [world.ask(None, "/v1/licences", person=person) for person in people]
    assert [code(answer) for answer in answers] == [None, None, None, "limit.institution_rate"]


def test_no_institution_learns_of_another(shared: BrokerWorld) -> None:
    """Whatever the others do, the same requests are let in and turned away, with the same words."""
    told = []
    for busy in (False, True):
        with limited(shared, Clock(), person_requests_per_minute=3, institution_requests_per_minute=5) as world:
            answers = []
            for _ in range(5):
                if busy:
                    for person in ("li", "wang", "li", "wang"):
                        world.ask(None, "/v1/licences", person=person)
                answers.append(world.ask(None, "/v1/licences", person="mallory"))
            told.append([(each.status, code(each), each.headers) for each in answers])
    assert told[0] == told[1]
    assert [status for status, _, _ in told[0]] == [200, 200, 200, 429, 429]


def test_a_flood_leaves_one_entry_a_minute(shared: BrokerWorld) -> None:
    """A request that is turned away uses up no nonce and writes no leaf, but for the first of a minute, which says how
    many there were before it."""
    clock = Clock()
    with limited(shared, clock, person_requests_per_minute=1) as world:
        assert world.ask(None, "/v1/licences").status == 200
        since = len(world.entries())
        refused = [world.signed(None, "/v1/licences") for _ in range(40)]
        assert {world.door.handle(each).status for each in refused} == {429}
        [said] = acts(world, since)
        assert said.act == Limited("limit.person_rate", 0)
        assert said.header.actor is not None
        assert said.header.actor.person == "li"
        assert world.ask(None, "/v1/licences", person="wang").status == 200
        assert world.ask(None, "/v1/licences", person="wang").status == 429
        assert [each.act for each in acts(world, since + 2)] == [Limited("limit.person_rate", 0)]
        clock.now += 60 * SECOND
        assert world.door.handle(refused[-1]).status == 200  # its nonce was not used up
        assert code(world.door.handle(refused[0])) == "identity.replayed"  # that of the one in the log was
        assert world.ask(None, "/v1/licences").status == 429
        assert acts(world, since + 4)[-1].act == Limited("limit.person_rate", 40)  # 39, and the replayed one


def test_a_log_that_cannot_be_written_forgets_none(shared: BrokerWorld) -> None:
    clock = Clock()
    admission = Admission(shared.broker.settings, clock)
    assert admission.turned_away(LI) == 0
    assert admission.turned_away(LI) is None
    clock.now = 60 * SECOND
    assert admission.turned_away(LI) == 1
    admission.unsaid(LI, 2)
    assert admission.turned_away(LI) == 2
    assert admission.turned_away(LI) is None


def test_strangers_are_bounded_before_their_signature_is_looked_at(shared: BrokerWorld) -> None:
    """Requests of nobody too: no key is looked up, no signature computed."""
    clock = Clock()
    asked: list[str] = []

    class Registry:
        def signer(self, key: str) -> None:
            asked.append(key)

    with limited(shared, clock, requests_per_second=5) as world:
        decisions = replace(world.broker.decisions, registry=Registry())  # type: ignore[arg-type]
        door = replace(world.door, broker=replace(world.broker, decisions=decisions))
        since = len(world.entries())
        answers = [door.handle(world.signed(COUNT, person="nobody")) for _ in range(20)]
        assert [code(each) for each in answers] == ["identity.unknown_key"] * 5 + ["service.busy"] * 15
        assert len(asked) == 5
        assert dict(answers[-1].headers) == {"retry-after": "1"}
        assert acts(world, since) == []
        clock.now += SECOND
        assert world.ask(None, "/v1/licences").status == 200


def entered(admission: Admission, actor: Actor) -> str | None:
    """The code that this person is turned away with."""
    try:
        admission.enter(actor)
    except Refusal as refusal:
        return refusal.code if refusal.after else "no time to wait"
    return None


def places(shared: BrokerWorld, person: int, institution: int) -> Admission:
    settings = shared.broker.settings
    return Admission(
        replace(settings, person_requests_at_once=person, institution_requests_at_once=institution), Clock()
    )


def test_places_are_of_the_person_and_of_the_institution(shared: BrokerWorld) -> None:
    admission = places(shared, 2, 3)
    assert [entered(admission, LI) for _ in range(3)] == [None, None, "limit.person_places"]
    assert [entered(admission, WANG) for _ in range(2)] == [None, "limit.institution_places"]
    assert [entered(admission, MALLORY) for _ in range(3)] == [None, None, "limit.person_places"]
    admission.leave(LI)
    assert [entered(admission, WANG) for _ in range(2)] == [None, "limit.person_places"]
    assert entered(admission, LI) == "limit.institution_places"
    for actor in (LI, WANG, WANG, MALLORY, MALLORY):
        admission.leave(actor)
    assert [entered(admission, LI) for _ in range(3)] == [None, None, "limit.person_places"]


def test_places_are_never_more_under_threads(shared: BrokerWorld) -> None:
    admission = places(shared, 5, 7)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: entered(admission, LI if number % 2 else WANG), range(200)))
    assert found.count(None) == 7


def test_a_refused_request_takes_no_token(shared: BrokerWorld) -> None:
    settings = replace(shared.broker.settings, person_requests_per_minute=3, person_requests_at_once=1)
    admission = Admission(settings, Clock())
    assert [entered(admission, LI) for _ in range(20)] == [None] + ["limit.person_places"] * 19
    admission.leave(LI)
    assert entered(admission, LI) is None


def test_a_charge_that_goes_on_keeps_its_place(shared: BrokerWorld) -> None:
    """Answers that nobody waits for are work under way, until they are there."""
    gate = threading.Event()

    def slow(parts: Parts, side: Side, job: Job) -> Rows:
        assert gate.wait(60)
        return shared.engine(parts, side, job)

    def later(world: BrokerWorld, spend: str) -> HttpAnswer:
        request = world.signed(query("SELECT COUNT(*) FROM visits", {"epsilon": spend}))
        return world.door.handle(replace(request, headers=(*request.headers, ("prefer", "respond-async"))))

    runs = replace(shared.broker.runs, run=slow)
    gated = replace(shared, door=replace(shared.door, broker=replace(shared.broker, runs=runs)))
    with limited(gated, Clock(), person_requests_at_once=2) as world:
        try:
            answers = [later(world, f"0.{number}") for number in range(1, 5)]
            assert [code(each) for each in answers] == [None, None, "limit.person_places", "limit.person_places"]
            charged = [json.loads(each.body)["id"] for each in answers[:2]]
            assert code(world.ask(None, "/v1/licences")) == "limit.person_places"
            assert world.ask(None, "/v1/licences", person="wang").status == 200
        finally:
            gate.set()
        for charge in charged:
            runs.under_way.wait(charge)
        assert world.ask(None, f"/v1/queries/{charged[0]}").status == 200
        assert later(world, "0.1").status == 200  # a repeat of what has ended
        assert [world.ask(None, "/v1/licences").status for _ in range(5)] == [200] * 5
