"""The operator's log: a line of JSON an event, on standard error, in UTC. Of data it holds nothing, not even a count.

Acts of people stand in the log of `sandbox.audit`; here stands what went wrong, and what was turned away unsigned.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class _Line(logging.Formatter):
    """JSON escapes every line end and control character: one event cannot look like two."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found = {
            "timestamp": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            found["exception"] = record.exc_info[0].__name__
        return json.dumps(found)


def begin() -> None:
    """From now on every logger of the process writes there."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
