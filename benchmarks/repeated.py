"""One question answered again and again, in this process: judged, priced, chosen, folded, noised, released.

The front end's child, ledger and workers of the service are left out. What a job finds is exact and kept: every answer
draws its noise anew, that of chosen bounds too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from policies.cards import DatasetCard
from policies.documents import read_licence_text
from policies.domains import UnitDomain
from sandbox.datasets.order import Format
from sandbox.engines.duckdb import Session
from sandbox.plan.limits import standard
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.loss import Spend
from sandbox.queries.execution import execute
from sandbox.queries.preparation import prepare
from sandbox.queries.requests import QueryRequest
from sandbox.workers.job import Job, Limits, Parts, Rows, Side
from tests.support.answers import Held, InProcess
from tests.support.engine import Loaded, load_as, loaded

LICENCES = {
    notion: read_licence_text(Path(__file__).parent / "licences" / f"accuracy-{notion}.toml")
    for notion in ("pure", "zcdp")
}
"""By notion."""
CELLS = 10_000
DAYS = 1000.0
WORKER = Limits(threads=2, megabytes=8192)


@dataclass(frozen=True, slots=True)
class Repeated:
    """One loaded data set."""

    data: Loaded
    domain: UnitDomain

    def answers(self, sql: str, notion: str, epsilon: Fraction, runs: int) -> list[list[list[Any]]]:
        """The rows of so many answers, all bounds chosen privately. Refuses: sql.*, plan.*, spend.*."""
        held, name, kept = Held([self.data]), self.data.card.name, dict[Job, Rows]()
        request = QueryRequest("L1", "benchmark", name, sql, Spend(epsilon, None), ClipAt(None), None)
        people = {self.domain.name: self.domain}
        prepared = prepare(request, LICENCES[notion], InProcess(), held.snapshots, people, standard(cells=CELLS))
        session = Session([(f"/proc/self/fd/{self.data.private}", f"/proc/self/fd/{self.data.public}")], WORKER)

        def run(_: Parts, __: Side, job: Job) -> Rows:
            if job not in kept:
                kept[job] = session.run(job)
            return kept[job]

        return [json.loads(execute(prepared, held, run, DAYS).release)["rows"] for _ in range(runs)]


@contextmanager
def repeated(card: DatasetCard, domain: UnitDomain, folder: Path) -> Iterator[Repeated]:
    """The data set of this card, loaded from a folder of Parquet files named by table."""
    with loaded(card, _files(card, folder), format=Format.PARQUET, **load_as(domain)) as data:
        if data.findings:
            raise ValueError(f"{card.name} is not loaded: {data.findings}")
        yield Repeated(data, domain)


def exact(folder: Path, sql: str) -> Mapping[tuple[Any, ...], float]:
    """Plain DuckDB's answer: a number by the group keys before it."""
    with duckdb.connect() as connection:
        for file in sorted(folder.glob("*.parquet")):
            connection.execute(f"CREATE VIEW {file.stem} AS FROM '{file}'")
        return {tuple(row[:-1]): float(row[-1]) for row in connection.execute(sql).fetchall()}


def _files(card: DatasetCard, folder: Path) -> dict[str, bytes]:
    """Per table, a Parquet file of the card's columns alone."""
    with TemporaryDirectory() as made, duckdb.connect() as connection:
        for table in card.tables:
            columns = ", ".join(column.name for column in table.columns)
            rows = f"SELECT {columns} FROM '{folder}/{table.name}.parquet'"
            connection.execute(f"COPY ({rows}) TO '{made}/{table.name}' (FORMAT parquet)")
        return {table.name: (Path(made) / table.name).read_bytes() for table in card.tables}
