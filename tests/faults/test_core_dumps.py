"""Processes that hold records, exact totals or keys leave no memory behind when they crash."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.processes import Deployment, query
from tests.support.starters import ROOT

MOST = resource.getrlimit(resource.RLIMIT_CORE)[1]
FILES = MOST != 0 and Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip() == "core"
"""Whether this machine writes core dumps of ours, into the folder where a process stands."""
CRASHES = (signal.SIGABRT, signal.SIGSEGV)
UNLIMITED = "from sandbox.confinement import rights; rights.resource.setrlimit = lambda *_: None; "


@pytest.mark.parametrize("number", CRASHES)
@pytest.mark.parametrize(
    ("script", "dumped"),
    [("", FILES), ("rights.keep_memory(); ", False), ("rights.give_up_rights(); ", False)],
    ids=["unprotected", "memory kept", "rights given up"],
)
def test_protection_holds_without_the_limit(script: str, dumped: bool, number: signal.Signals, tmp_path: Path) -> None:
    """A limit of 0 stops files alone: a program that takes dumps from the kernel gets none of such memory either."""
    crashing = f"import os; {UNLIMITED}{script}os.kill(os.getpid(), {number})"
    process = subprocess.Popen(
        [sys.executable, "-c", crashing],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (MOST, MOST)),  # noqa: PLW1509
    )
    assert process.wait() == -number
    assert bool(_dumps(tmp_path)) == dumped


@pytest.mark.parametrize("number", CRASHES)
def test_crashes_of_a_service_leave_nothing(clinic: Deployment, number: signal.Signals) -> None:
    """Worker, zygote and broker crash one after the other; the next start carries on."""
    clinic.start()
    assert clinic.send(query(1)).status == 200
    found = [*clinic.confined(), *clinic.children("query_gateway.sql"), *clinic.zygotes(), clinic.pid]
    assert len(found) >= 5
    for process in found:
        limits = Path(f"/proc/{process}/limits").read_text(encoding="utf-8")
        assert re.search(r"Max core file size +0 +0 ", limits)
        place = Path(f"/proc/{process}/cwd").readlink()
        before = _dumps(place)
        os.kill(process, number)
        clinic.until(partial(_gone, process))
        assert _dumps(place) == before
    clinic.ended(-number)
    clinic.start()
    assert clinic.send(query(2)).status == 200
    clinic.stop()


def _dumps(folder: Path) -> list[Path]:
    return sorted(found for found in folder.glob("core*") if found.is_file())


def _gone(process: int) -> bool:
    """Ended, whether or not its parent has taken notice."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
