"""The keyed choice of group keys: the published vectors, and the engine's own spelling of them."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from functools import cache
from hashlib import md5

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from sandbox.engines.choices import choice, choice_sql, encode
from sandbox.engines.expressions import column
from sandbox.engines.operands import SQL_TYPES
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.signatures import VALUES
from tests.support.expressions import values_of

Key = tuple[tuple[Type, Scalar], ...]

VECTORS: list[tuple[int, Key, str, str]] = [
    (0, (), "0", "cfcd208495d565ef"),
    (7, ((Type.TEXT, None), (Type.INTEGER, -5), (Type.TEXT, "a;n")), "7;n;2:-5;3:a;n", "38e347d767e9925e"),
    (2**64 - 1, ((Type.DOUBLE, Fraction(0.1)),), "18446744073709551615;23:1.00000000000000006e-01", "e09892be926b618b"),
    (1, ((Type.BOOLEAN, True), (Type.DATE, date(2024, 2, 29))), "1;4:true;10:2024-02-29", "1a82f4a8ef283634"),
    (2, ((Type.TEXT, "内科"), (Type.TEXT, "")), "2;2:内科;0:", "c890541d1d3f2aed"),
    (3, ((Type.TIMESTAMP, datetime.fromisoformat("1970-01-01T00:00:01.5")),), "3;7:1500000", "e7aa9797c91e9534"),
    (4, ((Type.DOUBLE, Fraction(-5, 2)),), "4;24:-2.50000000000000000e+00", "27a6af8fa279496e"),
]


@pytest.mark.parametrize(("seed", "key", "text", "digest"), VECTORS)
def test_vectors(seed: int, key: Key, text: str, digest: str) -> None:
    assert encode(seed, key) == text
    assert md5(text.encode(), usedforsecurity=False).hexdigest()[:16] == digest
    assert choice(seed, key) == int(digest, 16)
    assert engine_choice(seed, key) == digest


@cache
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def engine_choice(seed: int, key: Key) -> str:
    types = [type_ for type_, _ in key]
    names = [f"c{i}" for i in range(len(key))]
    sql = choice_sql(column("t", "s"), list(zip(types, (column("t", name) for name in names), strict=True)))
    casts = [f"CAST(${i} AS {SQL_TYPES[type_]}) c{i - 2}" for i, type_ in enumerate(types, 2)]
    source = ", ".join(["CAST($1 AS UBIGINT) s", *casts])
    text = exp.Select(expressions=[sql]).sql("duckdb")
    bound = [seed, *(float(value) if isinstance(value, Fraction) else value for _, value in key)]
    row = engine().execute(f"{text} FROM (SELECT {source}) t", bound).fetchone()
    assert row is not None
    return str(row[0])


PARTS = st.sampled_from(VALUES).flatmap(lambda type_: st.tuples(st.just(type_), st.none() | values_of(type_)))


@given(st.integers(0, 2**64 - 1), st.lists(PARTS, max_size=3).map(tuple))
def test_the_engine_agrees(seed: int, key: Key) -> None:
    exact = tuple((type_, Fraction(float(value)) if isinstance(value, Fraction) else value) for type_, value in key)
    assert int(engine_choice(seed, exact), 16) == choice(seed, exact)


SAME_TYPES = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).flatmap(
    lambda types: st.tuples(*(st.tuples(st.just(type_), st.none() | values_of(type_)) for type_ in types))
)


@given(st.integers(0, 3), SAME_TYPES, st.integers(0, 3), SAME_TYPES)
def test_the_encoding_is_injective(seed: int, key: Key, other_seed: int, other: Key) -> None:
    if [type_ for type_, _ in key] == [type_ for type_, _ in other]:
        rounded, other_rounded = (
            [float(value) if isinstance(value, Fraction) else value for _, value in one] for one in (key, other)
        )
        assert (encode(seed, key) == encode(other_seed, other)) == ((seed, rounded) == (other_seed, other_rounded))
