"""The privacy filter: whether a loss still fits an account, and how many more would.

Pure functions over exact integers; sums of ρ and δ compose fully adaptively (Whitehouse et al., ICML 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import Fault
from sandbox.privacy.loss import Loss


@dataclass(frozen=True, slots=True)
class Limit:
    """The most an account may ever lose, in units; None where the notion does not count it."""

    rho: int | None
    delta: int
    epsilon: int | None


def fits(spent: Loss, loss: Loss, account: Limit) -> bool:
    """Whether the account may be charged: every part it counts stays within its limit."""
    return all(used + more <= most for used, more, most in _parts(spent, loss, account))


def affords(spent: Loss, loss: Loss, account: Limit) -> int:
    """How many more such losses the account can take.

    Precondition: the loss is positive in some part that the account counts.
    """
    counts = [max(0, most - used) // more for used, more, most in _parts(spent, loss, account) if more > 0]
    if not counts:
        raise Fault("a loss of nothing is affordable for ever")
    return min(counts)


def _parts(spent: Loss, loss: Loss, account: Limit) -> list[tuple[int, int, int]]:
    parts = [(spent.delta, loss.delta, account.delta)]
    if account.rho is not None:
        parts.append((spent.rho, loss.rho, account.rho))
    if account.epsilon is not None:
        if loss.epsilon is None:
            raise Fault("a pure account takes pure losses only")
        parts.append((spent.epsilon or 0, loss.epsilon, account.epsilon))
    return parts
