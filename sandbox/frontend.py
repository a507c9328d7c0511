"""Runs the lowering children and judges what they return.

A child holds no data, keys or network of ours, serves one request at a time, and is killed and replaced when it takes
longer than `SECONDS` or ends by itself. What it says is a proposal: the plan is decoded strictly and then judged by
`check`, its refusals must be of its own codes.
"""

from __future__ import annotations

import json
import queue
import socket
import string
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sandbox
from policies.cards import DatasetCard
from sandbox.confinement.layers import Layer
from sandbox.errors import PROBLEMS, Fault, Refusal, Span
from sandbox.plan.decoding import MAX_BYTES, decode
from sandbox.plan.plan import Plan

T = TypeVar("T")

COMMAND = (sys.executable, "-s", "-m", "query_gateway.sql")
"""How a child is started, in the folder that holds the packages."""
SECONDS = 1.0
"""Wall time of one request."""
START_SECONDS = 20.0
"""Wall time until a new child is ready."""
WAIT_SECONDS = 10.0
"""Wall time that a request waits for a free child."""
MAX_ANSWER = 2 * MAX_BYTES
MAX_TEXT = 300
"""Characters of one word of a refusal's detail."""
MAX_REWRITE = 20_000
_HEAVY = ("sql.too_complex", "sql.too_deep", "sql.too_large")
"""Refusals of what is not read a second time."""
MAX_SPANS = 10_000


@dataclass(frozen=True, slots=True)
class Lowered:
    """A plan as the child proposes it, and the place of each generated name in the SQL."""

    plan: Plan
    spans: Mapping[str, Span]


class Frontend:
    """A pool of warm lowering children. Safe to use from many threads."""

    def __init__(self, children: int, layers: Collection[Layer]) -> None:
        """So many children, each confined in these layers."""
        self._children = [_Child(layers) for _ in range(children)]
        self._free: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._children:
            self._free.put(child)

    def lower(self, sql: str, dataset: str, cards: Sequence[DatasetCard], passed_over: Sequence[str] = ()) -> Lowered:
        """The plan of one SELECT over these cards; tables named without a data set are those of `dataset`.

        Refuses: `sql.*` and `plan.*` with place and a rewrite that is not passed over; `sql.too_complex` at 1 s or
        512 MB; `service.busy`.
        """
        judged = self._ask(_request("lower", sql, dataset, cards), lambda answer: _lowered(answer, sql))
        if isinstance(judged, Refusal):
            raise self.explain(sql, dataset, cards, judged, passed_over)
        return judged

    def explain(
        self,
        sql: str,
        dataset: str,
        cards: Sequence[DatasetCard],
        refusal: Refusal,
        passed_over: Sequence[str] = (),
    ) -> Refusal:
        """The refusal of the same SQL, or by `check` of its plan, with its place and a rewrite where there are any.

        Looking for a rewrite may take too long: the refusal stands all the same.
        """
        if refusal.code in _HEAVY:
            return refusal
        asked = {"code": refusal.code, "detail": dict(refusal.detail), "subject": refusal.subject}
        more = {"passed_over": list(passed_over), "refusal": asked}
        request = {**_request("explain", sql, dataset, cards), **more}
        try:
            return self._ask(request, lambda answer: _explained(answer, sql, refusal))
        except Refusal:
            return refusal

    def close(self) -> None:
        """Ends the children."""
        for child in self._children:
            child.end()

    def _ask(self, request: Mapping[str, object], judge: Callable[[object], T]) -> T:
        """What a child's answer means. A child whose answer means nothing is replaced: `sql.unsupported`."""
        try:
            child = self._free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise Refusal("service.busy") from None
        try:
            return judge(child.ask(request))
        except _Malformed:
            child.replace()
            raise Refusal("sql.unsupported", {"what": "this form of query"}) from None
        finally:
            self._free.put(child)


class _Malformed(Exception):
    """An answer that no child of ours gives."""


