"""The functions of regular expressions on single values, as the engine computes them: by the pattern's states, in steps
that text and pattern bound, where Python's own expressions can take a time exponential in the text.

Source: R. Cox, "Regular Expression Matching: the Virtual Machine Approach" (2009); the engine's RE2 is built alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from sandbox.plan.patterns import TOKEN
from sandbox.plan.texts import cut

_CLASSES = {r"\s": r"[\t\n\f\r ]"}
"""What Python reads otherwise than RE2."""


@dataclass(frozen=True, slots=True)
class _One:
    """One character of a class."""

    of: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Fork:
    """Two ways on, counted from here, the first one preferred."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class _Save:
    """The place is an end of a group."""

    slot: int


@dataclass(frozen=True, slots=True)
class _Edge:
    """The beginning of the text, or its end."""

    end: bool


_Step: TypeAlias = _One | _Fork | _Save | _Edge
_Steps: TypeAlias = tuple[_Step, ...]
_Ends: TypeAlias = tuple[int, ...]
"""Where group 0, 1, … begins and ends; −1 where it takes no part."""


@dataclass(slots=True)
class _Open:
    """A group that is being read."""

    number: int | None
    """Of one that captures."""
    parts: list[_Steps] = field(default_factory=list)
    """Of the alternative that is being read."""
    alternatives: list[_Steps] = field(default_factory=list)

    def end(self) -> None:
        """The alternative is whole."""
        self.alternatives.append(sum(self.parts, ()))
        self.parts = []

    def steps(self) -> _Steps:
        self.end()
        *others, found = self.alternatives
        for each in reversed(others):
            found = (_Fork(1, len(each) + 2), *each, _Fork(len(found) + 1, len(found) + 1), *found)
        if self.number is None:
            return found
        return _Save(2 * self.number), *found, _Save(2 * self.number + 1)


@lru_cache(maxsize=256)
def _program(pattern: str) -> tuple[_Steps, int]:
    """The steps of a pattern that `read` knows, and how many groups it has, the whole included."""
    groups, open_groups = 1, [_Open(0)]
    for token in TOKEN.finditer(pattern):
        inner = open_groups[-1]
        if token["group"]:
            captures = token["group"] == "("
            open_groups.append(_Open(groups if captures else None))
            groups += captures
        elif token["end"]:
            found = open_groups.pop().steps()
            open_groups[-1].parts.append(found)
        elif token["or"]:
            inner.end()
        elif token["anchor"]:
            inner.parts.append((_Edge(token[0] == "$"),))
        elif token["repeat"]:
            inner.parts.append(_repeated(inner.parts.pop(), token))
        else:
            inner.parts.append((_One(re.compile(_CLASSES.get(token[0], token[0]), re.ASCII)),))
    return open_groups[0].steps(), groups


def _repeated(part: _Steps, token: re.Match[str]) -> _Steps:
    greedy = len(token["repeat"]) == 1 or not token["repeat"].endswith("?")
    least, most = _times(token)
    if most is None:
        more = (*part, _fork(-len(part), 1, greedy))
        return part * (least - 1) + more if least else _optional(more, greedy)
    rest: _Steps = ()
    for _ in range(most - least):
        rest = _optional(part + rest, greedy)
    return part * least + rest


def _times(token: re.Match[str]) -> tuple[int, int | None]:
    """The least and the most; None where there is no most."""
    if token["least"] is None:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[token["repeat"][0]]
    least = int(token["least"])
    return least, int(token["most"]) if token["most"] else None if token["most"] == "" else least


def _optional(part: _Steps, greedy: bool) -> _Steps:
    return _fork(1, len(part) + 1, greedy), *part


def _fork(wanted: int, other: int, greedy: bool) -> _Fork:
    return _Fork(wanted, other) if greedy else _Fork(other, wanted)


def _search(text: str, pattern: str, *, whole: bool = False) -> _Ends | None:
    """The first match, or that of the whole text. No state is entered twice at a place: it failed there before."""
    steps, groups = _program(pattern)
    seen: set[tuple[int, int]] = set()
    for start in range(1 if whole else len(text) + 1):
        waiting = [(0, start, (-1,) * (2 * groups))]
        while waiting:
            at, place, ends = waiting.pop()
            if (at, place) in seen:
                continue
            seen.add((at, place))
            if at == len(steps):
                if not whole or place == len(text):
                    return ends
                continue
            match steps[at]:
                case _One(of):
                    if place < len(text) and of.match(text[place]):
                        waiting.append((at + 1, place + 1, ends))
                case _Fork(first, second):
                    waiting += [(at + second, place, ends), (at + first, place, ends)]
                case _Save(slot):
                    waiting.append((at + 1, place, (*ends[:slot], place, *ends[slot + 1 :])))
                case _Edge(end):
                    if place == (len(text) if end else 0):
                        waiting.append((at + 1, place, ends))
    return None


def matches(text: str, pattern: str) -> bool:
    return _search(text, pattern) is not None


def full_match(text: str, pattern: str) -> bool:
    return _search(text, pattern, whole=True) is not None


def extract(text: str, pattern: str, group: int) -> str:
    """What the group holds; empty where it matches nothing."""
    ends = _search(text, pattern)
    return "" if ends is None or ends[2 * group] < 0 else text[ends[2 * group] : ends[2 * group + 1]]


def replace_first(text: str, pattern: str, replacement: str) -> str:
    ends = _search(text, pattern)
    return text if ends is None else cut(text[: ends[0]] + replacement + text[ends[1] :])
