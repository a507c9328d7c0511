"""The filter: what fits, and how often it still would."""

from __future__ import annotations

import pytest

from sandbox.errors import Fault
from sandbox.privacy.accountant import Limit, affords, fits
from sandbox.privacy.loss import Loss

ZCDP = Limit(rho=100, delta=10, epsilon=None)
PURE = Limit(rho=None, delta=0, epsilon=50)


@pytest.mark.parametrize(
    ("spent", "loss", "account", "expected"),
    [
        (Loss(0, 0), Loss(100, 10), ZCDP, True),
        (Loss(0, 0), Loss(101, 0), ZCDP, False),
        (Loss(0, 0), Loss(0, 11), ZCDP, False),
        (Loss(60, 4), Loss(40, 6), ZCDP, True),
        (Loss(60, 4), Loss(41, 0), ZCDP, False),
        (Loss(60, 4), Loss(0, 7), ZCDP, False),
        (Loss(60, 0), Loss(40, 0, 999), ZCDP, True),
        (Loss(10**6, 0, 20), Loss(10**6, 0, 30), PURE, True),
        (Loss(0, 0, 20), Loss(0, 0, 31), PURE, False),
        (Loss(0, 0, 0), Loss(0, 1, 1), PURE, False),
    ],
)
def test_fits(spent: Loss, loss: Loss, account: Limit, *, expected: bool) -> None:
    assert fits(spent, loss, account) is expected


@pytest.mark.parametrize(
    ("spent", "loss", "account", "times"),
    [
        (Loss(0, 0), Loss(30, 0), ZCDP, 3),
        (Loss(0, 0), Loss(30, 4), ZCDP, 2),
        (Loss(100, 0), Loss(1, 0), ZCDP, 0),
        (Loss(200, 0), Loss(1, 0), ZCDP, 0),
        (Loss(0, 0, 10), Loss(7, 0, 20), PURE, 2),
    ],
)
def test_affords(spent: Loss, loss: Loss, account: Limit, times: int) -> None:
    assert affords(spent, loss, account) == times
    for _ in range(times):
        assert fits(spent, loss, account)
        spent = Loss(
            spent.rho + loss.rho,
            spent.delta + loss.delta,
            None if loss.epsilon is None else (spent.epsilon or 0) + loss.epsilon,
        )
    assert not fits(spent, loss, account)


def test_a_pure_account_takes_no_zcdp_loss() -> None:
    with pytest.raises(Fault):
        fits(Loss(0, 0, 0), Loss(1, 0), PURE)


def test_a_loss_of_nothing_has_no_count() -> None:
    with pytest.raises(Fault):
        affords(Loss(0, 0), Loss(0, 0), ZCDP)
