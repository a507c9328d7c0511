"""The same request again: retries by idempotency key, repeats by identity, and another licence's copy (rule 8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.audit.records import AccountKind, Amounts
from sandbox.errors import Fault
from sandbox.ledger.charges import (
    Charge,
    State,
    find_by_idempotency_key,
    find_charge,
    lines,
    pending,
)
from sandbox.ledger.outcomes import Authorized, Existing, Released
from sandbox.registry import acts
from tests.support.ledger_world import DELTA, RHO, World, charge_of, code_of, open_world


@pytest.fixture
def world(tmp_path: Path, ledger: str) -> Iterator[World]:
    with open_world(tmp_path, ledger) as opened:
        yield opened
        assert opened.audit().findings == ()


def stored(world: World, charge: str) -> Charge:
    found = world.read(lambda connection: find_charge(connection, charge))
    assert found is not None
    return found


def test_the_same_idempotency_key_returns_the_end_state(world: World) -> None:
    charge = charge_of(world.ask("q", idempotency="k"))
    running = world.ask("q", idempotency="k").outcome
    assert isinstance(running, Existing)
    assert (running.charge.id, running.charge.state, running.releases) == (charge, State.AUTHORIZED, ())
    world.release(charge, b"answer")
    ended = world.ask("q", idempotency="k").outcome
    assert isinstance(ended, Existing)
    assert ([each.body for each in ended.releases], ended.repeat) == ([b"answer"], False)
    assert world.spent()["licence:L1"] == 1
    found = world.read(lambda c: find_by_idempotency_key(c, "li", "k"))
    assert found == stored(world, charge)


def test_the_same_idempotency_key_returns_a_failure(world: World) -> None:
    world.fail(charge_of(world.ask("q", idempotency="k")))
    again = world.ask("q", idempotency="k").outcome
    assert isinstance(again, Existing)
    assert (again.charge.state, again.releases) == (State.FAILED, ())


def test_the_same_idempotency_key_with_another_body_is_a_conflict(world: World) -> None:
    world.ask("q", idempotency="k")
    assert code_of(world.ask("other", idempotency="k")) == "request.idempotency_conflict"
    assert isinstance(world.ask("other", idempotency="k", person="wang").outcome, Authorized)


def test_a_repeat_under_the_same_licence_is_free(world: World) -> None:
    """Rule 8."""
    charge = charge_of(world.ask("q"))
    world.release(charge, b"answer")
    request = world.request("q", person="wang")
    logged = world.authorize(request)
    assert isinstance(logged.outcome, Existing)
    assert [each.body for each in logged.outcome.releases] == [b"answer"]
    assert (logged.outcome.repeat, logged.outcome.charge.id) == (True, charge)
    assert world.spent() == {"dataset:health": 1, "domain:patients": 1, "licence:L1": 1, "licence:L2": 0}
    repeat = stored(world, request.id)
    assert (repeat.state, repeat.follows, repeat.final_leaf) == (State.RELEASED, charge, logged.leaf)
    again = world.ask("q", person="wang", idempotency=request.idempotency_key).outcome
    assert isinstance(again, Existing)
    assert again.releases == logged.outcome.releases
    assert world.read(lambda c: lines(c, request.id)) == ()


@pytest.mark.parametrize("released", [True, False])
def test_a_repeat_of_a_charge_on_its_way_ends_with_it(world: World, released: bool) -> None:
    charge = charge_of(world.ask("q"))
    request = world.request("q")
    waiting = world.authorize(request).outcome
    assert isinstance(waiting, Existing)
    assert (waiting.charge.id, waiting.releases, waiting.repeat) == (charge, (), True)
    assert [one.id for one in world.read(pending)] == [charge]
    ended = world.release(charge) if released else world.fail(charge)
    found = stored(world, request.id)
    assert (found.state, found.final_leaf) == (State.RELEASED if released else State.FAILED, ended.leaf)
    assert world.spent()["licence:L1"] == 1


def test_another_licence_pays_for_itself_alone_and_copies_the_release(world: World) -> None:
    """Rule 8."""
    world.release(charge_of(world.ask("q")), b"answer")
    logged = world.ask("q", licence="L2")
    assert isinstance(logged.outcome, Authorized)
    assert [each.body for each in logged.outcome.copies] == [b"answer"]
    assert world.spent() == {"dataset:health": 1, "domain:patients": 1, "licence:L1": 1, "licence:L2": 1}
    charge = charge_of(logged)
    assert [one.id for one in world.read(pending)] == [charge]
    with pytest.raises(Fault):
        world.release(charge, b"another answer")
    assert isinstance(world.release(charge, b"answer"), Released)


def test_another_licence_copies_nothing_where_a_fresh_query_would_be_refused(world: World) -> None:
    """Rule 8: what others asked must not show."""
    world.release(charge_of(world.ask("q")))
    world.act(acts.limit_account, AccountKind.DATASET, "health", Amounts(RHO, DELTA, None))
    assert code_of(world.ask("q", licence="L2")) == code_of(world.ask("new", licence="L2")) == "budget.exhausted"
