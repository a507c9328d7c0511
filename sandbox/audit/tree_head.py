"""A log's tree at a size, as it is written to be signed. Source: C2SP tlog-checkpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.audit.merkle import HASH_SIZE, Unverified
from sandbox.audit.notes import base64, from_base64

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log's tree at a size."""

    origin: str
    """The log's name."""
    size: int
    root: bytes

    def text(self) -> str:
        """The text of the note."""
        return f"{self.origin}\n{self.size}\n{base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint of a note's text, or Unverified: one with extension lines is not of ours and not believed."""
        match text.removesuffix("\n").split("\n"):
            case [origin, size, encoded] if origin and _SIZE.fullmatch(size):
                root = from_base64(encoded)
            case _:
                raise Unverified("the checkpoint's text is malformed")
        if len(root) != HASH_SIZE:
            raise Unverified("the checkpoint's text is malformed")
        return cls(origin, int(size), root)
