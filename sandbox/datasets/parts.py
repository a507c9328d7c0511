# ruff: noqa: S608  statements are made of generated names; values are bound
"""The two plain parts of a snapshot: tables t{i} with columns c{j}, and what is public about the public ones."""

from __future__ import annotations

from fractions import Fraction

from policies.cards import ColumnType, TableCard
from sandbox.datasets.units import bits_sql, content_sql, hmac_sql, hmac_values
from sandbox.datasets.workbench import Workbench, place, stored
from sandbox.errors import Fault
from sandbox.plan.checked import PublicFacts
from sandbox.plan.nodes import Scalar

FEW = 1000
"""Up to so many distinct values, the values of a public column stand in the manifest: they make public group keys."""


def write(bench: Workbench) -> dict[str, PublicFacts]:
    """Writes both parts; returns the facts of the public tables."""
    for part in ("private", "public"):
        bench.rows(f"ATTACH '{bench.scratch / part}' AS {part}_part (RECOVERY_MODE no_wal_writes)")
    for i, table in enumerate(bench.tables):
        columns = [f"c{j}" for j, _ in stored(table)]
        if table.private:
            _write_private(bench, i, table, columns)
            _assert_sorted(bench, i)
        else:
            order = ", ".join([f"c{place(table, name)}" for name in table.key] or columns)
            selected = ", ".join(columns)
            bench.rows(f"CREATE TABLE public_part.main.t{i} AS SELECT {selected} FROM e{i} ORDER BY {order}")
        bench.rows(f"DROP TABLE e{i}")
    facts = {table.name: _facts(bench, i, table) for i, table in enumerate(bench.tables) if not table.private}
    for part in ("private", "public"):
        bench.rows(f"CHECKPOINT {part}_part")
        bench.rows(f"DETACH {part}_part")
    return facts


def _write_private(bench: Workbench, i: int, table: TableCard, columns: list[str]) -> None:
    """t{i}, sorted by unit, with the first `rows_per_unit` rows of each unit by `_rank` (rules 11, 14).

    `_row` numbers the unit's rows by content; `_rank` by (keyed hash of seed, content and occurrence number among
    equal rows, content). Equal rows take their numbers in the same order, so the whole is a function of the multiset.
    """
    selected = ", ".join([*columns, "_unit", "_seed", "_row", "_rank"])
    target = f"CREATE TABLE private_part.main.t{i} AS SELECT {selected} FROM"
    if table.unit_key == ():
        bench.rows(f"{target} (SELECT *, 1::BIGINT AS _row, 1::BIGINT AS _rank FROM e{i}) ORDER BY _unit")
        return
    digest = hmac_sql("$outer", "$inner", "encode(_seed || ':' || content || occurrence)")
    bench.rows(
        f"{target} ("
        "SELECT *, row_number() OVER (PARTITION BY _unit ORDER BY hash, content, occurrence) AS _rank FROM ("
        f"SELECT *, {bits_sql(digest, 0)} AS hash FROM ("
        "SELECT *, row_number() OVER same AS _row, row_number() OVER same - rank() OVER same + 1 AS occurrence FROM ("
        f"SELECT *, {content_sql(columns)} AS content FROM e{i})"
        " WINDOW same AS (PARTITION BY _unit ORDER BY content))))"
        " WHERE _rank <= $limit ORDER BY _unit, _row",
        limit=table.rows_per_unit,
        **hmac_values("", bench.order.seed_key),
    )


def _assert_sorted(bench: Workbench, i: int) -> None:
    [(unsorted,)] = bench.rows(
        "SELECT count(*) FROM (SELECT _unit, _row, lag(_unit) OVER () AS u, lag(_row) OVER () AS r"
        f" FROM private_part.main.t{i}) WHERE _unit < u OR (_unit = u AND _row <= r)"
    )
    if unsorted:
        raise Fault("a private table is not sorted by unit")


def _facts(bench: Workbench, i: int, table: TableCard) -> PublicFacts:
    source = f"public_part.main.t{i}"
    [(rows,)] = bench.rows(f"SELECT count(*) FROM {source}")
    members: dict[str, tuple[Scalar, ...]] = {}
    multiplicity = {}
    for j, column in stored(table):
        groups = f"SELECT count(*) AS n FROM {source} WHERE c{j} IS NOT NULL GROUP BY c{j}"
        [(multiplicity[column.name], distinct)] = bench.rows(f"SELECT coalesce(max(n), 0), count(*) FROM ({groups})")
        if table.key == (column.name,) or (distinct <= FEW and column.type is not ColumnType.DOUBLE):
            found = bench.rows(f"SELECT DISTINCT c{j} AS v FROM {source} WHERE c{j} IS NOT NULL ORDER BY v")
            members[column.name] = tuple(Fraction(value) if isinstance(value, float) else value for (value,) in found)
    return PublicFacts(rows, members, multiplicity)
