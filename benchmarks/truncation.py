"""Totals of TPC-H when a customer or a supplier may have up to a million rows, beside race-to-the-top's.

The queries are those of the repository of Dong et al., R2T, SIGMOD 2022 (ε = 0.8, global bound 10⁶, GROUP BY removed),
the privacy unit of each the one that it names, or for Q12, whose unit there is the order, the customer. The card bounds
a unit's rows by a million, and what a unit counts with is chosen privately (`bounds: "auto"`). The whole path runs but
front end, ledger and workers. What a job finds is exact and kept: a run draws new noise, for the choice too.
`python -m benchmarks.truncation` prints the median relative errors, cut and noise together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks import data
from policies.cards import DatasetCard
from policies.licences import LicenceBudget, Notion
from sandbox.datasets.order import Format
from sandbox.engines.duckdb import Session
from sandbox.execution import execute
from sandbox.plan.limits import standard
from sandbox.preparation import Prepared, prepare
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.loss import Spend
from sandbox.requests import QueryRequest
from sandbox.workers.job import Job, Limits, Parts, Rows, Side
from tests.support.answers import LICENCE, Held, InProcess
from tests.support.cards import card, day, domain, double, integer, private, public, unit
from tests.support.engine import loaded

RUNS = 200
EPSILON = Fraction("0.8")
ROWS_PER_UNIT = 1_000_000
DAYS = 1000.0
_DATES = (date(1992, 1, 1), date(1998, 12, 31))
_PRICE = (double("l_extendedprice", "0", "105000"), double("l_discount", "0", "0.10"))
_NATION = public("nation", integer("n_nationkey", 0, 24), key=("n_nationkey",))

CUSTOMERS = card(
    "by_customer",
    private(
        "customer",
        unit("c_custkey"),
        integer("c_nationkey", key_of="nation"),
        path="c_custkey",
        rows=1,
        key=("c_custkey",),
        unit_key=(),
    ),
    private(
        "orders",
        integer("o_orderkey"),
        unit("o_custkey"),
        day("o_orderdate", *_DATES),
        path="o_custkey",
        rows=ROWS_PER_UNIT,
        key=("o_orderkey",),
        unit_key=("o_orderkey",),
    ),
    private(
        "lineitem",
        integer("l_orderkey"),
        integer("l_suppkey"),
        integer("l_linenumber", 1, 7),
        double("l_quantity", "0", "50", "1"),
        *_PRICE,
        day("l_shipdate", *_DATES),
        path=("l_orderkey", "orders"),
        rows=ROWS_PER_UNIT,
        key=("l_orderkey", "l_linenumber"),
        unit_key=("l_orderkey", "l_linenumber"),
    ),
    _NATION,
    public("supplier", integer("s_suppkey"), integer("s_nationkey", key_of="nation"), key=("s_suppkey",)),
    domain="customers",
)
SUPPLIERS = card(
    "by_supplier",
    private(
        "supplier",
        unit("s_suppkey"),
        integer("s_nationkey", key_of="nation"),
        path="s_suppkey",
        rows=1,
        key=("s_suppkey",),
        unit_key=(),
    ),
    private(
        "partsupp",
        integer("ps_partkey"),
        unit("ps_suppkey"),
        integer("ps_availqty", 0, 10_000),
        double("ps_supplycost", "0", "1000"),
        path="ps_suppkey",
        rows=ROWS_PER_UNIT,
        key=("ps_partkey", "ps_suppkey"),
        unit_key=("ps_partkey",),
    ),
    private(
        "lineitem",
        integer("l_orderkey"),
        integer("l_partkey"),
        unit("l_suppkey"),
        integer("l_linenumber", 1, 7),
        path="l_suppkey",
        rows=ROWS_PER_UNIT,
        key=("l_orderkey", "l_linenumber"),
        unit_key=("l_orderkey", "l_linenumber"),
    ),
    _NATION,
    domain="suppliers",
)
UNITS = {"customers": domain("customers", 1_000_000), "suppliers": domain("suppliers", 100_000)}


@dataclass(frozen=True, slots=True)
class Total:
    """One total of all rows, as race-to-the-top was asked it."""

    name: str
    title: str
    card: DatasetCard
    sql: str
    best: float
    """Relative error of race-to-the-top. Unit: per cent."""


TOTALS = (
    Total(
        "q3",
        "Q3: lines of customers' orders before 1997, shipped after 1993",
        CUSTOMERS,
        "SELECT COUNT(*) AS n FROM customer, orders, lineitem WHERE o_custkey = c_custkey AND l_orderkey = o_orderkey"
        " AND o_orderdate < DATE '1997-01-01' AND l_shipdate > DATE '1994-01-01'",
        0.254,
    ),
    Total(
        "q12",
        "Q12: lines of orders, by customer",
        CUSTOMERS,
        "SELECT COUNT(*) AS n FROM orders, lineitem WHERE o_orderkey = l_orderkey",
        0.0229,
    ),
    Total(
        "q20",
        "Q20: lines of suppliers' parts",
        SUPPLIERS,
        "SELECT COUNT(*) AS n FROM supplier, nation, partsupp, lineitem WHERE l_partkey = ps_partkey"
        " AND l_suppkey = ps_suppkey AND s_nationkey = n_nationkey AND s_suppkey = ps_suppkey",
        0.579,
    ),
    Total(
        "q10",
        "Q10: orders of customers",
        CUSTOMERS,
        "SELECT COUNT(*) AS n FROM orders, customer, nation WHERE c_custkey = o_custkey AND c_nationkey = n_nationkey",
        0.174,
    ),
    Total(
        "q18",
        "Q18: quantity of customers' orders",
        CUSTOMERS,
        "SELECT SUM(l_quantity) AS quantity FROM customer, orders, lineitem"
        " WHERE c_custkey = o_custkey AND o_orderkey = l_orderkey",
        0.132,
    ),
    Total(
        "q7",
        "Q7: revenue from customers' orders",
        CUSTOMERS,
        "SELECT SUM(l_extendedprice * (1 - l_discount) / 1000) AS revenue"
        " FROM nation n1, nation n2, customer, orders, lineitem, supplier"
        " WHERE n1.n_nationkey = c_nationkey AND n2.n_nationkey = s_nationkey AND c_custkey = o_custkey"
        " AND o_orderkey = l_orderkey AND l_suppkey = s_suppkey",
        0.607,
    ),
    Total(
        "q11",
        "Q11: value of suppliers' stock",
        SUPPLIERS,
        "SELECT SUM(ps_supplycost * ps_availqty / 1000000) AS worth FROM nation, supplier, partsupp"
        " WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey",
        1.82,
    ),
)
LICENCES = {
    "pure": replace(LICENCE, notion=Notion.PURE, budget=LicenceBudget(None, Fraction(1), Fraction(0))),
    "zcdp": replace(LICENCE, budget=LicenceBudget(Fraction(1), None, Fraction(1, 10**5))),
}

Figure = dict[str, Any]


def figures(runs: int, scale: float = 1) -> list[Figure]:
    """Per total and notion, how far answers are from the truth."""
    folder = data.tpch(scale)
    return [each for of in (CUSTOMERS, SUPPLIERS) for each in _of_units(of, folder, runs)]


def _of_units(of: DatasetCard, folder: Path, runs: int) -> list[Figure]:
    """Those of the totals that are asked under this card."""
    with ExitStack() as stack:
        files = _files(of, folder)
        part = stack.enter_context(loaded(of, files, format=Format.PARQUET, max_units=UNITS[of.unit_domain].max_units))
        if part.findings:
            raise ValueError(f"{of.name} is not loaded: {part.findings}")
        held = Held([part])
        session = Session([(f"/proc/self/fd/{part.private}", f"/proc/self/fd/{part.public}")], Limits(2, 8192))
        found = []
        for total in (each for each in TOTALS if each.card is of):
            kept: dict[Job, Rows] = {}

            def run(_: Parts, __: Side, job: Job, kept: dict[Job, Rows] = kept) -> Rows:
                if job not in kept:
                    kept[job] = session.run(job)
                return kept[job]

            truth = exact(folder, total.sql)
            for notion, licence in LICENCES.items():
                request = QueryRequest("L1", "planning", of.name, total.sql, Spend(EPSILON, None), ClipAt(None), None)
                prepared = prepare(request, licence, InProcess(), held.snapshots, UNITS, standard(cells=1))
                answers = [_value(prepared, held, run) for _ in range(runs)]
                found.append(_figure(total, notion, [abs(each / truth - 1) for each in answers]))
        return found


def _files(of: DatasetCard, folder: Path) -> dict[str, bytes]:
    """Per table, a Parquet file of the card's columns alone."""
    with TemporaryDirectory() as made, duckdb.connect() as connection:
        for table in of.tables:
            columns = ", ".join(column.name for column in table.columns)
            rows = f"SELECT {columns} FROM '{folder}/{table.name}.parquet'"
            connection.execute(f"COPY ({rows}) TO '{made}/{table.name}' (FORMAT parquet)")
        return {table.name: (Path(made) / table.name).read_bytes() for table in of.tables}


def _value(prepared: Prepared, held: Held, run: Any) -> float:
    return float(json.loads(execute(prepared, held, run, DAYS).release)["rows"][0][0])


def exact(folder: Path, sql: str) -> float:
    """Plain DuckDB's answer."""
    with duckdb.connect() as connection:
        for file in sorted(folder.glob("*.parquet")):
            connection.execute(f"CREATE VIEW {file.stem} AS FROM '{file}'")
        return float(connection.execute(sql).fetchall()[0][0])


def _figure(total: Total, notion: str, errors: Sequence[float]) -> Figure:
    value = 100 * median(errors)
    print(f"{total.title}, {notion}: {value:.3g} % (race-to-the-top {total.best:g} %)", flush=True)
    return {
        "id": f"{total.name}.{notion}",
        "title": total.title,
        "data": "tpch",
        "unit": "%",
        "target": total.best,
        "better": "lower",
        "peer": {"best": total.best},
        "value": float(f"{value:.4g}"),
        "worst": float(f"{100 * max(errors):.4g}"),
    }


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
