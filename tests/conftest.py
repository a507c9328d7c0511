"""How hard hypothesis searches: `make test` with "test", the same cases each time; `make fuzz` with "fuzz", others."""

import pytest
from hypothesis import settings

from tests.support.search import SEARCHED

settings.register_profile("test", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("test")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many plans the generators made, over all tests and processes."""
    reports = [one for found in terminalreporter.stats.values() for one in found if isinstance(one, pytest.TestReport)]
    told = [found for one in reports if one.when == "call" for found in one.user_properties]
    plans = sum(int(str(value)) for name, value in told if name == SEARCHED)
    if plans:
        terminalreporter.line(f"{plans:,} plans were {SEARCHED}, accepted and tried")
