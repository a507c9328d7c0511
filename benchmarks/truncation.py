"""Totals of TPC-H when a customer or a supplier may have up to a million rows, beside race-to-the-top's.

The queries are those of the repository of Dong et al., R2T, SIGMOD 2022 (ε = 0.8, global bound 10⁶, GROUP BY removed),
the privacy unit of each the one that it names, but for Q12, whose unit there is the order: here it is the customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from benchmarks.questions import Question
from policies.cards import DatasetCard
from tests.support.cards import card, day, domain, double, integer, private, public, unit

ROWS_PER_UNIT = 1_000_000
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
    """One total of all rows, as race-to-the-top was asked it, and the card that says whose they are."""

    card: DatasetCard
    question: Question


TOTALS = (
    Total(
        CUSTOMERS,
        Question(
            "q3",
            "Q3: lines of customers' orders before 1997, shipped after 1993",
            "SELECT COUNT(*) AS n FROM customer, orders, lineitem"
            " WHERE o_custkey = c_custkey AND l_orderkey = o_orderkey"
            " AND o_orderdate < DATE '1997-01-01' AND l_shipdate > DATE '1994-01-01'",
            0.254,
        ),
    ),
    Total(
        CUSTOMERS,
        Question(
            "q12",
            "Q12: lines of orders, by customer",
            "SELECT COUNT(*) AS n FROM orders, lineitem WHERE o_orderkey = l_orderkey",
            0.0229,
        ),
    ),
    Total(
        SUPPLIERS,
        Question(
            "q20",
            "Q20: lines of suppliers' parts",
            "SELECT COUNT(*) AS n FROM supplier, nation, partsupp, lineitem WHERE l_partkey = ps_partkey"
            " AND l_suppkey = ps_suppkey AND s_nationkey = n_nationkey AND s_suppkey = ps_suppkey",
            0.579,
        ),
    ),
    Total(
        CUSTOMERS,
        Question(
            "q10",
            "Q10: orders of customers",
            "SELECT COUNT(*) AS n FROM orders, customer, nation"
            " WHERE c_custkey = o_custkey AND c_nationkey = n_nationkey",
            0.174,
        ),
    ),
    Total(
        CUSTOMERS,
        Question(
            "q18",
            "Q18: quantity of customers' orders",
            "SELECT SUM(l_quantity) AS quantity FROM customer, orders, lineitem"
            " WHERE c_custkey = o_custkey AND o_orderkey = l_orderkey",
            0.132,
        ),
    ),
    Total(
        CUSTOMERS,
        Question(
            "q7",
            "Q7: revenue from customers' orders",
            "SELECT SUM(l_extendedprice * (1 - l_discount) / 1000) AS revenue"
            " FROM nation n1, nation n2, customer, orders, lineitem, supplier"
            " WHERE n1.n_nationkey = c_nationkey AND n2.n_nationkey = s_nationkey AND c_custkey = o_custkey"
            " AND o_orderkey = l_orderkey AND l_suppkey = s_suppkey",
            0.607,
        ),
    ),
    Total(
        SUPPLIERS,
        Question(
            "q11",
            "Q11: value of suppliers' stock",
            "SELECT SUM(ps_supplycost * ps_availqty / 1000000) AS worth FROM nation, supplier, partsupp"
            " WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey",
            1.82,
        ),
    ),
)
