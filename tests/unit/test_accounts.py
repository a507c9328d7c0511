"""Accounts: opened once, limits that never fall below what is spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.audit.records import AccountKind, Amounts
from sandbox.errors import Refusal
from sandbox.ledger.accounts import read_account
from sandbox.registry import acts
from tests.support.ledger_world import CARD, DELTA, PEOPLE, RHO, code_of, open_world, sha


def test_an_account_is_opened_once_and_its_limit_never_falls_below_what_is_spent(tmp_path: Path, ledger: str) -> None:
    """Rule 7."""
    with open_world(tmp_path, ledger) as world:
        world.ask("q")
        before = world.accounts()
        world.act(acts.load_dataset, CARD, PEOPLE, sha("snapshot 2"))
        assert world.accounts() == before
        for limit, kind, code in (
            (Amounts(RHO - 1, DELTA, None), AccountKind.LICENCE, "budget.below_spent"),
            (Amounts(2**63, DELTA, None), AccountKind.LICENCE, "budget.too_large"),
            (Amounts(RHO, DELTA, None), AccountKind.DOMAIN, "budget.unknown"),
            (Amounts(None, 0, RHO), AccountKind.LICENCE, "budget.unknown"),
        ):
            with pytest.raises(Refusal) as refused:
                world.act(acts.limit_account, kind, "L1", limit)
            assert refused.value.code == code
        world.act(acts.limit_account, AccountKind.LICENCE, "L1", Amounts(RHO, DELTA, None))
        assert code_of(world.ask("q2")) == "budget.exhausted"
        account = world.read(lambda c: read_account(c, AccountKind.LICENCE, "L1"))
        assert account is not None
        assert account.limit == account.spent
        assert world.audit().findings == ()
