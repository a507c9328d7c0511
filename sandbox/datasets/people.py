# ruff: noqa: S608  statements are made of generated names; values are bound
"""Whose rows they are: unit keys become numbers of the domain's dictionary, and every row finds its unit."""

from __future__ import annotations

from policies.cards import TableCard
from sandbox.datasets.order import Finding, What
from sandbox.datasets.units import bits_sql, hmac_sql, hmac_values
from sandbox.datasets.workbench import Workbench, place
from sandbox.errors import Fault


def number_units(bench: Workbench) -> None:
    """units: per unit key its number in the domain's dictionary and its seed; new units in digest order (rule 9)."""
    keys = [
        f"SELECT p{place(table, table.unit.columns[0])} AS key FROM s{i}"
        for i, table in enumerate(bench.tables)
        if table.unit is not None and table.unit.references is None
    ]
    everyone = " UNION ".join(keys) if keys else "SELECT CAST(NULL AS VARCHAR) AS key"
    bench.rows(
        "CREATE TABLE digests AS SELECT key,"
        f" {hmac_sql('$outer', '$inner', 'encode(key)')} AS digest,"
        f" {bits_sql(hmac_sql('$seed_outer', '$seed_inner', 'encode(key)'), 0)} AS seed"
        f" FROM (SELECT DISTINCT key FROM ({everyone}) WHERE key IS NOT NULL)",
        **hmac_values("", bench.order.digest_key),
        **hmac_values("seed_", bench.order.seed_key),
    )
    bench.rows(
        f"CREATE TABLE numbered AS SELECT key, seed, {bits_sql('digest', 0)} AS d0, {bits_sql('digest', 1)} AS d1"
        " FROM digests"
    )
    count = _dictionary(bench)
    bench.rows(
        "CREATE TABLE newcomers AS"
        " SELECT d0, d1, CAST($count AS BIGINT) - 1 + row_number() OVER (ORDER BY d0, d1) AS unit"
        " FROM numbered ANTI JOIN dictionary USING (d0, d1)",
        count=count,
    )
    bench.rows(
        "CREATE TABLE units AS SELECT key, seed, unit FROM numbered"
        " JOIN (FROM dictionary UNION ALL FROM newcomers) USING (d0, d1)"
    )
    [(present, distinct)] = bench.rows("SELECT count(*), count(DISTINCT unit) FROM units")
    if present != distinct:
        raise Fault("two unit keys share a digest")
    target = bench.scratch / "grown"
    bench.rows(f"COPY (FROM newcomers ORDER BY unit) TO '{target}' (FORMAT parquet, USE_TMP_FILE false)")
    if present > bench.order.max_units:
        bench.warnings.append(Finding(What.MANY_UNITS, bench.order.card.unit_domain))


def _dictionary(bench: Workbench) -> int:
    """dictionary: the domain's people so far; returns their number."""
    columns = "CAST(d0 AS UBIGINT) AS d0, CAST(d1 AS UBIGINT) AS d1, CAST(unit AS BIGINT) AS unit"
    if bench.order.segments:
        segments = [str(bench.scratch / f"segment{number}") for number in range(len(bench.order.segments))]
        bench.rows(f"CREATE TABLE dictionary AS SELECT {columns} FROM read_parquet($segments)", segments=segments)
    else:
        bench.rows("CREATE TABLE dictionary (d0 UBIGINT, d1 UBIGINT, unit BIGINT)")
    [(count, distinct, last)] = bench.rows(
        "SELECT count(*), count(DISTINCT unit), coalesce(max(unit), -1) FROM dictionary"
    )
    if not count == distinct == last + 1:
        raise Fault("the unit dictionary is not dense")
    return int(count)


def find_units(bench: Workbench) -> None:
    """a{i}: s{i} with `_unit` and `_seed`, along foreign keys to the table that has the unit key."""
    done = {table.name for table in bench.tables if table.unit is None}
    while len(done) < len(bench.tables):
        for i, table in enumerate(bench.tables):
            if table.name in done or table.unit is None or table.unit.references not in {None, *done}:
                continue
            if table.unit.references is None:
                bench.rows(
                    f"CREATE TABLE a{i} AS SELECT s{i}.*, t.unit AS _unit, t.seed AS _seed"
                    f" FROM s{i} LEFT JOIN units t ON s{i}.p{place(table, table.unit.columns[0])} = t.key"
                )
            else:
                _follow(bench, i, table, table.unit.columns, bench.number(table.unit.references))
            bench.rows(f"DROP TABLE s{i}")
            done.add(table.name)
    bench.judge()


def _follow(bench: Workbench, i: int, table: TableCard, columns: tuple[str, ...], target: int) -> None:
    """a{i} of a table whose rows belong to the unit of the row they refer to."""
    ours = [f"s{i}.p{place(table, name)}" for name in columns]
    theirs = [f"t.p{place(bench.tables[target], name)}" for name in bench.tables[target].key]
    match = " AND ".join(f"{our} = {their}" for our, their in zip(ours, theirs, strict=True))
    complete = " AND ".join(f"{our} IS NOT NULL" for our in ours)
    bench.rows(
        f"CREATE TABLE a{i} AS SELECT s{i}.*, t._unit, t._seed, {complete} AND t.n IS NULL AS lost"
        f" FROM s{i} LEFT JOIN a{target} t ON {match}"
    )
    bench.count(table, f"a{i}", [(What.NO_TARGET, columns, "lost")])
