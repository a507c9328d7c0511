"""Valid input, spoilt: bytes cut, doubled and stuffed with what readers stumble over; JSON with other values."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

STUFF = (
    *(b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\t", b"\x1b[2J"),
    *(b"\\ud800", b"\\udfff\\ud800", b"\\u0000", b"\\", b'"', b"'", b"=", b"#", b";", b":", b","),
    *(b"{", b"}", b"[", b"]", b"[[", b"{}", b"[]", b"(", b")", b"null", b"true", b"NaN", b"-Infinity", b"-0", b"0"),
    *(b"1e999999999", b"-1e-999999999", b"1/0", b"0x10", b"1_0", b"9" * 400, b"0." + b"0" * 400 + b"1", b"-", b"+"),
    *(each.encode() for each in ("\u202e\u2066", "e\u0301", "ﬁ①Ⅷ", "²", "٣", "—", "\ufeff")),
    *(b"A" * 300, b"[" * 3000, b'{"a":' * 1500, b"2026-02-30", b"9999-12-31T23:59:60Z", b"0001-01-01"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 2**70, 10**300, 0.5, -0.0, 1e308),
    *("", "\0", "\ud800", "a\udfff", "\u202e", "e\u0301", "ﬁ", "٣", "-", "NaN", "inf"),
    *("9" * 500, "1/0", "1e999999999", "x" * 5000),
    *([], {}, [[]], [None] * 50, {"": ""}, {"a": {"a": {"a": []}}}, [0, "0"], ["\ud800"]),
)


@st.composite
def spoilt(draw: st.DrawFn, *valid: bytes) -> bytes:
    """One of the valid texts after a few edits."""
    found = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(found)))
        end = min(len(found), start + draw(st.integers(0, 40)))
        match draw(st.sampled_from(("stuff", "cut", "double", "swap", "noise", "tail", "splice"))):
            case "stuff":
                found = found[:start] + draw(st.sampled_from(STUFF)) + found[end:]
            case "cut":
                found = found[:start] + found[end:]
            case "double":
                found = found[:end] + found[start:]
            case "swap":
                other = draw(st.integers(0, len(found)))
                found = found[:start] + found[other : other + end - start] + found[end:]
            case "noise":
                found = found[:start] + draw(st.binary(max_size=8)) + found[end:]
            case "tail":
                found = found[:start]
            case _:
                other_text = draw(st.sampled_from(valid))
                found = found[:start] + other_text[draw(st.integers(0, len(other_text))) :]
    return found


@st.composite
def changed(draw: st.DrawFn, *valid: Any) -> Any:
    """One of the valid JSON values with some of its parts exchanged, dropped or doubled."""
    found = json.loads(json.dumps(draw(st.sampled_from(valid))))
    for _ in range(draw(st.integers(1, 3))):
        found = _changed(draw, found)
    return found


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one part of it changed, mostly deep within."""
    if not isinstance(value, dict | list) or not value or not draw(st.integers(0, 5)):
        return deepcopy(draw(st.sampled_from(VALUES)))
    place = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    match draw(st.integers(0, 9)):
        case 0:
            del value[place]
        case 1 if isinstance(value, dict):
            value[draw(st.sampled_from(("", "\ud800", "more", "from", "x" * 500)))] = value.pop(place)
        case 1 if isinstance(value, list):
            value.insert(place, value[place])
        case _:
            value[place] = _changed(draw, value[place])
    return value
