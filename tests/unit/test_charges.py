"""A charge's life, its refusals, retries, repeats and recovery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.audit.entry import Read
from sandbox.audit.records import AccountKind, Amounts
from sandbox.errors import Fault, Refusal
from sandbox.keys import key_id
from sandbox.ledger import transactions
from sandbox.ledger.charges import (
    Charge,
    State,
    find_charge,
    find_releases,
    history,
    lines,
    pending,
    snapshots_of,
)
from sandbox.ledger.outcomes import Authorized, Failed, Leaf, Released
from sandbox.privacy.loss import Loss, pure
from sandbox.registry import acts
from tests.support.ledger_world import (
    CARD,
    DELTA,
    KEYS,
    NOW,
    PEOPLE,
    RHO,
    YEAR,
    World,
    charge_of,
    code_of,
    issue,
    licence_file,
    open_world,
    sha,
)


@pytest.fixture
def world(tmp_path: Path, ledger: str) -> Iterator[World]:
    with open_world(tmp_path, ledger) as opened:
        yield opened
        assert opened.audit().findings == ()


def stored(world: World, charge: str) -> Charge:
    found = world.read(lambda connection: find_charge(connection, charge))
    assert found is not None
    return found


def test_a_charge_is_taken_from_three_accounts_and_says_their_balances(world: World) -> None:
    logged = world.ask("q")
    assert isinstance(logged.outcome, Authorized)
    assert [line.account for line in logged.outcome.accounts] == ["dataset:health", "domain:patients", "licence:L1"]
    assert all(line.spent == Amounts(RHO, DELTA, None) for line in logged.outcome.accounts)
    assert world.spent() == {"dataset:health": 1, "domain:patients": 1, "licence:L1": 1, "licence:L2": 0}
    charge = charge_of(logged)
    assert [line.account for line in world.read(lambda c: lines(c, charge))] == [
        "dataset:health",
        "domain:patients",
        "licence:L1",
    ]
    assert world.read(lambda c: snapshots_of(c, charge)) == (("health", sha("snapshot")),)
    assert [one.id for one in world.read(pending)] == [charge]
    assert stored(world, charge).request == b"q"


def test_a_release_is_stored_with_its_leaf_and_never_replaced(world: World) -> None:
    charge = charge_of(world.ask("q"))
    first = world.release(charge, b"one")
    assert isinstance(first, Released)
    assert world.release(charge, b"two") == first
    found = stored(world, charge)
    assert (found.state, found.final_leaf, found.finished_at) == (State.RELEASED, first.leaf, NOW + 1)
    assert [each.body for each in world.read(lambda c: find_releases(c, charge))] == [b"one"]
    assert world.read(pending) == ()


def test_a_failure_refunds_nothing(world: World) -> None:
    charge = charge_of(world.ask("q"))
    assert isinstance(world.fail(charge), Failed)
    assert stored(world, charge).state is State.FAILED
    assert world.spent()["licence:L1"] == 1
    with pytest.raises(Fault):
        world.release(charge)
    with pytest.raises(Fault):
        world.fail(charge)


def test_a_failed_charge_does_not_answer_the_same_query(world: World) -> None:
    world.fail(charge_of(world.ask("q")))
    assert isinstance(world.ask("q").outcome, Authorized)


def test_a_nonce_acts_once_and_only_for_its_key(world: World) -> None:
    nonce = world.nonce("li", "n")
    world.authorize(world.request("q", nonce=nonce))
    size = world.audit().size
    with pytest.raises(Refusal):
        world.authorize(world.request("q2", nonce=nonce))
    with pytest.raises(Refusal) as refused:
        world.do(lambda c: transactions.note(c, nonce, world.header(NOW, "li", "n"), Leaf(Read("catalogue", None))))
    assert refused.value.code == "identity.replayed"
    assert world.audit().size == size
    world.authorize(world.request("q3", nonce=world.nonce("wang", "n"), person="wang"))


def test_a_note_is_one_leaf(world: World) -> None:
    nonce = world.nonce()
    before = world.audit().size
    leaf = world.do(
        lambda c: transactions.note(c, nonce, world.header(NOW, "li", nonce.value), Leaf(Read("catalogue", None)))
    )
    assert (leaf, world.audit().size) == (before, before + 1)


@pytest.mark.parametrize(("kind", "name"), [("licence", "L1"), ("dataset", "health"), ("domain", "patients")])
def test_an_exhausted_account_is_named_and_no_account_is_charged(world: World, kind: str, name: str) -> None:
    limit = Amounts(RHO - 1, DELTA, None)
    world.act(acts.limit_account, AccountKind(kind), name, limit)
    logged = world.ask("q")
    assert code_of(logged) == "budget.exhausted"
    assert logged.outcome.refusal.detail == {"kind": kind, "account": name}  # type: ignore[union-attr]
    assert set(world.spent().values()) == {0}


@pytest.mark.parametrize(
    "loss",
    [
        Loss(RHO, 10**9 * DELTA),
        Loss(2**63, 0),
        Loss(2**63 - 1, 0),
        Loss(0, 2**63),
        Loss(2**200, 2**200),
    ],
)
def test_a_loss_beyond_any_budget_is_refused(world: World, loss: Loss) -> None:
    world.ask("q")
    assert code_of(world.authorize(world.request("big", loss=loss))) == "budget.exhausted"


def test_a_pure_licence_counts_epsilon_and_the_others_rho(world: World) -> None:
    """Rule 6."""
    issue(world, licence_file("P", "pure", 'epsilon = "2"\ndelta = "0"'))
    loss = pure(1 << 40)
    assert isinstance(world.authorize(world.request("q", licence="P", loss=loss)).outcome, Authorized)
    accounts = world.accounts()
    assert accounts["licence:P"].spent == Amounts(None, 0, 1 << 40)
    assert accounts["dataset:health"].spent == Amounts(RHO // 2, 0, None)
    world.authorize(world.request("q2", licence="P", loss=loss))
    assert code_of(world.authorize(world.request("q3", licence="P", loss=loss))) == "budget.exhausted"


@pytest.mark.parametrize(("licence", "loss"), [("L1", pure(1)), ("P", Loss(1, 0))])
def test_a_loss_of_another_notion_than_the_licence_is_no_charge(world: World, licence: str, loss: Loss) -> None:
    issue(world, licence_file("P", "pure", 'epsilon = "2"\ndelta = "0"'))
    assert code_of(world.authorize(world.request("q", licence=licence, loss=loss))) == "budget.exhausted"
    assert set(world.spent().values()) == {0}


def withdraw(world: World) -> None:
    world.act(acts.withdraw_dataset, "health")


def suspend(world: World) -> None:
    world.act(acts.suspend_licence, "L1")


def revoke(world: World) -> None:
    world.act(acts.revoke_licence, "L1")


def revoke_key(world: World) -> None:
    world.act(acts.revoke_key, key_id(KEYS["li"].public_key()))


def reload(world: World) -> None:
    world.act(acts.load_dataset, CARD, PEOPLE, sha("snapshot 2"))


def other_bundle(world: World) -> None:
    header = world.header()
    header = type(header)(header.time, "c" * 64, None, None)
    world.do(lambda c: acts.start_service(c, header, "0", sha("configuration")))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (withdraw, "dataset.withdrawn"),
        (suspend, "licence.suspended"),
        (revoke, "licence.revoked"),
        (revoke_key, "identity.key_revoked"),
        (reload, "state.changed"),
        (other_bundle, "state.changed"),
    ],
)
def test_state_changed_since_the_decision_refuses_the_charge(
    world: World, change: Callable[[World], None], code: str
) -> None:
    request = world.request("q")
    change(world)
    assert code_of(world.authorize(request)) == code
    assert set(world.spent().values()) == {0}


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (NOW + YEAR, "identity.key_expired"),
        (1_798_761_600_000, "licence.expired"),
        (1_767_225_599_999, "licence.not_yet"),
    ],
)
def test_terms_are_judged_at_the_time_of_the_act(world: World, time: int, code: str) -> None:
    assert code_of(world.authorize(world.request("q", time=time))) == code


def test_another_institutions_licence_and_key_are_unknown(world: World) -> None:
    request = world.request("q")
    strange = replace(request, standing=replace(request.standing, institution="other"))
    assert code_of(world.authorize(strange)) == "identity.unknown_key"
    assert code_of(world.ask("q", licence="L9")) == "licence.unknown"
    altered = world.request("q")
    altered = replace(altered, standing=replace(altered.standing, licence_digest="0" * 64))
    assert code_of(world.authorize(altered)) == "licence.unknown"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (withdraw, "dataset.withdrawn"),
        (suspend, "licence.suspended"),
        (revoke, "licence.revoked"),
        (revoke_key, "identity.key_revoked"),
    ],
)
def test_a_suspension_before_the_release_withholds_it(world: World, change: Callable[[World], None], code: str) -> None:
    charge = charge_of(world.ask("q"))
    change(world)
    failed = world.release(charge, b"answer")
    assert isinstance(failed, Failed)
    assert failed.refusal is not None
    assert failed.refusal.code == code
    assert stored(world, charge).state is State.FAILED
    assert world.read(lambda c: find_releases(c, charge)) == ()
    assert world.spent()["licence:L1"] == 1


@pytest.mark.parametrize("change", [reload, other_bundle])
def test_a_newer_snapshot_or_policy_withholds_nothing(world: World, change: Callable[[World], None]) -> None:
    charge = charge_of(world.ask("q"))
    change(world)
    assert isinstance(world.release(charge), Released)


def test_a_withdrawal_reaches_charges_on_older_snapshots(world: World) -> None:
    charge = charge_of(world.ask("q"))
    reload(world)
    withdraw(world)
    assert isinstance(world.release(charge), Failed)


def test_a_charge_is_run_again_three_times_and_then_fails(world: World) -> None:
    charge = charge_of(world.ask("q"))
    attempts = [world.do(lambda c: transactions.begin_attempt(c, charge, NOW)) for _ in range(4)]
    assert attempts[:3] == [None, None, None]
    assert isinstance(attempts[3], Failed)
    assert stored(world, charge).state is State.FAILED
    assert world.read(pending) == ()


def test_incidents_suspend_the_licence_for_review(world: World) -> None:
    """Rule 2."""
    for number in range(3):
        world.fail(charge_of(world.ask(f"q{number}")), max_failures=3)
        licence = world.registry.licence("L1")
        assert licence is not None
        assert licence.state == ("active" if number < 2 else "suspended")
    assert code_of(world.ask("next")) == "licence.suspended"
    assert isinstance(world.ask("next", licence="L2").outcome, Authorized)


def test_history_is_newest_first(world: World) -> None:
    ids = [charge_of(world.ask("a")), charge_of(world.ask("b", person="wang")), charge_of(world.ask("c"))]
    assert [one.id for one in world.read(lambda c: history(c, "li", 10))] == [ids[2], ids[0]]
    assert [one.id for one in world.read(lambda c: history(c, "wang", 10))] == [ids[1]]
    assert [one.id for one in world.read(lambda c: history(c, "li", 1))] == [ids[2]]
