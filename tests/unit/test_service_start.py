"""A service that cannot start says why, in both languages, and never with a traceback for a disk or database."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError

from sandbox.errors import PROBLEMS, Refusal
from sandbox.serving import operator_log, service

STORAGE = [
    OSError(errno.EROFS, "Read-only file system", "lock"),
    OSError(errno.ENOSPC, "No space left on device"),
    OperationalError("statement", {}, sqlite3.OperationalError("attempt to write a readonly database")),
]


def started(patch: pytest.MonkeyPatch, error: Exception) -> int:
    patch.setattr(service, "serve", Mock(side_effect=error))
    patch.setattr(operator_log, "begin", Mock())
    patch.setattr(os, "umask", Mock())
    patch.setattr(sys, "argv", ["service", "state"])
    return service.main()


@pytest.mark.parametrize("error", STORAGE, ids=str)
def test_where_nothing_can_be_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    assert started(monkeypatch, error) == 1
    said = capsys.readouterr().err
    assert f"service.storage: {PROBLEMS['service.storage'].zh}" in said
    assert f"service.storage: {PROBLEMS['service.storage'].en}" in said


def test_where_it_may_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert started(monkeypatch, Refusal("log.rolled_back", {"told": "9", "found": "4"})) == 1
    assert "log.rolled_back: " in capsys.readouterr().err


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        started(monkeypatch, FileNotFoundError(errno.ENOENT, "gone"))
