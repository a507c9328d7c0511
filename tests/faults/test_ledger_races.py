"""Many at once, and killed in between: never more than the budget, never an answer without its charge."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.errors import Refusal
from sandbox.ledger.charges import State, find_charge, find_releases, pending
from sandbox.ledger.outcomes import Authorized, ChargeRequest, Existing, Logged, Released
from tests.support.ledger_world import World, charge_of, code_of, open_world

MANY = 200


@pytest.fixture
def world(tmp_path: Path, ledger: str) -> Iterator[World]:
    with open_world(tmp_path, ledger) as opened:
        yield opened
        assert opened.audit().findings == ()


def at_once(world: World, requests: list[ChargeRequest]) -> list[Logged]:
    with ThreadPoolExecutor(32) as threads:
        return list(threads.map(world.authorize, requests))


def test_of_200_distinct_requests_against_a_budget_for_10_exactly_10_are_charged(world: World) -> None:
    outcomes = at_once(world, [world.request(f"q{number}") for number in range(MANY)])
    charged = [one for one in outcomes if isinstance(one.outcome, Authorized)]
    assert len(charged) == 10
    refused = [one for one in outcomes if one not in charged]
    assert Counter(code_of(one) for one in refused) == {"budget.exhausted": MANY - 10}
    assert world.spent() == {"dataset:health": 10, "domain:patients": 10, "licence:L1": 10, "licence:L2": 0}
    assert len({one.leaf for one in outcomes}) == MANY


@pytest.mark.parametrize("idempotency", ["one", None])
def test_200_identical_requests_are_one_charge_and_one_release(world: World, idempotency: str | None) -> None:
    outcomes = at_once(world, [world.request("q", idempotency=idempotency) for _ in range(MANY)])
    (charged,) = [one for one in outcomes if isinstance(one.outcome, Authorized)]
    others = [one.outcome for one in outcomes if isinstance(one.outcome, Existing)]
    assert len(others) == MANY - 1
    assert {one.charge.id for one in others} == {charge_of(charged)}
    assert world.spent()["licence:L1"] == 1
    assert isinstance(world.release(charge_of(charged), b"answer"), Released)
    again = world.ask("q", idempotency=idempotency or "late").outcome
    assert isinstance(again, Existing)
    assert [each.body for each in again.releases] == [b"answer"]


def test_200_replays_of_one_signature_act_once(world: World) -> None:
    request = world.request("q")

    def replay(_: int) -> str:
        try:
            return type(world.authorize(request).outcome).__name__
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(32) as threads:
        assert Counter(threads.map(replay, range(MANY))) == {"Authorized": 1, "identity.replayed": MANY - 1}


def test_runs_that_race_to_release_one_charge_leave_one_release(world: World) -> None:
    charge = charge_of(world.ask("q"))
    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(lambda number: world.release(charge, b"answer %d" % number), range(20)))
    assert len(set(ends)) == 1


KILLED = """
import os, sys
from pathlib import Path
from unittest import mock
from sandbox.ledger import writer
from sandbox.ledger.transactions import authorize, release
from tests.support.ledger_world import NOW, World, charge_of, leaf_of

def die(*_):
    os._exit(9)

url, step, act = sys.argv[2:]
world = World(Path(sys.argv[1]), url, first=1)
charge = charge_of(world.ask("q", idempotency="before"))
request = world.request("killed", idempotency="killed")

def transaction(connection):
    if act == "authorize":
        authorize(connection, request, lambda outcome: leaf_of(request, outcome))
    else:
        release(connection, charge, (b"answer",), NOW + 1, ())
    if step == "before the commit":
        die()

if step == "before the checkpoint":
    writer.sign_checkpoint = die
answer = world.writer.submit(transaction)
if step == "before the answer":
    answer.set_result = die
answer.result()
"""


@pytest.mark.parametrize(
    ("step", "committed"),
    [("before the commit", False), ("before the checkpoint", True), ("before the answer", True)],
)
@pytest.mark.parametrize("act", ["authorize", "release"])
def test_killed_around_the_commit_a_charge_and_its_leaf_stand_together_or_not_at_all(
    tmp_path: Path, ledger: str, act: str, step: str, committed: bool
) -> None:
    with open_world(tmp_path, ledger):
        pass
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), ledger, step, act], check=False, timeout=120)
    assert killed.returncode == 9
    world = World(tmp_path, ledger, first=100)
    try:
        last = world.ask("next", idempotency="next")
        assert isinstance(last.outcome, Authorized)
        report = world.audit()
        assert report.findings == ()
        waiting = {one.idempotency_key: one for one in world.read(pending)}
        if act == "authorize":
            assert world.spent()["licence:L1"] == (3 if committed else 2)
            assert ("killed" in waiting) == committed
            again = world.ask("killed", idempotency="killed").outcome
            assert isinstance(again, Existing if committed else Authorized)
        else:
            assert ("before" in waiting) == (not committed)
            assert report.counts.get("query.released", 0) == (1 if committed else 0)
            assert world.spent()["licence:L1"] == 2
            retried = world.ask("q", idempotency="before").outcome
            assert isinstance(retried, Existing)
            found = world.read(lambda c: find_charge(c, retried.charge.id))
            assert found is not None
            assert found.state is (State.RELEASED if committed else State.AUTHORIZED)
            assert bool(world.read(lambda c: find_releases(c, found.id))) == committed
    finally:
        world.close()
