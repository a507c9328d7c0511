"""The questions of the benchmark: each is asked of the service and of plain DuckDB in the same words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One question."""

    name: str
    dataset: str
    title: str
    sql: str
    target: float | None
    """Service over plain, at most, once the overhead of the path is taken off; None where no target is set."""


QUERIES = (
    Query("count", "census", "count(*)", "SELECT count(*) AS n FROM census", None),
    Query(
        "groups",
        "census",
        "count, average and sum of income by sex and education",
        "SELECT sex, educ, count(*) AS n, avg(income) AS average, sum(income) AS total"
        " FROM census GROUP BY sex, educ ORDER BY sex, educ",
        2,
    ),
    Query(
        "filter",
        "census",
        "count and average of income of those aged 65 and more, by region",
        "SELECT region, count(*) AS n, avg(income) AS average FROM census WHERE age >= 65 GROUP BY region"
        " ORDER BY region",
        2,
    ),
    Query(
        "q1",
        "tpch",
        "Q1: pricing summary",
        "SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,"
        " sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,"
        " sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,"
        " avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc,"
        " count(*) AS count_order FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY"
        " GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus",
        None,
    ),
    Query(
        "q3",
        "tpch",
        "Q3-like: open revenue of a segment by order date",
        "SELECT o_orderdate, o_shippriority, sum(l_extendedprice * (1 - l_discount)) AS revenue"
        " FROM customer, orders, lineitem"
        " WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey"
        " AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'"
        " GROUP BY o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10",
        None,
    ),
    Query(
        "q5",
        "tpch",
        "Q5: revenue of local suppliers by nation",
        "SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue"
        " FROM customer, orders, lineitem, supplier, nation, region"
        " WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey"
        " AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey"
        " AND r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01'"
        " AND o_orderdate < DATE '1994-01-01' + INTERVAL '1' YEAR GROUP BY n_name ORDER BY revenue DESC",
        None,
    ),
    Query(
        "q6",
        "tpch",
        "Q6: revenue of a change of discounts",
        "SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem WHERE l_shipdate >= DATE '1994-01-01'"
        " AND l_shipdate < DATE '1994-01-01' + INTERVAL '1' YEAR"
        " AND l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01 AND l_quantity < 24",
        None,
    ),
    Query(
        "q10",
        "tpch",
        "Q10-like: returned revenue of a quarter by nation",
        "SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, count(*) AS n"
        " FROM customer, orders, lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey"
        " AND o_orderdate >= DATE '1993-10-01' AND o_orderdate < DATE '1993-10-01' + INTERVAL '3' MONTH"
        " AND l_returnflag = 'R' AND c_nationkey = n_nationkey GROUP BY n_name ORDER BY revenue DESC LIMIT 20",
        None,
    ),
    Query(
        "q12",
        "tpch",
        "Q12: late lines by ship mode and priority",
        "SELECT l_shipmode,"
        " sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high,"
        " sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low"
        " FROM orders, lineitem WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP')"
        " AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate AND l_receiptdate >= DATE '1994-01-01'"
        " AND l_receiptdate < DATE '1994-01-01' + INTERVAL '1' YEAR GROUP BY l_shipmode ORDER BY l_shipmode",
        None,
    ),
)

SMALL = Query("small", "sample", "count by sex", "SELECT sex, count(*) AS n FROM sample GROUP BY sex", None)
"""What is left of its time, once its wait is taken off, is the overhead of the path."""
