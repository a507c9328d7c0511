"""20,000 attempts at one budget by threads of several processes, on each kind of database: nothing is overspent.

A million on each in `make fuzz`. Each signed request is sent as often as there are processes and sendings: to send the
same bytes again is an attacker's cheapest attempt.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.audit.log import size
from sandbox.audit.records import AccountKind, Amounts
from sandbox.registry import acts
from tests.support.ledger_world import DELTA, RHO, World, issue, licence_file, open_world
from tests.support.racing import BUDGET, LICENCES, REQUESTS, SHARED
from tests.support.search import ATTEMPTS, fuzzing
from tests.support.starters import ROOT

PROCESSES, SENDS = 4, 4
ROUNDS = 50
"""Of `make fuzz`."""


def raced(folder: Path, url: str, seed: int) -> Counter[str]:
    """What came of all attempts, made at the same time by processes of their own."""
    command = [sys.executable, "-m", "tests.support.racing", str(folder), url, str(SENDS)]
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, str(seed + number)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for number in range(PROCESSES)
        ]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told = [racer.communicate()[0] for racer in racers]
        assert [racer.returncode for racer in racers] == [0] * PROCESSES
    return sum((Counter[str](json.loads(each)) for each in told), Counter[str]())


def tried(world: World, url: str, seed: int) -> None:
    for licence in LICENCES:
        issue(world, licence_file(licence, budget=f'rho = "{BUDGET}"\ndelta = "1/1000000"'))
    world.act(acts.limit_account, AccountKind.DATASET, "health", Amounts(SHARED * RHO, DELTA << 20, None))
    before = world.read(size)
    ends = raced(world.folder, url, seed)
    assert ends.total() == REQUESTS * PROCESSES * SENDS
    assert set(ends) == {"Authorized", "Existing", "budget.exhausted", "identity.replayed"}, f"seed {seed}"
    spent = world.spent()
    assert spent["dataset:health"] == spent["domain:patients"] == SHARED, f"seed {seed}"
    assert sum(spent[f"licence:{licence}"] for licence in LICENCES) == SHARED
    assert max(spent[f"licence:{licence}"] for licence in LICENCES) <= BUDGET
    assert ends["Authorized"] <= SHARED  # fewer where nobody learned of a commit
    assert world.read(size) - before == REQUESTS  # each signature acted once
    report = world.audit()
    assert report.findings == ()
    assert report.counts["query.authorized"] == SHARED


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_attempts_by_threads_of_several_processes_overspend_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, record_property: Callable[[str, object], None], kind: str
) -> None:
    for number in range(ROUNDS if fuzzing() else 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ExitStack() as stack:
            url = f"sqlite:///{folder / 'vitrine.db'}"
            if kind == "postgresql":
                url = stack.enter_context(request.getfixturevalue("server").database())
            tried(stack.enter_context(open_world(folder, url)), url, number * PROCESSES)
        record_property(ATTEMPTS, REQUESTS * PROCESSES * SENDS)
