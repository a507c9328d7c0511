"""Frames of the workers: exact both ways, and nothing but what a job declares comes back."""

from __future__ import annotations

import socket
import threading
import time
from datetime import date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.plan.nodes import Scalar, Type
from sandbox.workers.job import Job, Table
from sandbox.workers.wire import (
    BATCH,
    MAX_FRAME,
    JobFailed,
    Json,
    Row,
    decode_scalar,
    encode_scalar,
    judge_rows,
    receive_frame,
    receive_job,
    receive_rows,
    send_failure,
    send_frame,
    send_job,
    send_rows,
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
        send_job(ours, job)
        assert receive_job(theirs) == job


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


def test_no_size_of_rows_makes_a_frame_too_long() -> None:
    """Rule 2: how long the texts of private keys are does not decide whether an answer leaves."""
    row: Row = ("测" * 256, '\0\\"' * 85, 1)
    rows = 3 * BATCH // 256
    assert rows * 256 * len("测".encode()) > 2 * BATCH
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=send_rows, args=(ours, (row for _ in range(rows))))
        sender.start()
        frames = list[int]()
        while isinstance(found := receive_frame(theirs), list):
            assert all(one == list(row) for one in found)
            frames.append(len(found))
        sender.join()
    assert sum(frames) == rows
    assert max(frames) * 256 < 2 * BATCH < MAX_FRAME


@pytest.mark.parametrize(
    ("frames", "most", "error"),
    [
        ([[[1]], [[2]], {"end": True}], 2, None),
        ([{"end": True}], 0, None),
        ([[[1]], [[2]], {"end": True}], 1, ValueError),
        ([[[1]], {"failed": "memory"}], 2, JobFailed),
        ([{"failed": "engine"}], 2, JobFailed),
        ([[1], {"end": True}], 2, ValueError),
        ([[[1.5]], {"end": True}], 2, ValueError),
        ([7], 2, ValueError),
        ([None], 2, ValueError),
    ],
)
def test_rows_in_frames(frames: list[Json], most: int, error: type[Exception] | None) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for frame in frames:
            send_frame(ours, frame)
        if error is None:
            assert len(receive_rows(theirs, most)) == most
        else:
            with pytest.raises(error):
                receive_rows(theirs, most)


@pytest.mark.parametrize("memory", [True, False])
def test_a_failure_among_rows(memory: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_failure(ours, memory=memory)
        with pytest.raises(JobFailed) as caught:
            receive_rows(theirs, 1)
    assert caught.value.memory is memory


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
