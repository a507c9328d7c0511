"""Frames between broker, zygote and worker: a length and JSON, values in a closed form. No format that runs code."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias

from sandbox.errors import Fault
from sandbox.plan.nodes import Scalar, Type
from sandbox.workers.job import Job, Rows, Table

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

_LENGTH = struct.Struct(">I")
MAX_FRAME = 1 << 28
"""Bytes; a longer frame ends the worker."""
_FRACTION = re.compile(r"-?[0-9]{1,400}(/[1-9][0-9]{0,399})?")
"""Every 64-bit floating point number; no exponents, which could name a number too large to hold."""


def send_frame(connection: socket.socket, value: Json) -> None:
    """Writes one frame."""
    body = json.dumps(value, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive_frame(connection: socket.socket, until: float | None = None) -> Json:
    """Reads one frame. Raises EOFError at the end of the stream, TimeoutError after the monotonic time `until`."""
    size = int(_LENGTH.unpack(_exactly(connection, _LENGTH.size, until))[0])
    if size > MAX_FRAME:
        raise EOFError
    frame: Json = json.loads(_exactly(connection, size, until))
    return frame


def _exactly(connection: socket.socket, size: int, until: float | None) -> bytes:
    found = bytearray()
    while len(found) < size:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        piece = connection.recv(min(size - len(found), 1 << 20))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def encode_scalar(value: Scalar) -> Json:
    """The scalar as JSON; `decode_scalar` reads it back exactly."""
    match value:
        case None | bool() | int() | str():
            return value
        case Fraction():
            return {"q": str(value)}
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"d": value.isoformat()}


def decode_scalar(value: Json) -> Scalar:
    """The scalar that was encoded. Raises ValueError for anything else."""
    match value:
        case None | bool() | int() | str():
            return value
        case {"q": str(text), **rest} if not rest and _FRACTION.fullmatch(text):
            return Fraction(text)
        case {"t": str(text), **rest} if not rest:
            return datetime.fromisoformat(text)
        case {"d": str(text), **rest} if not rest:
            return date.fromisoformat(text)
    raise ValueError("not a scalar")


def fits(value: Scalar, kind: Type) -> bool:
    """Whether the value is NULL or of the type; an INTEGER has 64 bits."""
    match kind:
        case _ if value is None:
            return True
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case Type.DOUBLE:
            return isinstance(value, Fraction)
        case Type.TEXT:
            return isinstance(value, str)
        case Type.DATE:
            return isinstance(value, date) and not isinstance(value, datetime)
        case Type.TIMESTAMP:
            return isinstance(value, datetime)
        case Type.UNIT | Type.PRESENCE:
            return False


def encode_rows(rows: tuple[tuple[Scalar, ...], ...]) -> Json:
    """Rows as JSON."""
    return [[encode_scalar(value) for value in row] for row in rows]


def decode_rows(found: Json) -> tuple[tuple[Scalar, ...], ...]:
    """Rows that were encoded. Raises ValueError for anything else."""
    if not isinstance(found, list):
        raise ValueError("not rows")
    rows: list[tuple[Scalar, ...]] = []
    for row in found:
        if not isinstance(row, list):
            raise ValueError("not a row")
        rows.append(tuple(decode_scalar(value) for value in row))
    return tuple(rows)


def encode_job(job: Job) -> Json:
    """The job as JSON; its deadline is the broker's business."""
    return {
        "sql": job.sql,
        "parameters": [encode_scalar(value) for value in job.parameters],
        "tables": [
            {
                "name": table.name,
                "columns": [[name, str(kind)] for name, kind in table.columns],
                "rows": encode_rows(table.rows),
            }
            for table in job.tables
        ],
        "columns": [str(kind) for kind in job.columns],
        "max_rows": job.max_rows,
        "deadline": str(job.deadline),
    }


def decode_job(found: Json) -> Job:
    """The job that was encoded."""
    match found:
        case {
            "sql": str(sql),
            "parameters": list(parameters),
            "tables": list(tables),
            "columns": list(columns),
            "max_rows": int(max_rows),
            "deadline": str(deadline),
        }:
            return Job(
                sql,
                tuple(decode_scalar(value) for value in parameters),
                tuple(_table(table) for table in tables),
                tuple(Type(str(kind)) for kind in columns),
                max_rows,
                float(deadline),
            )
    raise Fault("not a job")


def _table(found: Json) -> Table:
    match found:
        case {"name": str(name), "columns": list(columns), "rows": list(rows)}:
            return Table(name, tuple(_column(pair) for pair in columns), decode_rows(rows))
    raise Fault("not a table")


def _column(found: Json) -> tuple[str, Type]:
    match found:
        case [str(name), str(kind)]:
            return name, Type(kind)
    raise Fault("not a column")


def judge_rows(found: tuple[tuple[Scalar, ...], ...], job: Job) -> Rows | None:
    """The rows when they have the job's shape, else None."""
    if len(found) > job.max_rows:
        return None
    for row in found:
        if len(row) != len(job.columns) or not all(map(fits, row, job.columns)):
            return None
    return Rows(found)
