"""With ε → ∞ and no bounds, every accepted golden query answers what plain SQL does: small data, and TPC-H itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import duckdb
import pytest

from benchmarks.data import tpch
from policies.cards import Bounds
from sandbox.datasets.order import Format
from sandbox.plan.limits import standard
from tests.support.answers import Asker, PlainSql, compare
from tests.support.cards import TPCH
from tests.support.engine import load_as, loaded
from tests.support.judging import FEW
from tests.support.lowering import Case, files, read
from tests.support.records import CITIES, ROOMY, Records
from tests.support.sql_page import DATASET, rows

EXAMPLES = [Case(DATASET, sql, sql, "") for sql in dict.fromkeys(each for row in rows() for each in row.examples)]
"""Those of docs/sql.md."""
CASES = [*(case for path in files("accepted") for case in read(path)), *EXAMPLES]
NOTHING = {
    "a constant divided by zero is left to the engine, where it is NULL",
    "LIKE, ILIKE and their negations",
    "texts",
}
"""Queries that no row of these databases passes; the oracle of lowering has rows for them."""
Q10 = Case(
    "tpch",
    "Q10 by nation",
    "SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, count(DISTINCT c_custkey) AS customers"
    " FROM customer, orders, lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey"
    " AND o_orderdate >= DATE '1993-10-01' AND o_orderdate < DATE '1993-10-01' + INTERVAL '3' MONTH"
    " AND l_returnflag = 'R' AND c_nationkey = n_nationkey GROUP BY n_name ORDER BY revenue DESC LIMIT 20",
    "",
)
NO_BOUNDS = Bounds(10**6, 10**6)
PERSONS = 150


@dataclass(frozen=True, slots=True)
class Both:
    """The two ways to ask."""

    asker: Asker
    plain: PlainSql


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with ExitStack() as stack:
        clinic = stack.enter_context(loaded(ROOMY, people(7).doubled().files, **load_as(FEW["people"])))
        folder = tmp_path_factory.mktemp("tpch")
        contents = {table.name: tpch_file(folder, table.name) for table in TPCH.tables}
        big = stack.enter_context(loaded(TPCH, contents, format=Format.PARQUET, **load_as(FEW["customers"])))
        assert clinic.findings == big.findings == ()
        yield Both(Asker([clinic, big], FEW, standard(cells=10_000)), PlainSql([clinic, big]))


def people(number: int) -> Records:
    """Persons, visits and drugs that reach most groups of the golden queries."""
    chance = Random(number)
    codes = [row[0] for row in CITIES]
    persons = tuple(
        (
            str(one),
            chance.choice(("女", "男", "")),
            str(chance.randint(1920, 2010)),
            chance.choice(("", "0", f"{chance.uniform(1, 500_000):.2f}", f"{chance.uniform(1, 2_000):.2f}")),
            chance.choice((*codes, "")),
        )
        for one in range(PERSONS)
    )
    visits = tuple(
        (
            str(number),
            str(chance.randrange(PERSONS)),
            chance.choice(("内科", "外科", "儿科", "其他")),
            f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            chance.choice(("", f"{chance.uniform(0, 2_000):.2f}", f"{chance.uniform(0, 60):.2f}")),
            chance.choice(("true", "false")),
        )
        for number in range(1, 4 * PERSONS)
    )
    drugs = tuple(
        (str(chance.randrange(1, 4 * PERSONS)), chance.choice("ABC"), str(chance.randint(0, 10)))
        for _ in range(4 * PERSONS)
    )
    return Records(persons, visits, drugs)


def tpch_file(folder: Path, table: str) -> bytes:
    """A table of TPC-H at scale 0.01, with the columns that the card has."""
    declared = TPCH.table(table)
    assert declared is not None
    columns = ", ".join(column.name for column in declared.columns)
    source, target = tpch(0.01) / f"{table}.parquet", folder / f"{table}.parquet"
    duckdb.execute(f"COPY (SELECT {columns} FROM '{source}') TO '{target}' (FORMAT parquet)")
    return target.read_bytes()


@pytest.mark.parametrize("case", [*CASES, Q10], ids=lambda case: case.name)
def test_the_answer_is_plain_sql_s(both: Both, case: Case) -> None:
    plain = both.plain.ask(case.sql, case.dataset)
    assert case.name in NOTHING or any(any(cell not in (None, 0.0) for cell in row) for row in plain)
    compare(both.asker.ask(case.sql, case.dataset, NO_BOUNDS), plain, ordered=False)
