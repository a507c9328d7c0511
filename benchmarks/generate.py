"""Benchmark tables by formula: every value is a hash of its row number, so a run repeats on one DuckDB version.

census: one row a person (income log-normal by education). visits: many rows a person, heavily skewed over people.
panel: few people with few rows each, for accuracy.
"""

from pathlib import Path

import duckdb

# u(i, k): the k-th uniform number in [0, 1) of row i.
UNIFORM = "CREATE MACRO u(i, k) AS (hash(i * 64 + k) >> 11)::DOUBLE / 9007199254740992.0"

CENSUS = """
    SELECT i::BIGINT AS pid,
           least(100, floor(101 * pow(u(i, 1), 1.3)))::INTEGER AS age,
           (u(i, 2) < 0.51)::INTEGER AS sex,
           (1 + floor(16 * u(i, 3)))::INTEGER AS educ,
           round(least(500000.0, exp(9.7 + 0.06 * (1 + floor(16 * u(i, 3)))
               + 0.7 * sqrt(-2 * ln(1 - u(i, 4))) * cos(2 * pi() * u(i, 5)))), 2)::DOUBLE AS income,
           (1 + floor(34 * pow(u(i, 6), 1.5)))::INTEGER AS region
    FROM range(0, {rows}) r(i)"""

# Frequent people are scattered over the key space by an odd multiplier.
VISITS = """
    SELECT ((floor({people} * pow(u(i, 11), 3))::BIGINT * 7368787) % {people})::BIGINT AS pid,
           (1 + floor(500 * pow(u(i, 12), 2)))::INTEGER AS clinic_id,
           (DATE '2024-01-01' + floor(366 * u(i, 13))::INTEGER)::DATE AS ts,
           round(least(2000.0, -120 * ln(1 - u(i, 14))), 2)::DOUBLE AS cost
    FROM range(0, {rows}) r(i)"""

# A panel of 2,000 members and 20,000 purchases, at most 22 each (10 on average).
MEMBERS = "SELECT i::BIGINT AS pid, (1 + floor(8 * pow(u(i, 21), 1.3)))::BIGINT AS city FROM range(0, 2000) r(i)"
PURCHASES = """
    SELECT (i * 22 + j)::BIGINT AS id, i::BIGINT AS pid,
           (1 + floor(8 * pow(u(i * 22 + j, 22), 1.3)))::BIGINT AS shop,
           round(100 * pow(u(i * 22 + j, 23), 0.8), 2)::DOUBLE AS amount
    FROM range(0, 2000) r(i), range(0, 22) s(j)
    QUALIFY row_number() OVER (ORDER BY (j + 1) / (1 + floor(22 * pow(u(i, 24), 0.5))), i) <= 20000"""


def panel(target: Path) -> None:
    """Writes the panel as a folder of Parquet files named by table."""
    target.mkdir()
    _write(target / "members.parquet", MEMBERS)
    _write(target / "purchases.parquet", PURCHASES)


def census(target: Path, rows: int) -> None:
    """Writes the census as Parquet."""
    _write(target, CENSUS.format(rows=rows))


def visits(target: Path, people: int, rows: int) -> None:
    """Writes the visits of the first `people` persons of the census as Parquet."""
    _write(target, VISITS.format(people=people, rows=rows))


def _write(target: Path, select: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(UNIFORM)
        connection.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
