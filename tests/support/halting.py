"""Starts sandboxes that act at one step between charge and answer: die there, wait there, or meet a fault there.

Run as `python -m tests.support.halting`. It has the sandbox's modules loaded and forks a sandbox for each order, whose
functions it wraps; the product knows nothing of it. Orders and answers are lines of JSON:
`{"serve": STATE, "socket": PATH, "log": FILE, "at": STEP or null, "do": ACTION}` and
`{"run": COMMAND, "log": FILE}` are answered by `{"pid": n}`, `{"poll": n}` by `{"status": s or null}`. Whatever a
sandbox leaves behind becomes this process's child.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Pool, event, func, select

from sandbox import broker, frontend
from sandbox.engines.render import render_measure
from sandbox.errors import Fault, Refusal
from sandbox.ledger import presence, writer
from sandbox.ledger.charges import State
from sandbox.ledger.schema import charges
from sandbox.queries import decisions, execution, runs, underway
from sandbox.serving import door, frames, server
from sandbox.serving.service import serve
from sandbox.state import StateFolder
from sandbox.workers import pool
from sandbox.workers.job import Job

_SUBREAPER = 36
_HUGE = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT x FROM range(1000000000) AS r(x) ORDER BY x % 7, x DESC) AS s"

Act = Callable[[], None]
Hook = Callable[[Act], None]


def before(where: ModuleType | type, name: str) -> Hook:
    """Acts whenever the function is called, and calls it."""

    def hook(act: Act) -> None:
        real = getattr(where, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            act()
            return real(*given, **named)

        setattr(where, name, wrapped)

    return hook


def after(where: ModuleType | type, name: str) -> Hook:
    """Acts whenever the function has returned."""

    def hook(act: Act) -> None:
        real = getattr(where, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            found = real(*given, **named)
            act()
            return found

        setattr(where, name, wrapped)

    return hook


def before_checkpoint(state: State) -> Hook:
    """Acts between the commit that brought a charge into this state and the checkpoint or answer that follows it."""

    def hook(act: Act) -> None:
        real = writer.Writer._checkpoint

        def wrapped(self: writer.Writer, connection: Connection, wanted: bool) -> str | None:
            with self._engine.connect() as reader:
                found = reader.scalar(select(func.count()).where(charges.c.state == state))
            if found:
                act()
            return real(self, connection, wanted)

        writer.Writer._checkpoint = wrapped  # type: ignore[method-assign]

    return hook


def within_the_answer(act: Act) -> None:
    """Acts when the first bytes of an answer with a release have left."""
    real = frames.send_answer

    class Torn:
        def __init__(self, connection: socket.socket) -> None:
            self._connection = connection

        def sendall(self, data: bytes) -> None:
            self._connection.sendall(data[:100])
            act()
            self._connection.sendall(data[100:])

    def wrapped(connection: socket.socket, answer: frames.HttpAnswer) -> None:
        if b'"released"' in answer.body:
            connection = Torn(connection)  # type: ignore[assignment]
        real(connection, answer)

    vars(server)["send_answer"] = wrapped


STEPS: Mapping[str, Hook] = {
    "charge not committed": after(broker, "authorize"),
    "charge committed": before_checkpoint(State.AUTHORIZED),
    "charge answered": before(underway.UnderWay, "start"),
    "before rendering": before(execution, "render_measure"),
    "job sent": before(pool, "receive_rows"),
    "exact rows": before(execution, "align"),
    "noise drawn": before(execution, "release"),
    "public part": before(execution, "render_answer"),
    "waiting for the tick": before(runs, "remaining"),
    "release not committed": after(runs, "release"),
    "release committed": before_checkpoint(State.RELEASED),
    "checkpoint signed": before(underway.UnderWay, "drop"),
    "making the answer": before(door, "query_answer"),
    "sending the answer": within_the_answer,
    "lowering": before(frontend.Frontend, "lower"),
}
"""Where a sandbox can be made to act."""


def spoiled(change: Callable[[Job], Job]) -> Act:
    """Every measure's job is another one."""

    def install() -> None:
        real = render_measure

        def wrapped(*given: Any) -> Job:
            return change(real(*given))

        vars(execution)["render_measure"] = wrapped

    return install


