"""Text of others as it may be written to a terminal: it is shown, and moves, hides, colours or reverses nothing.

An answer, a card, a file's header or a log may hold escape sequences (ECMA-48) and direction marks (Unicode UAX 9).
"""

from __future__ import annotations

import json
import re

_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls but tab and line end, what changes the direction of writing, and what is no character."""


def visible(text: str) -> str:
    """The text with a sign in place of every character that a terminal would obey."""
    return _ACTIVE.sub("\ufffd", text)


def json_text(document: object) -> str:
    """The document as JSON of several lines, which means the same and holds no character that a terminal would obey."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
