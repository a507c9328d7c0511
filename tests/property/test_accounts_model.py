"""Any order of authorizing, repeating, releasing and failing: the accounts are the sum of what was charged, never more
than their limit, and the offline verifier derives the same."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from sandbox.audit.records import AccountKind, Amounts
from sandbox.ledger.charges import State, find_charge, lines, pending
from sandbox.ledger.outcomes import Authorized, Existing, Refused
from sandbox.privacy.loss import Loss
from sandbox.registry import acts
from tests.support.ledger_world import DELTA, RHO, World, open_world
from tests.support.postgres import Server

LIMIT = {"licence:L1": 10, "licence:L2": 10, "dataset:health": 12, "domain:patients": 14}
"""In queries' ρ."""
LICENCES = st.sampled_from(["L1", "L2"])
SHARED = ("dataset:health", "domain:patients")


class Ledger(RuleBasedStateMachine):
    """A model in plain dictionaries beside the real ledger."""

    running = Bundle("running")

    def __init__(self, server: Server | None) -> None:
        """On PostgreSQL where a server is given."""
        super().__init__()
        self.closing = ExitStack()
        folder = self.closing.enter_context(tempfile.TemporaryDirectory())
        url = None if server is None else self.closing.enter_context(server.database())
        self.world: World = self.closing.enter_context(open_world(Path(folder), url))
        for kind in (AccountKind.DATASET, AccountKind.DOMAIN):
            name = "health" if kind is AccountKind.DATASET else "patients"
            limit = Amounts(LIMIT[f"{kind}:{name}"] * RHO, 1 << 40, None)
            self.world.act(acts.limit_account, kind, name, limit)
        self.spent = dict.fromkeys(LIMIT, 0)
        self.state: dict[str, State] = {}
        self.paid: dict[tuple[str, str], str] = {}
        self.released: set[str] = set()
        self.query: dict[str, tuple[str, str]] = {}

    def teardown(self) -> None:
        assert self.world.audit().findings == ()
        self.closing.close()

    @rule(target=running, query=st.sampled_from("abcdef"), licence=LICENCES, cost=st.integers(1, 4))
    def ask(self, query: str, licence: str, cost: int) -> object:
        query = f"{query}{cost}"
        request = self.world.request(query, licence=licence, loss=Loss(cost * RHO, DELTA))
        outcome = self.world.authorize(request).outcome
        payer = self.paid.get((query, licence))
        due = [f"licence:{licence}", *SHARED]
        if payer is not None:
            assert isinstance(outcome, Existing)
            assert (outcome.charge.id, bool(outcome.releases)) == (payer, self.state[payer] is State.RELEASED)
            return multiple()
        if any(self.spent[name] + cost > LIMIT[name] for name in due):
            assert isinstance(outcome, Refused)
            assert outcome.refusal.code == "budget.exhausted"
            return multiple()
        assert isinstance(outcome, Authorized)
        copied = query in self.released
        assert bool(outcome.copies) == copied
        taken = due[:1] if copied else due
        for name in taken:
            self.spent[name] += cost
        charge = outcome.charge
        assert {line.account for line in self.world.read(lambda c: lines(c, charge))} == set(taken)
        self.state[charge] = State.AUTHORIZED
        self.paid[query, licence] = charge
        self.query[charge] = (query, licence)
        return charge

    @rule(charge=consumes(running))
    def release(self, charge: str) -> None:
        query, _ = self.query[charge]
        self.world.release(charge, query.encode())
        self.state[charge] = State.RELEASED
        self.released.add(query)

    @rule(charge=consumes(running))
    def fail(self, charge: str) -> None:
        self.world.fail(charge)
        self.state[charge] = State.FAILED
        del self.paid[self.query[charge]]

    @invariant()
    def accounts_are_the_sum_of_the_charges(self) -> None:
        assert self.world.spent() == self.spent
        assert all(self.spent[name] <= limit for name, limit in LIMIT.items())

    @invariant()
    def charges_are_where_they_should_be(self) -> None:
        open_charges = {charge for charge, state in self.state.items() if state is State.AUTHORIZED}
        assert {one.id for one in self.world.read(pending)} == open_charges
        for charge, state in self.state.items():
            found = self.world.read(partial(find_charge, charge=charge))
            assert found is not None
            assert found.state is state


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_accounts_and_log_follow_the_model(request: pytest.FixtureRequest, kind: str) -> None:
    server = None if kind == "sqlite" else request.getfixturevalue("server")
    searched = settings(max_examples=12 if server is None else 6, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: Ledger(server), settings=searched)  # type: ignore[arg-type]  # any factory does
