"""What generators choose by: hypothesis, which shrinks what fails, or a seed, which is ten times as fast.

A generator is a plain function of `Draws`. `drawn` makes a strategy of it; `seeded` gives what a seed gives, now and
whenever it is printed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from random import Random
from typing import Concatenate, ParamSpec, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
P = ParamSpec("P")


class Draws(ABC):
    """Choices, the first or least of which is the simplest."""

    @abstractmethod
    def number(self, least: int, most: int) -> int:
        """A whole number between two ends."""

    def one(self, choices: Sequence[T]) -> T:
        return choices[self.number(0, len(choices) - 1)]

    def chance(self, of: int) -> bool:
        """One time in so many."""
        return self.number(1, of) == of

    def some(self, choices: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Some of the choices, each as often as it comes."""
        return [self.one(choices) for _ in range(self.number(least, most))]

    def different(self, choices: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Some of the choices, none twice, in any order."""
        left, found = list(choices), list[T]()
        for _ in range(self.number(min(least, len(left)), min(most, len(left)))):
            found.append(left.pop(self.number(0, len(left) - 1)))
        return found


class _Shrinking(Draws):
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def number(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))


class _Seeded(Draws):
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def number(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))


def drawn(make: Callable[Concatenate[Draws, P], T], *given: P.args, **named: P.kwargs) -> st.SearchStrategy[T]:
    """What the generator makes of hypothesis's choices."""

    @st.composite
    def strategy(draw: st.DrawFn) -> T:
        return make(_Shrinking(draw), *given, **named)

    return strategy()


def seeded(seed: int, make: Callable[Concatenate[Draws, P], T], *given: P.args, **named: P.kwargs) -> T:
    """What the generator makes of a seed."""
    return make(_Seeded(seed), *given, **named)