class _Child:
    """One place in the pool: a process, and after its end the next one."""

    def __init__(self, layers: Collection[Layer]) -> None:
        self._layers = layers
        self._start()

    def ask(self, request: Mapping[str, object]) -> object:
        """The answer to one request. Refuses `sql.too_complex` when the process does not give it."""
        if self._process.poll() is not None:
            self.replace()
        if not self._ready:
            self._greet()
        body = json.dumps(request, separators=(",", ":")).encode()
        try:
            deadline = time.monotonic() + SECONDS
            self._send(body, deadline)
            return self._receive(deadline)
        except (OSError, ValueError, RecursionError):
            self.replace()
            raise Refusal("sql.too_complex") from None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*COMMAND, *sorted(self._layers)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
                cwd=Path(sandbox.__file__).parents[1],
                close_fds=True,
                start_new_session=True,  # a Ctrl-C reaches it through us alone
            )
        self._connection = ours
        self._ready = False

    def replace(self) -> None:
        self.end()
        self._start()

    def _greet(self) -> None:
        """Waits until the process is ready. Raises Fault when it does not start."""
        try:
            greeting = self._receive(time.monotonic() + START_SECONDS)
        except (OSError, ValueError):
            self.replace()
            raise Fault("the front end does not start") from None
        if greeting != {"ready": True}:
            raise Fault("the front end does not start")
        self._ready = True

    def _send(self, body: bytes, deadline: float) -> None:
        self._connection.settimeout(max(0.001, deadline - time.monotonic()))
        self._connection.sendall(len(body).to_bytes(4) + body)

    def _receive(self, deadline: float) -> object:
        size = int.from_bytes(self._exactly(4, deadline))
        if size > MAX_ANSWER:
            raise ValueError("too long")
        return json.loads(self._exactly(size, deadline), parse_float=_no_number, parse_constant=_no_number)

    def _exactly(self, size: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = self._connection.recv(size - len(received))
            if not chunk or time.monotonic() > deadline:
                raise ConnectionError
            received += chunk
        return bytes(received)


def _request(op: str, sql: str, dataset: str, cards: Sequence[DatasetCard]) -> dict[str, object]:
    return {"op": op, "sql": sql, "dataset": dataset, "cards": described(cards)}


def _no_number(text: str) -> object:
    raise ValueError(text)


def described(cards: Sequence[DatasetCard]) -> list[object]:
    """What a child may know of the cards: names, types, units and keys."""
    return [
        {
            "name": card.name,
            "domain": card.unit_domain,
            "tables": [
                {
                    "name": table.name,
                    "columns": [{"name": column.name, "type": column.type.value} for column in table.columns],
                    "unit": None
                    if table.unit is None
                    else {"columns": list(table.unit.columns), "references": table.unit.references},
                    "key": list(table.key),
                }
                for table in card.tables
            ],
        }
        for card in cards
    ]


def _lowered(answer: object, sql: str) -> Lowered | Refusal:
    match answer:
        case {"plan": str(plan), "spans": dict(spans), **rest} if not rest and len(spans) <= MAX_SPANS:
            return Lowered(decode(_text(plan).encode()), {name: _span(span, sql) for name, span in spans.items()})
        case {"refusal": refusal, **rest} if not rest:
            return _refusal(refusal, sql)
    raise _Malformed


def _explained(answer: object, sql: str, refusal: Refusal) -> Refusal:
    match answer:
        case {"span": span, "rewrite": (None | str()) as rewrite, **rest} if not rest:
            place = None if span is None else _span(span, sql)
            text = None if rewrite is None or len(rewrite) > MAX_REWRITE else _text(rewrite)
            return Refusal(refusal.code, refusal.detail, place, text, refusal.subject)
        case {"refusal": _, **rest} if not rest:
            return refusal
    raise _Malformed


def _span(span: object, sql: str) -> Span:
    match span:
        case [int(start), int(end)] if 0 <= start <= end <= len(sql):
            return Span(start, end)
    raise _Malformed


def _text(found: str) -> str:
    """The text, when it is one: no half characters, which JSON can write and nothing else."""
    try:
        found.encode()
    except UnicodeEncodeError:
        raise _Malformed from None
    return found


def _refusal(refusal: object, sql: str) -> Refusal:
    """A child's refusal, if it is one that a child may make."""
    match refusal:
        case {
            "code": str(code),
            "detail": dict(detail),
            "span": span,
            **rest,
        } if not rest and code in PROBLEMS and code.startswith(("sql.", "plan.")):
            words = {_text(str(name)): _text(str(word)[:MAX_TEXT]) for name, word in detail.items()}
            problem = PROBLEMS[code]
            wanted = {name for _, name, _, _ in string.Formatter().parse(problem.en + problem.zh) if name is not None}
            if wanted <= words.keys() and len(words) <= 8:
                return Refusal(code, words, None if span is None else _span(span, sql))
    raise _Malformed
