"""Real sandboxes for the tests of races and crashes: one state folder to copy, one process to start them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.postgres import Server
from tests.support.processes import Deployment, deployed, made_state
from tests.support.starters import Starter, starter


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    with made_state() as path:
        yield path


@pytest.fixture(scope="session")
def parent() -> Iterator[Starter]:
    with starter() as found:
        yield found


@pytest.fixture(scope="session")
def shared_template(server: Server) -> Iterator[tuple[Path, str]]:
    """The same on PostgreSQL: a state folder and the URL of its database."""
    with server.database() as url, made_state(database=url) as path:
        yield path, url


@pytest.fixture
def clinic(request: pytest.FixtureRequest, parent: Starter) -> Iterator[Deployment]:
    """A deployment of its own, on SQLite unless a test says otherwise. Its log verifies in the end."""
    with ExitStack() as stack:
        if getattr(request, "param", "sqlite") == "sqlite":
            found = stack.enter_context(deployed(request.getfixturevalue("template"), parent))
        else:
            path, url = request.getfixturevalue("shared_template")
            database = stack.enter_context(request.getfixturevalue("server").copied(url))
            found = stack.enter_context(deployed(path, parent, database=database))
        yield found
        found.audit()
