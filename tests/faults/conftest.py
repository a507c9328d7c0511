"""Real sandboxes for the tests of races and crashes: one state folder to copy, one process to start them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture
def clinic(template: Path, parent: Starter) -> Iterator[Deployment]:
    """A deployment of its own; whatever happened, its log verifies afterwards."""
    with deployed(template, parent) as found:
        yield found
        found.audit()
