"""The time, as registry and log count it."""

from __future__ import annotations

import time


def milliseconds() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