def raising(where: ModuleType, name: str, error: Exception) -> Act:
    """The function raises."""

    def install() -> None:
        def wrapped(*_: Any, **__: Any) -> Any:
            raise error

        setattr(where, name, wrapped)

    return install


FAULTS: Mapping[str, Act] = {
    "deadline": spoiled(lambda job: replace(job, sql=_HUGE, parameters=(), deadline=0.05)),
    "memory": spoiled(lambda job: replace(job, sql=_HUGE, parameters=())),
    "engine error": spoiled(lambda job: replace(job, sql="SELECT 1 FROM nowhere", parameters=())),
    "engine raises on a value": spoiled(lambda job: replace(job, sql="SELECT error('secret')", parameters=())),
    "wrong shape": spoiled(lambda job: replace(job, sql="SELECT 'secret'", parameters=())),
    "rendering fails": raising(execution, "render_measure", ValueError("secret")),
    "noise fails": raising(execution, "measure", RuntimeError("secret")),
    "public part fails": raising(execution, "render_answer", ZeroDivisionError("secret")),
}
"""What goes wrong after the charge."""

CHANGES: Mapping[str, Act] = {
    "people gone": raising(decisions, "prepare", KeyError("people")),
    "another price": raising(decisions, "prepare", Fault("another price")),
}
"""What a charge may meet that is run again by another build."""

PRAGMAS: Mapping[str, tuple[str, str]] = {
    "full": ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"),
    "read-only": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
}
"""How a database stops taking writes while a file of this name stands beside the state folder."""


def stuck_database(folder: Path) -> None:
    """Every connection asks, when it is taken up, whether it may write."""

    def taken(connection: Any, _record: object, _proxy: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            for name, (on, off) in PRAGMAS.items():
                connection.execute(on if (folder / name).exists() else off)

    event.listen(Pool, "checkout", taken)


def until_told(folder: Path) -> Act:
    """Says `reached` and waits for `go`, each a file beside the state folder."""

    def wait() -> None:
        (folder / "reached").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)

    return wait


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def busy_once() -> Act:
    """Refuses the first time as a machine does that is too busy."""
    refusals = [Refusal("service.busy")]

    def refuse() -> None:
        if refusals:
            raise refusals.pop()

    return refuse


def install(folder: Path, step: str, action: str) -> None:
    """Makes this process act at the step, or meet the fault of that name."""
    match action:
        case "die":
            STEPS[step](die)
        case "wait":
            STEPS[step](until_told(folder))
        case "wait unheard":
            presence.Presence.renew = presence.Presence.close  # type: ignore[method-assign]
            STEPS[step](until_told(folder))
        case "be busy":
            STEPS[step](busy_once())
        case _:
            {**FAULTS, **CHANGES}[step]()


def serve_here(state: Path, socket: Path, step: str | None, action: str) -> None:
    """What `python -m sandbox serve` does, with a step."""
    logging.basicConfig(format="%(name)s %(message)s", level=logging.INFO)
    stuck_database(state.parent)
    if step is not None:
        install(state.parent, step, action)
    serve(StateFolder(state), socket)


def forked(log: str, child: Callable[[], None]) -> int:
    """The child's number; it writes to the log and reads nothing."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND))):
            os.dup2(file, number)
        os.dup2(1, 2)
        os.closerange(3, 256)
        child()
        status = 0
    except BaseException:
        logging.exception("the sandbox ended")
    finally:
        os._exit(status)


def main() -> None:
    """Carries out orders until standard input ends."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    ended: dict[int, int] = {}
    for line in sys.stdin:
        answer: dict[str, int | None]
        match json.loads(line):
            case {"serve": state, "socket": socket, "log": log, "at": step, "do": action}:
                answer = {"pid": forked(log, lambda: serve_here(Path(state), Path(socket), step, action))}
            case {"run": command, "log": log}:
                answer = {"pid": forked(log, lambda: os.execv(command[0], command))}  # noqa: S606 - no shell
            case {"poll": pid}:
                _reap(ended)
                answer = {"status": ended.get(pid)}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _reap(ended: dict[int, int]) -> None:
    """Notes the exit status, as subprocess counts it, of every child that has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ended[pid] = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()
