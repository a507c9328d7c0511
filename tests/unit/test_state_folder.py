"""A state folder is its owner's alone, whoever was in its place before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sandbox.errors import Refusal
from sandbox.keys import make_private_key, read_private_key
from sandbox.ledger.database import place
from sandbox.serving import service
from sandbox.settings import Settings, read_settings, write_settings
from sandbox.state import create
from tests.support.pages import ROOT
from tests.support.served_state import SETTINGS

POLICIES = ROOT / "examples" / "health" / "policy"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def test_an_open_empty_folder_of_ours_is_closed_first(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    create(state, SETTINGS, POLICIES)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "keys" / "log.pem").stat().st_mode) == 0o600


def test_nothing_but_an_empty_folder_is_taken(tmp_path: Path) -> None:
    full, file, link, empty = (tmp_path / name for name in ("full", "file", "link", "empty"))
    (full / "inner").mkdir(parents=True)
    file.touch()
    empty.mkdir()
    link.symlink_to(empty)
    for path in (full, file, link):
        with pytest.raises(Refusal) as caught:
            create(path, SETTINGS, POLICIES)
        assert caught.value.code == "state.exists"
    assert list(empty.iterdir()) == []


@needs_root
def test_a_folder_that_somebody_else_put_there_is_not_taken(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    with pytest.raises(Refusal) as caught:
        create(state, SETTINGS, POLICIES)
    assert caught.value.code == "state.exists"


@needs_root
def test_a_private_key_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    make_private_key(path)
    os.chown(path, 65534, 65534)
    with pytest.raises(Refusal) as caught:
        read_private_key(path)
    assert caught.value.code == "key.exposed"


def test_a_pipe_in_the_place_of_a_private_key_keeps_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key.pem", 0o600)
    with pytest.raises(Refusal) as caught:
        read_private_key(tmp_path / "key.pem")
    assert caught.value.code == "key.unreadable"


def settings(folder: Path, database: str) -> Settings:
    write_settings(folder, {**SETTINGS, "database": database})
    return read_settings(folder)


def test_the_digest_of_the_settings_in_the_log_holds_no_secret(tmp_path: Path) -> None:
    """An auditor could try passwords against it."""
    url = "postgresql+psycopg://{}@db.example:5432/vitrine?{}"
    first = settings(tmp_path, url.format("vitrine:one", "sslmode=require"))
    second = settings(tmp_path, url.format("vitrine:two", "sslmode=require&password=three"))
    assert service._digest(first) == service._digest(second)
    assert service._digest(first) != service._digest(settings(tmp_path, url.format("a", "").replace("db.", "other.")))
    assert place(first.database) == "postgresql://db.example:5432/vitrine"
