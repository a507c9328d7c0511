"""How hard hypothesis searches: `make test` with "test", the same cases each time; `make fuzz` with "fuzz", others.

And the databases that tests are run on.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import postgres
from tests.support.search import ATTEMPTS, FAULT_POINTS, SEARCHED

settings.register_profile("test", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("test")


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """The PostgreSQL of this process."""
    with postgres.served() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'vitrine.db'}"
    else:
        with request.getfixturevalue("server").database() as url:
            yield url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many plans the generators made, and at how many points something failed, over all tests and processes."""
    reports = [one for found in terminalreporter.stats.values() for one in found if isinstance(one, pytest.TestReport)]
    told = [found for one in reports if one.when == "call" for found in one.user_properties]

    def total(property_name: str) -> int:
        return sum(int(str(value)) for name, value in told if name == property_name)

    if plans := total(SEARCHED):
        terminalreporter.line(f"{plans:,} plans were {SEARCHED}, accepted and tried")
    if points := total(FAULT_POINTS):
        terminalreporter.line(f"{points:,} {FAULT_POINTS}: went down or failed there, and went on")
    if attempts := total(ATTEMPTS):
        terminalreporter.line(f"{attempts:,} {ATTEMPTS} at one budget by threads of several processes")
