"""One row of the table of scalar functions, and which of its arguments must be constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.plan.arithmetic import Reference
from sandbox.plan.nodes import Scalar
from sandbox.plan.ranges import Rule
from sandbox.plan.sets import SetRule
from sandbox.plan.signatures import Signature, TypeRule

Positions: TypeAlias = Callable[[int], frozenset[int]]
"""From the number of arguments to the positions that must be literals."""
Meaning: TypeAlias = Callable[[int, tuple[Scalar, ...], Signature], bool]
"""Whether the literal at a position means something to the function; of other arguments than literals it sees None."""

Effort: TypeAlias = Callable[[tuple[Scalar, ...]], int]
"""From the literals, None for other arguments, to the most work of one call."""


def nowhere(count: int) -> frozenset[int]:  # noqa: ARG001
    """No position."""
    return frozenset()


def at(*positions: int) -> Positions:
    """These positions, as far as there are so many arguments."""
    return lambda count: frozenset(position for position in positions if position < count)


def after(first: int) -> Positions:
    """Every position from `first` on."""
    return lambda count: frozenset(range(first, count))


def given(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """Any value but NULL."""
    return values[position] is not None


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table."""

    name: str
    types: TypeRule
    reference: Reference
    """The function on single values, without NULL unless `lifted`; equal to the engine's."""
    range: Rule
    literals: Positions = nowhere
    meant: Meaning = given
    lifted: bool = False
    """Whether it says itself what NULL arguments give; else they give NULL."""
    members: SetRule | None = None
    """Where its value set is known without trying every combination."""
    work: int | Effort = 0
    """Of one call at its most expensive, where that is more than its arguments tell. Unit: row operations."""

    def of(self, *arguments: Scalar) -> Scalar:
        """The function's value; raises UnknownValueError where it is not claimed to be known."""
        if not self.lifted:
            for argument in arguments:
                if argument is None:
                    return None
        return self.reference(*arguments)

    def effort(self, values: tuple[Scalar, ...]) -> int:
        """Its `work` with these literals; None for other arguments."""
        return self.work if isinstance(self.work, int) else self.work(values)
