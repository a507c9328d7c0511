"""Frames between broker, zygote and worker: a length and JSON, values in a closed form. No format that runs code.

Rows go in as many frames as they take: how much there is of them makes no frame too long.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias

from sandbox.errors import Fault
from sandbox.plan.nodes import Scalar, Type
from sandbox.workers.job import Job, Rows, Table

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Row: TypeAlias = tuple[Scalar, ...]

_LENGTH = struct.Struct(">I")
MAX_FRAME = 1 << 28
"""Bytes; a longer frame ends the worker."""
BATCH = 1 << 20
"""Characters of rows after which a frame of them is sent."""
_END: Json = {"end": True}
"""After the last frame of rows."""
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_FRACTION = re.compile(r"-?[0-9]{1,400}(/[1-9][0-9]{0,399})?")
"""Every 64-bit floating point number; no exponents, which could name a number too large to hold."""


class JobFailed(Exception):
    """A job gave no rows; whether for want of memory is all that is known."""

    def __init__(self, *, memory: bool) -> None:
        super().__init__()
        self.memory = memory


def send_frame(connection: socket.socket, value: Json) -> None:
    """Writes one frame."""
    _send(connection, _JSON.encode(value))


def _send(connection: socket.socket, text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
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


def send_rows(connection: socket.socket, rows: Iterable[Row]) -> None:
    """Writes rows as they come, in frames of little more than `BATCH`, and their end."""
    texts, size = list[str](), 0
    for row in rows:
        texts.append(_JSON.encode([encode_scalar(value) for value in row]))
        size += len(texts[-1])
        if size >= BATCH:
            _send(connection, f"[{','.join(texts)}]")
            texts, size = [], 0
    if texts:
        _send(connection, f"[{','.join(texts)}]")
    send_frame(connection, _END)


def send_failure(connection: socket.socket, *, memory: bool) -> None:
    """Writes that there are no rows, in place of them or of the rest of them."""
    send_frame(connection, {"failed": "memory" if memory else "engine"})


def receive_rows(connection: socket.socket, most: int, until: float | None = None) -> tuple[Row, ...]:
    """Reads rows that were sent. Raises JobFailed, ValueError for other things or more rows, and as `receive_frame`."""
    rows = list[Row]()
    while len(rows) <= most:
        match receive_frame(connection, until):
            case list(found):
                rows += map(_row, found)
            case {"end": True}:
                return tuple(rows)
            case {"failed": str(what)}:
                raise JobFailed(memory=what == "memory")
            case _:
                break
    raise ValueError("not rows")


def _row(found: Json) -> Row:
    if not isinstance(found, list):
        raise ValueError("not a row")
    return tuple(map(decode_scalar, found))


def send_job(connection: socket.socket, job: Job) -> None:
    """Writes the job, then the rows of its tables."""
    send_frame(connection, _encoded(job))
    for table in job.tables:
        send_rows(connection, table.rows)


def receive_job(connection: socket.socket) -> Job:
    """Reads a job that was sent."""
    job, sizes = _decoded(receive_frame(connection))
    tables = [replace(each, rows=receive_rows(connection, size)) for each, size in zip(job.tables, sizes, strict=True)]
    return replace(job, tables=tuple(tables))


def _encoded(job: Job) -> Json:
    return {
        "sql": job.sql,
        "parameters": [encode_scalar(value) for value in job.parameters],
        "tables": [
            {
                "name": table.name,
                "columns": [[name, str(kind)] for name, kind in table.columns],
                "rows": len(table.rows),
            }
            for table in job.tables
        ],
        "columns": [str(kind) for kind in job.columns],
        "max_rows": job.max_rows,
        "deadline": str(job.deadline),
    }


def _decoded(found: Json) -> tuple[Job, list[int]]:
    """The job without the rows of its tables, and how many those are."""
    match found:
        case {
            "sql": str(sql),
            "parameters": list(parameters),
            "tables": list(tables),
            "columns": list(columns),
            "max_rows": int(max_rows),
            "deadline": str(deadline),
        }:
            known = list(map(_table, tables))
            job = Job(
                sql,
                tuple(map(decode_scalar, parameters)),
                tuple(table for table, _ in known),
                tuple(Type(str(kind)) for kind in columns),
                max_rows,
                float(deadline),
            )
            return job, [size for _, size in known]
    raise Fault("not a job")


def _table(found: Json) -> tuple[Table, int]:
    match found:
        case {"name": str(name), "columns": list(columns), "rows": int(rows)}:
            return Table(name, tuple(map(_column, columns)), ()), rows
    raise Fault("not a table")


def _column(found: Json) -> tuple[str, Type]:
    match found:
        case [str(name), str(kind)]:
            return name, Type(kind)
    raise Fault("not a column")


def judge_rows(found: tuple[Row, ...], job: Job) -> Rows | None:
    """The rows when they have the job's shape, else None."""
    if len(found) > job.max_rows:
        return None
    for row in found:
        if len(row) != len(job.columns) or not all(map(fits, row, job.columns)):
            return None
    return Rows(found)
