"""Accounts as people read them: what is spent, the limit, the ε they amount to, and how many more such requests fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.audit.records import AccountCharge, AccountKind, Amounts
from sandbox.ledger.accounts import Account
from sandbox.privacy.accountant import Limit, affords, fits
from sandbox.privacy.conversion import epsilon_of
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Loss, decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """One account: what is spent of its limit."""

    account: str
    kind: AccountKind
    spent: Amounts
    limit: Amounts


def after(charged: Iterable[AccountCharge]) -> tuple[Balance, ...]:
    """The balances that a charge left."""
    return tuple(Balance(each.account, each.kind, each.spent, each.limit) for each in charged)


def now(accounts: Iterable[Account]) -> tuple[Balance, ...]:
    """The balances as committed."""
    return tuple(Balance(each.id, each.kind, each.spent, each.limit) for each in accounts)


def affordable(balance: Balance, loss: Loss) -> bool:
    """Whether the account can take this loss."""
    return fits(_spent(balance), loss, _limit(balance))


def more(balance: Balance, loss: Loss) -> int | None:
    """How many more requests of this loss the account can take; None: as many as one likes, for they lose nothing."""
    if (loss.rho, loss.delta, loss.epsilon or 0) == (0, 0, 0):
        return None
    return affords(_spent(balance), loss, _limit(balance))


def _spent(balance: Balance) -> Loss:
    return Loss(balance.spent.rho or 0, balance.spent.delta, balance.spent.epsilon)


def _limit(balance: Balance) -> Limit:
    return Limit(balance.limit.rho, balance.limit.delta, balance.limit.epsilon)


def balance_json(balance: Balance) -> dict[str, object]:
    """The account for reading: decimals, rounded up."""
    return {
        "account": balance.account,
        "kind": balance.kind.value,
        "spent": amounts_json(balance.spent) | {"epsilon_at_delta": _epsilon(balance.spent.rho, balance)},
        "limit": amounts_json(balance.limit) | {"epsilon_at_delta": _epsilon(balance.limit.rho, balance)},
    }


def amounts_json(amounts: Amounts | Loss) -> dict[str, object]:
    """ρ, δ and ε in decimals."""
    return {
        "rho": None if amounts.rho is None else decimal(amounts.rho * RHO_UNIT),
        "delta": decimal(amounts.delta * DELTA_UNIT),
        "epsilon": None if amounts.epsilon is None else decimal(amounts.epsilon * EPSILON_UNIT),
    }


def _epsilon(rho: int | None, balance: Balance) -> str | None:
    """The ε that ρ amounts to at the account's δ, of which thresholds have used a part (rule 6); None where it counts
    no ρ, or nothing of δ is left."""
    left = balance.limit.delta - balance.spent.delta
    return None if rho is None or left <= 0 else decimal(epsilon_of(rho * RHO_UNIT, left * DELTA_UNIT))
