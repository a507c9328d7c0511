"""Backup, restore and recovery as docs/operation.md tells them: its commands, as they stand there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.audit.verify import verify
from sandbox.state import StateFolder
from sandbox.upkeep import commands
from tests.support.pages import ROOT
from tests.support.processes import made_state

OPERATION = ROOT / "docs" / "operation.md"


@pytest.fixture
def state() -> Iterator[Path]:
    with made_state() as path:
        yield path


def section() -> list[str]:
    """The shell blocks of the page's section."""
    text = OPERATION.read_text(encoding="utf-8").partition("## Backup and restore\n")[2].partition("\n## ")[0]
    return [block.partition("\n```")[0] for block in text.split("```sh\n")[1:]]


def played(script: str, state: Path) -> str:
    """What the commands print, each of them carried out."""
    script = script.replace("/srv/backup", str(state.parent)).replace("/media/safe", str(state.parent))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euxc", script],
        cwd=state.parent,
        env=kept | {"PATH": path, "LANG": "C.UTF-8", "VITRINE_STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_of_the_page(state: Path) -> None:
    backup, restore, lost, drill = section()
    assert "the log verifies" in played(drill, state)
    assert not list(state.parent.glob("drill*"))
    folder = StateFolder(state)
    commands.export_log(folder, state.parent / "kept")
    (state.parent / "kept" / "checkpoint").rename(state.parent / "newest-known.checkpoint")
    assert "replaced" in played(f"{backup}\n{restore}", state)
    commands.add_institution(folder, "late", "After the backup")
    (state / "vitrine.db").unlink()
    assert "log-2" in played(lost, state)
    commands.export_log(folder, state.parent / "closed")
    assert verify(state.parent / "closed", folder.log_public_key).counts["log.restarted"] == 1
