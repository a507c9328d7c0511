"""One job of a worker: statements written by the sandbox, their parameters, and the shape that must come back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sandbox.plan.nodes import Scalar, Type


class Side(StrEnum):
    """Which part of a snapshot a worker holds."""

    PRIVATE = "private"
    """Private and public part."""
    PUBLIC = "public"
    """Public part only: runs the plan's public part."""
    DUMMY = "dummy"
    """Public part, and in place of the private one a dummy that was made from the card alone: dry runs."""


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one data set's snapshot for a worker: the k-th part is attached as `private{k}` and `public{k}`."""

    snapshot: str
    """The snapshot's id: workers with equal ids and side are interchangeable."""
    private: int | None
    """Descriptor of the sealed memfd of the private part; None for Side.PUBLIC."""
    public: int
    """Descriptor of the sealed memfd of the public part."""


@dataclass(frozen=True, slots=True)
class DummyPart:
    """The files of one data set for a worker of Side.DUMMY, which never holds a Part."""

    name: str
    """No snapshot's id."""
    private: int
    """Descriptor of the sealed memfd of the dummy, which is attached as the private part would be."""
    public: int
    """Descriptor of the sealed memfd of the snapshot's public part."""


Parts: TypeAlias = tuple[Part, ...] | tuple[DummyPart, ...]
"""The files of one worker."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may use."""

    threads: int
    megabytes: int
    """Memory of the engine; the process may map `OVERHEAD` more."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows handed to a job: a released relation, created as a temporary table before the statement runs."""

    name: str
    columns: tuple[tuple[str, Type], ...]
    rows: tuple[tuple[Scalar, ...], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One SELECT for the engine."""

    sql: str
    parameters: tuple[Scalar, ...]
    """Bound in order to $1, $2, …."""
    tables: tuple[Table, ...]
    columns: tuple[Type, ...]
    """Types that must come back; anything else is a failure. INTEGER columns fit 64 bits."""
    max_rows: int
    """More rows than this are a failure."""
    deadline: float
    """Seconds of wall time, then the worker is killed."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a job returned, in the engine's order."""

    rows: tuple[tuple[Scalar, ...], ...]
