"""Loading and running in this process, with fixed keys: what oracles compare exact values with."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from policies.cards import DatasetCard
from policies.domains import Canonical, UnitDomain
from sandbox.datasets.load import SHARED_MEMORY, load
from sandbox.datasets.order import Finding, Format, InputFile, LoadOrder
from sandbox.engines.duckdb import Session
from sandbox.plan.checked import PublicFacts
from sandbox.workers.job import Job, Limits, Part, Rows, Side

DIGEST_KEY = bytes(range(32))
SEED_KEY = bytes(range(32, 64))
LIMITS = Limits(threads=2, megabytes=1024)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The two parts in memory, and what the child of a load said."""

    card: DatasetCard
    private: int
    """Descriptor of the private part."""
    public: int
    facts: Mapping[str, PublicFacts]
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    grown: int
    """The dictionary's next segment."""

    def table(self, name: str) -> list[dict[str, Any]]:
        """The stored rows of a table in stored order, under the card's column names, hidden columns included."""
        place = next(i for i, table in enumerate(self.card.tables) if table.name == name)
        table = self.card.tables[place]
        names = {f"c{j}": column.name for j, column in enumerate(table.columns)}
        descriptor = self.private if table.private else self.public
        with duckdb.connect() as engine:
            engine.execute(f"ATTACH '/proc/self/fd/{descriptor}' AS part (READ_ONLY)")
            found = engine.execute(f"FROM part.main.t{place}")
            columns = [names.get(str(column[0]), str(column[0])) for column in found.description]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def run(self, job: Job, side: Side = Side.PRIVATE) -> Rows:
        """What a worker that holds this data set alone answers. Raises EngineError."""
        return run([self], job, side)

    @property
    def part(self) -> Part:
        """As a pool takes it."""
        return Part(f"test {self.card.name}", self.private, self.public)

    def private_tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every private table."""
        return {table.name: self.table(table.name) for table in self.card.tables if table.private}


def run(data: Sequence[Loaded], job: Job, side: Side = Side.PRIVATE) -> Rows:
    """What a worker answers that holds these data sets, the k-th as `private{k}` and `public{k}`."""
    paths = [(None if side is Side.PUBLIC else _path(found.private), _path(found.public)) for found in data]
    return Session(paths, LIMITS).run(job)


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


@contextlib.contextmanager
def loaded(
    card: DatasetCard,
    files: Mapping[str, str | bytes],
    *,
    canonical: Canonical = Canonical.INTEGER,
    max_units: int = 1_000_000,
    segments: Sequence[int] = (),
    format: Format = Format.CSV,  # noqa: A002  the word of the order
) -> Iterator[Loaded]:
    """Loads one CSV text (or file content) per table; `segments` is the dictionary so far."""
    with contextlib.ExitStack() as stack:
        inputs = tuple(InputFile(name, format, _file(content, stack)) for name, content in files.items())
        private, public, grown = (_memory(stack) for _ in range(3))
        keys = (DIGEST_KEY, SEED_KEY)
        order = LoadOrder(card, canonical, max_units, *keys, inputs, tuple(segments), private, public, grown)
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=SHARED_MEMORY))
        outcome = load(order, Path(folder))
        yield Loaded(card, private, public, outcome.facts, outcome.findings, outcome.warnings, grown)


def parquet(card: DatasetCard, table: str, rows: Sequence[Sequence[object]], types: Mapping[str, str]) -> bytes:
    """A Parquet file with the card's columns in order; `types` names the engine's type of a column, else VARCHAR."""
    declared = card.table(table)
    assert declared is not None
    columns = ", ".join(f'"{column.name}" {types.get(column.name, "VARCHAR")}' for column in declared.columns)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as engine:
        engine.execute(f"CREATE TABLE rows ({columns})")
        engine.executemany(f"INSERT INTO rows VALUES ({', '.join('?' for _ in declared.columns)})", list(rows))
        engine.execute(f"COPY rows TO '{folder}/rows.parquet' (FORMAT parquet)")
        return (Path(folder) / "rows.parquet").read_bytes()


def load_as(domain: UnitDomain) -> dict[str, Any]:
    """The arguments of `loaded` that a unit domain decides."""
    return {"canonical": domain.canonical, "max_units": domain.max_units}


def _file(content: str | bytes, stack: contextlib.ExitStack) -> int:
    descriptor = _memory(stack)
    os.pwrite(descriptor, content.encode() if isinstance(content, str) else content, 0)
    return descriptor


def _memory(stack: contextlib.ExitStack) -> int:
    descriptor = os.memfd_create("test", os.MFD_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor
