"""Which witnesses must have cosigned a checkpoint before it is believed: a policy file.

Source: C2SP tlog-policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.audit.cosignature import verify_cosignature
from sandbox.audit.merkle import Unverified
from sandbox.audit.notes import KeyKind, Note, NoteKey
from sandbox.audit.tree_head import Checkpoint

NONE = "none"
_MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class WitnessEntry:
    """A witness that the policy knows."""

    key: NoteKey
    url: str | None
    """Its submission prefix."""


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these witnesses and groups."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Known witnesses, groups of them, and the one of either that must have cosigned; `none` demands nobody."""

    logs: tuple[NoteKey, ...]
    witnesses: Mapping[str, WitnessEntry]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> WitnessPolicy:
        """The policy of a file, or Unverified with the number of the line that is wrong."""
        read = _Reading()
        rows = text.split("\n")
        if len(rows) > _MOST_LINES or any(char < " " and char not in "\t\n" for char in text):
            raise Unverified("the witness policy is malformed")
        for number, row in enumerate(rows, 1):
            words = row.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if words and not words[0].startswith("#"):
                try:
                    read.line(words)
                except Unverified as error:
                    raise Unverified(f"witness policy, line {number}: {error}") from None
        if read.quorum is None:
            raise Unverified("the witness policy has no quorum line")
        return cls(tuple(read.logs), read.witnesses, read.groups, read.quorum)

    def cosigners(self, note: Note, checkpoint: Checkpoint) -> frozenset[str]:
        """The witnesses, by the policy's names, whose right cosignatures of the checkpoint stand in its note."""
        found = set[str]()
        for name, witness in self.witnesses.items():
            try:
                verify_cosignature(checkpoint, witness.key, note.of(witness.key))
            except Unverified:
                continue
            found.add(name)
        return frozenset(found)

    def satisfied(self, cosigners: frozenset[str]) -> bool:
        """Whether these witnesses make the quorum."""
        return self.quorum == NONE or self._witnessed(self.quorum, cosigners)

    def _witnessed(self, name: str, cosigners: frozenset[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigners
        return sum(self._witnessed(member, cosigners) for member in group.members) >= group.threshold

    def require(self, note: str) -> None:
        """Unverified when the witnesses of a checkpoint whose log signature was verified make no quorum."""
        parsed = Note.parse(note)
        if not self.satisfied(self.cosigners(parsed, Checkpoint.parse(parsed.text))):
            raise Unverified("the checkpoint lacks the cosignatures that the witness policy demands")


class _Reading:
    """What was read of a policy so far."""

    def __init__(self) -> None:
        self.logs: list[NoteKey] = []
        self.witnesses: dict[str, WitnessEntry] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._members = set[str]()

    def line(self, words: list[str]) -> None:
        match words:
            case ["log", key, *rest] if len(rest) <= 1:
                self._log(NoteKey.parse(key))
            case ["witness", name, key, *rest] if len(rest) <= 1:
                self._witness(name, WitnessEntry(NoteKey.parse(key), rest[0] if rest else None))
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, tuple(members))
            case ["quorum", name] if self.quorum is None and (name == NONE or self._known(name)):
                self.quorum = name
            case _:
                raise Unverified("it is none of log, witness, group and the one quorum")

    def _log(self, key: NoteKey) -> None:
        if any(known.public == key.public for known in self.logs):
            raise Unverified("a log's key stands twice")
        self.logs.append(key)

    def _witness(self, name: str, witness: WitnessEntry) -> None:
        self._new(name)
        if witness.key.kind is KeyKind.ED25519:
            raise Unverified("a witness has a cosignature key")
        if any(known.key.public == witness.key.public for known in self.witnesses.values()):
            raise Unverified("a witness's key stands twice")
        self.witnesses[name] = witness

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        self._new(name)
        for member in members:
            if not self._known(member) or member in self._members:
                raise Unverified(f"{member} is not known before this line, or is a member already")
            self._members.add(member)
        counts = {"any": 1, "all": len(members)}
        needed = counts.get(threshold) or (int(threshold) if threshold.isascii() and threshold.isdecimal() else 0)
        if not 1 <= needed <= len(members):
            raise Unverified("a group's threshold is any, all, or a number of its members")
        self.groups[name] = Group(needed, members)

    def _new(self, name: str) -> None:
        if name == NONE or self._known(name):
            raise Unverified(f"{name} stands twice")

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups
