"""Frames of the workers: exact both ways, and nothing but what a job declares comes back."""

from __future__ import annotations

import socket
import time
from datetime import date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.plan.nodes import Scalar, Type
from sandbox.workers.job import Job, Table
from sandbox.workers.wire import (
    Json,
    decode_job,
    decode_scalar,
    encode_job,
    encode_scalar,
    judge_rows,
    receive_frame,
    send_frame,
)

SCALARS: st.SearchStrategy[Scalar] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False).map(Fraction),
    st.fractions(),
    st.text(),
    st.dates(),
    st.datetimes(),
)


@given(SCALARS)
def test_scalars(value: Scalar) -> None:
    found = decode_scalar(encode_scalar(value))
    assert found == value
    assert type(found) is type(value)


@given(st.lists(SCALARS, max_size=3), st.lists(st.sampled_from(list(Type)), max_size=3))
def test_jobs(values: list[Scalar], columns: list[Type]) -> None:
    table = Table("m1", (("k1", Type.TEXT), ("a1", Type.INTEGER)), (("甲", 1), (None, 2)))
    job = Job("SELECT $1", tuple(values), (table,), tuple(columns), 7, 1.5)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_frame(ours, encode_job(job))
        assert decode_job(receive_frame(theirs)) == job


@pytest.mark.parametrize("value", [1.5, [], {}, {"q": "1/0"}, {"q": "1e999999999"}, {"q": "1", "d": "x"}, {"d": "x"}])
def test_what_is_no_scalar(value: Json) -> None:
    with pytest.raises(ValueError, match=r"not a scalar|isoformat"):
        decode_scalar(value)


INT, REAL, TEXT = Type.INTEGER, Type.DOUBLE, Type.TEXT


@pytest.mark.parametrize(
    ("columns", "row", "fits"),
    [
        ((INT,), (1,), True),
        ((INT,), (None,), True),
        ((INT,), (2**63 - 1,), True),
        ((INT,), (2**63,), False),
        ((INT,), (True,), False),
        ((INT,), (Fraction(1),), False),
        ((INT,), (1, 2), False),
        ((INT, INT), (1,), False),
        ((REAL,), (Fraction(1, 2),), True),
        ((REAL,), (1,), False),
        ((TEXT,), ("a",), True),
        ((TEXT,), (1,), False),
        ((Type.BOOLEAN,), (False,), True),
        ((Type.BOOLEAN,), (0,), False),
        ((Type.DATE,), (date(2024, 1, 1),), True),
        ((Type.DATE,), (datetime(2024, 1, 1),), False),  # noqa: DTZ001
        ((Type.TIMESTAMP,), (datetime(2024, 1, 1),), True),  # noqa: DTZ001
        ((Type.TIMESTAMP,), (date(2024, 1, 1),), False),
        ((Type.UNIT,), (1,), False),
    ],
)
def test_rows_have_the_declared_shape(columns: tuple[Type, ...], row: tuple[Scalar, ...], fits: bool) -> None:
    job = Job("", (), (), columns, 1, 1.0)
    assert (judge_rows((row,), job) is not None) == fits


def test_too_many_rows() -> None:
    job = Job("", (), (), (INT,), 2, 1.0)
    assert judge_rows(((1,), (2,)), job) is not None
    assert judge_rows(((1,), (2,), (3,)), job) is None


def test_streams_that_end_or_stall() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            ours.sendall(b"\0\0\0\x09[1")
            with pytest.raises(TimeoutError):
                receive_frame(theirs, time.monotonic() + 0.05)
        ours.close()
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(b"\0\0\0\x09[1")
        ours.close()
        with pytest.raises(EOFError):
            receive_frame(theirs)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"\xff\xff\xff\xff")
        with pytest.raises(EOFError):
            receive_frame(theirs)
