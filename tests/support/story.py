"""A whole life of a state folder, each step on its disk noted, with what was told to somebody and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox import broker
from sandbox.audit.mark import Mark
from sandbox.ledger import writer
from sandbox.queries import runs
from sandbox.serving.admission import Admission
from sandbox.serving.door import Door
from sandbox.serving.frames import HttpAnswer, HttpRequest
from sandbox.serving.service import opened
from sandbox.state import StateFolder
from sandbox.upkeep import commands
from tests.support.disk_trace import Step, Trace, traced
from tests.support.processes import batch, doubled, query
from tests.support.served_state import CARD, DOMAIN, LICENCE, empty_state, make_rows, register


@dataclass(frozen=True, slots=True)
class Told:
    """An answer to a charged request."""

    person: str
    idempotency: str
    status: int
    body: bytes


@dataclass(slots=True)
class Story:
    """What happened. Each thing told stands with the number of steps that were taken before it."""

    steps: list[Step] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)
    answers: list[tuple[int, Told]] = field(default_factory=list)
    acts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Operator's acts: steps taken before and after."""


class _Teller:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.story = Story(trace.steps)

    @contextmanager
    def act(self, name: str) -> Iterator[None]:
        """An act of the operator's, told when it has ended."""
        self.trace.label = name
        start = len(self.trace.steps)
        yield
        self.story.acts[name] = (start, len(self.trace.steps))

    def ask(self, door: Door, request: HttpRequest, person: str = "li") -> HttpAnswer:
        answer = door.handle(request)
        key = request.header("idempotency-key")
        assert key is not None
        assert answer.status in (200, 202), answer
        self.story.answers.append((len(self.trace.steps), Told(person, key, answer.status, answer.body)))
        return answer

    def labelled(self, patch: pytest.MonkeyPatch, where: Any, name: str, label: str) -> None:
        """What is written from this call on is of this label."""
        real: Callable[..., Any] = getattr(where, name)

        def wrapped(*words: Any, **named: Any) -> Any:
            self.trace.label = label
            return real(*words, **named)

        patch.setattr(where, name, wrapped)

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """A checkpoint is told when the mark is raised to it: nobody learns of it before."""
        for name, label in (("authorize", "charge"), ("note", "note")):
            self.labelled(patch, broker, name, label)
        for name in ("release", "fail", "begin_attempt"):
            self.labelled(patch, runs, name, "release")
        self.labelled(patch, writer, "sign_checkpoint", "mark")
        real = Mark.raise_to

        def raise_to(mark: Mark, note: str) -> None:
            real(mark, note)
            self.story.checkpoints.append((len(self.trace.steps), note))
            self.trace.label = "checkpoint"

        patch.setattr(Mark, "raise_to", raise_to)


def lived(folder: Path) -> Story:
    """The life of `folder`/state."""
    path = folder / "state"
    path.mkdir(mode=0o700)
    rows = make_rows(folder)
    with traced(path) as trace, pytest.MonkeyPatch.context() as patch:
        teller = _Teller(trace)
        teller.watch(patch)
        with teller.act("init"):
            state = empty_state(path, CARD, DOMAIN)
        with teller.act("load"):
            commands.load(state, "clinic", [rows], lambda _: None)
        with teller.act("registry"):
            register(state, LICENCE)
        _serve(teller, state)
        with teller.act("rotate"):
            commands.rotate_vault(state)
        with teller.act("load again"):
            commands.load(state, "clinic", [rows], lambda _: None)
        with teller.act("withdraw"):
            commands.withdraw(state, "clinic")
        with teller.act("destroy"):
            commands.destroy(state, "clinic")
    return teller.story


def _serve(teller: _Teller, state: StateFolder) -> None:
    settings = state.settings
    with ExitStack() as stack:
        with teller.act("start"):
            door = Door(stack.enter_context(opened(state, settings)), state.log_public_key, Admission(settings))
        teller.ask(door, query(1))
        teller.ask(door, query(1, "again"))
        teller.ask(door, query(2, person="wang", licence="L2"), "wang")
        teller.ask(door, batch(3, 4))
        teller.ask(door, doubled(1))
        teller.ask(door, query(5, wait=False))
        teller.ask(door, query(5))
        teller.trace.label = "stop"
