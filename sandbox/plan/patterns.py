"""The regular expressions that a literal may be: those that RE2 and Python read alike, without large repetitions."""

from __future__ import annotations

import re

from sandbox.plan.nodes import Scalar
from sandbox.plan.signatures import Signature
from sandbox.plan.texts import cut

MOST_REPEATS = 32
MOST_REPLACEMENT = 16
"""Characters of a replacement, since it can stand at every place of a text."""
_TOKEN = re.compile(
    r"""(?P<group>\((\?:)?) | (?P<end>\)) | (?P<or>\|) | (?P<anchor>[\^$])
      | (?P<repeat>(?:[*+?]|\{(?P<least>\d{1,2})(?:,(?P<most>\d{0,2}))?\})\??)
      | (?P<atom>\\[dDwWs.\\+*?()\[\]{}|^$/-] | [^\\.+*?()\[\]{}|^$] | \. | \[\^?(?:(?:\\[\\\]^-]|[^\\\[\]^&~|-])
          (?:-(?:\\[\\\]^-]|[^\\\[\]^&~|-]))?)+\])""",
    re.VERBOSE | re.ASCII,
)
_RANGE = re.compile(r"(\\?.)-(\\?.)", re.DOTALL)


def groups(pattern: str) -> int | None:
    """How many groups the pattern has that capture; None where it is no pattern of this language."""
    found, captured, place = [False], 0, 0
    repeatable = False
    counted = [False]
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None:
            return None
        match token.lastgroup if token.lastgroup not in ("least", "most") else "repeat":
            case "group":
                captured += token["group"] == "("
                found.append(False)
                counted.append(False)
                repeatable = False
            case "end":
                if len(counted) == 1:
                    return None
                inner = counted.pop()
                found.pop()
                repeatable, last_counted = True, inner
                counted[-1] |= inner
                found[-1] = last_counted
            case "repeat":
                if not repeatable or not _modest(token) or (token["least"] and found[-1]):
                    return None
                counted[-1] |= token["least"] is not None
                repeatable = False
            case "atom":
                if not _ordered(token[0]):
                    return None
                repeatable, found[-1] = True, False
            case _:
                repeatable = False
        place = token.end()
    return captured if len(counted) == 1 else None


def _modest(token: re.Match[str]) -> bool:
    """Whether a repetition is no larger than the limit, and its ends are in order."""
    if token["least"] is None:
        return True
    least = int(token["least"])
    most = int(token["most"]) if token["most"] else least
    return least <= most <= MOST_REPEATS


def _ordered(atom: str) -> bool:
    """Whether the ranges of a class are in order."""
    if not atom.startswith("["):
        return True
    return all(one[-1] <= other[-1] for one, other in _RANGE.findall(atom[1:-1]))


def pattern(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """The pattern, the number of a group that it has, or a short replacement without references."""
    match position, values[1], values[position]:
        case 1, str(found), _:
            return groups(found) is not None
        case 2, str(found), int(group):
            return 0 <= group <= (groups(found) or 0)
        case 2, _, str(replacement):
            return len(replacement) <= MOST_REPLACEMENT and "\\" not in replacement
        case _:
            return False


def _compiled(found: str) -> re.Pattern[str]:
    spelled = re.sub(r"\\.|\$", lambda one: {"$": r"\Z", r"\s": r"[\t\n\f\r ]"}.get(one[0], one[0]), found)
    return re.compile(spelled, re.ASCII)


def matches(text: str, found: str) -> bool:
    return _compiled(found).search(text) is not None


def full_match(text: str, found: str) -> bool:
    return _compiled(found).fullmatch(text) is not None


def extract(text: str, found: str, group: int) -> str:
    """What the group holds; empty where it matches nothing."""
    match = _compiled(found).search(text)
    return (match[group] or "") if match else ""


def replace_first(text: str, found: str, replacement: str) -> str:
    return cut(_compiled(found).sub(lambda _: replacement, text, count=1))
