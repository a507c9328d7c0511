"""The grouping sets of a measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Levels:
    """Grouping sets: the same rows grouped by several sets of a measure's keys at once.

    SQL: `GROUP BY ROLLUP(a, b)`, `CUBE(a, b)`, `GROUPING SETS ((a, b), (a), ())`, beside one another and nested, in any
        number up to 64; `GROUPING(a)`, `GROUPING_ID(a, b)`
    Rule: a unit is cut once, by all keys; every set is measured, with a threshold of its own where its keys are
        private, and public sets are made to add up (rule 25); not within a unit, nor of released or public rows
    Cost: a total per set and statistic, from one scan; under a clip one vector over all sets
    Example: SELECT 科室, COUNT(*) AS n, GROUPING(科室) AS every FROM visits GROUP BY ROLLUP(科室)
    Example: SELECT 性别, birth_year > 1980 AS young, SUM(income), AVG(income) FROM persons GROUP BY CUBE(性别, young)
    Example: SELECT income, 性别, COUNT(*) FROM persons GROUP BY GROUPING SETS ((income), (性别), ())
    """

    name: str
    """Of the released column that tells the set: a whole number with a bit for each key, the first key's highest, which
    is 1 where the key is not in the set; its own column is NULL then."""
    sets: tuple[tuple[str, ...], ...]
    """Names of keys, in the measure's order; different sets, which together have every key."""
