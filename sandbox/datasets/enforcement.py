# ruff: noqa: S608  statements are made of generated names; values are bound
"""The card's bounds, enforced: every stored value inside its declared domain, every declared key a key (rule 5)."""

from __future__ import annotations

from policies.cards import ColumnCard, TableCard
from sandbox.datasets.order import Finding, What
from sandbox.datasets.staging import Values, enforce_sql, members_of, stored_type
from sandbox.datasets.workbench import Workbench, place, stored


def enforce(bench: Workbench) -> None:
    """e{i}: row number n, the stored columns c{j}, `_unit` and `_seed`; rows without a unit are gone (rule 12)."""
    public_first = sorted(enumerate(bench.tables), key=lambda entry: entry[1].private)
    for i, table in public_first:
        values = Values()
        columns = [
            f"{enforce_sql(column, f'p{j}', _members(bench, i, j, column), values)} AS c{j}"
            for j, column in stored(table)
        ]
        if table.private:
            selected = ", ".join(["n", "_unit", "_seed", *columns])
            bench.rows(f"CREATE TABLE e{i} AS SELECT {selected} FROM a{i} WHERE _unit IS NOT NULL", **values.bound)
            bench.rows(f"DROP TABLE a{i}")
        else:
            bench.rows(f"CREATE TABLE e{i} AS SELECT {', '.join(['n', *columns])} FROM s{i}", **values.bound)
            bench.rows(f"DROP TABLE s{i}")
        _check(bench, i, table)
    bench.judge()


def _check(bench: Workbench, i: int, table: TableCard) -> None:
    """What the plan language will rely on must hold of the stored values themselves."""
    demanded = [(What.EMPTY, (column.name,), f"c{j} IS NULL") for j, column in stored(table) if not column.nullable]
    bench.count(table, f"e{i}", demanded)
    names = {column.name: f"c{j}" for j, column in stored(table)}
    bench.unique(What.DUPLICATE_KEY, table, table.key, f"e{i}", [names.get(name, "_unit") for name in table.key])
    if table.unit_key is not None:
        within = ["_unit", *(names[name] for name in table.unit_key)]
        bench.unique(What.DUPLICATE_UNIT_KEY, table, table.unit_key, f"e{i}", within)


def _members(bench: Workbench, i: int, j: int, column: ColumnCard) -> str | None:
    """A query of the values that the column may have, when they are a set."""
    if column.values is not None:
        members = f"unnest(CAST($members AS {stored_type(column)}[]))"
        bench.rows(f"CREATE TABLE m{i}_{j} AS SELECT {members} AS member", members=members_of(column))
        return f"SELECT member FROM m{i}_{j}"
    if column.key_of is None:
        return None
    target = bench.number(column.key_of)
    key = bench.tables[target].key[0]
    members = f"SELECT c{place(bench.tables[target], key)} FROM e{target}"
    if column.other is not None and bench.rows(f"SELECT $other NOT IN ({members})", other=column.other) != [(False,)]:
        bench.findings.append(Finding(What.OTHER_NOT_KEY, bench.tables[i].name, (column.name,)))
    return members
