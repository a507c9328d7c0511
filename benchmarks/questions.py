"""The questions of the accuracy benchmark about the panel, each with the error of the best peer on such data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Its answer's last column is compared, by the columns before it."""

    name: str
    title: str
    sql: str
    best: float
    """Median relative error of the most accurate peer at the same ε. Unit: per cent."""


QUESTIONS = (
    Question("count", "COUNT", "SELECT COUNT(*) AS n FROM purchases", 0.18),
    Question("sum", "SUM", "SELECT SUM(amount) AS total FROM purchases", 0.20),
    Question("avg", "AVG", "SELECT AVG(amount) AS mean FROM purchases", 0.12),
    Question("stddev", "STDDEV", "SELECT STDDEV(amount) AS spread FROM purchases", 1.6),
    Question("units", "COUNT DISTINCT unit", "SELECT COUNT(DISTINCT pid) AS people FROM purchases", 0.025),
    Question(
        "count_by_shop",
        "COUNT by 8 keys",
        "SELECT shop, COUNT(*) AS n FROM purchases GROUP BY shop ORDER BY shop",
        0.97,
    ),
    Question("median", "MEDIAN", "SELECT MEDIAN(amount) AS middle FROM purchases", 0.20),
    Question(
        "sum_by_city",
        "SUM by city over a join",
        "SELECT city, SUM(amount) AS total FROM members JOIN purchases ON members.pid = purchases.pid"
        " GROUP BY city ORDER BY city",
        0.97,
    ),
    Question(
        "avg_of_sums",
        "AVG of each unit's SUM",
        "SELECT AVG(total) AS mean FROM (SELECT pid, SUM(amount) AS total FROM purchases GROUP BY pid) AS sums",
        0.86,
    ),
)
