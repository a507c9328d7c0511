"""The regular expressions that a literal may be: those that RE2 and Python read alike, without large repetitions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.plan.nodes import Scalar
from sandbox.plan.signatures import Signature

MOST_REPEATS = 32
MOST_WEIGHT = 64
LIGHT_WEIGHT = 12
"""Of patterns whose states are all kept once met."""
LIGHT_WORK = 8192
HEAVY_WORK = 10_240
"""For each unit of weight."""
MOST_REPLACEMENT = 16
"""Characters of a replacement, since it can stand at every place of a text."""
TOKEN = re.compile(
    r"""(?P<group>\((\?:)?) | (?P<end>\)) | (?P<or>\|) | (?P<anchor>[\^$])
      | (?P<repeat>(?:[*+?]|\{(?P<least>\d{1,2})(?:,(?P<most>\d{0,2}))?\})\??)
      | (?P<atom>\\[dDwWs.\\+*?()\[\]{}|^$/-] | [^\\.+*?()\[\]{}|^$] | \. | \[\^?(?:(?:\\[\\\]^-]|[^\\\[\]^&~|-])
          (?:-(?:\\[\\\]^-]|[^\\\[\]^&~|-]))?)+\])""",
    re.VERBOSE | re.ASCII,
)
_RANGE = re.compile(r"(\\?.)-(\\?.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is known of a pattern of this language."""

    groups: int
    """Those that capture."""
    weight: int
    """Characters and classes to match, repetitions counted out."""


def read(pattern: str) -> Pattern | None:
    """The pattern; None where it is none of this language or too heavy."""
    captured, place, last = 0, 0, 0
    weights = [0]
    while place < len(pattern):
        token = TOKEN.match(pattern, place)
        if token is None:
            return None
        place = token.end()
        if token["group"]:
            captured += token["group"] == "("
            weights.append(0)
            last = 0
        elif token["end"]:
            if len(weights) == 1:
                return None
            last = max(1, weights.pop())
            weights[-1] += last
        elif token["repeat"]:
            times = _times(token)
            if not last or times is None:
                return None
            weights[-1] += last * (times - 1)
            last = 0
        elif token["atom"]:
            if not _ordered(token[0]):
                return None
            last = 1
            weights[-1] += last
        else:
            last = 0
        if weights[-1] > MOST_WEIGHT:
            return None
    return Pattern(captured, weights[0]) if len(weights) == 1 else None


def work(values: tuple[Scalar, ...]) -> int:
    """Of matching a longest text: heavy patterns can have more states than are kept.

    Unit: row operations.
    """
    found = read(str(values[1]))
    return LIGHT_WORK if found is None or found.weight <= LIGHT_WEIGHT else HEAVY_WORK * found.weight


def _times(token: re.Match[str]) -> int | None:
    """How often a repetition counts its term out; None where its ends are out of order or too large."""
    if token["least"] is None:
        return 1
    least = int(token["least"])
    most = int(token["most"]) if token["most"] else least + (token["most"] is not None)
    return max(1, most) if least <= most <= MOST_REPEATS else None


def _ordered(atom: str) -> bool:
    """Whether the ranges of a class are in order."""
    if not atom.startswith("["):
        return True
    return all(one[-1] <= other[-1] for one, other in _RANGE.findall(atom[1:-1]))


def pattern(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """The pattern, the number of a group that it has, or a short replacement without references."""
    match position, values[1], values[position]:
        case 1, str(found), _:
            return read(found) is not None
        case 2, str(found), int(group):
            known = read(found)
            return known is not None and 0 <= group <= known.groups
        case 2, _, str(replacement):
            return len(replacement) <= MOST_REPLACEMENT and "\\" not in replacement
        case _:
            return False
