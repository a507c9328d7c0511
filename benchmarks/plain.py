"""Plain DuckDB, the peer: the records in a native file with the columns, types and row order that a snapshot has."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from benchmarks import data

CARDS = Path(__file__).parent / "policy" / "cards"
SAMPLE = 1_000
"""Rows of the sample."""
_TYPES = {"unit": "BIGINT", "integer": "BIGINT", "double": "DOUBLE", "text": "VARCHAR", "date": "DATE"}
_ORDERS = {
    "census": "ORDER BY pid",
    "sample": "ORDER BY pid",
    "customer": "ORDER BY c_custkey",
    "orders": "ORDER BY o_custkey, o_orderkey",
    "lineitem": "JOIN orders ON l_orderkey = o_orderkey ORDER BY o_custkey, l_orderkey, l_linenumber",
}
"""As a snapshot is: by unit."""


class Plain:
    """The tables of every card in one file, and one warm connection to it."""

    def __init__(self, folder: Path, people: int, scale: float, threads: int) -> None:
        path = folder / "plain.duckdb"
        _fill(path, {"census": data.census(people), "sample": data.census(people), "tpch": data.tpch(scale)})
        self._connection = duckdb.connect(str(path), read_only=True, config={"threads": threads})

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The exact answer."""
        return self._connection.execute(sql).fetchall()

    def export(self, dataset: str, folder: Path) -> list[Path]:
        """The tables of a data set as Parquet files named by table, as a provider hands them over."""
        files = []
        for table in _card(dataset):
            files.append(folder / f"{table}.parquet")
            self._connection.execute(f"COPY {table} TO '{files[-1]}' (FORMAT parquet)")
        return files


def _card(dataset: str) -> dict[str, dict[str, str]]:
    """The tables of a card, and the type of each column."""
    card = tomllib.loads((CARDS / f"{dataset}.toml").read_text(encoding="utf-8"))
    return {table["name"]: {column["name"]: column["type"] for column in table["columns"]} for table in card["tables"]}


def _fill(path: Path, sources: dict[str, Path]) -> None:
    with duckdb.connect(str(path)) as connection:
        for dataset, source in sources.items():
            for table, columns in _card(dataset).items():
                file = source / f"{table}.parquet" if source.is_dir() else source
                chosen = ", ".join(f"CAST({name} AS {_TYPES[type_]}) AS {name}" for name, type_ in columns.items())
                rows = f"(FROM '{file}' LIMIT {SAMPLE})" if dataset == "sample" else f"'{file}'"
                connection.execute(f"CREATE TABLE {table} AS SELECT {chosen} FROM {rows} {_ORDERS.get(table, '')}")
