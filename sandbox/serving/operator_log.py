"""The operator's log of either side: a line of JSON an event, on standard error, in UTC. It holds nothing of data.

Acts of people stand in the log of `sandbox.audit`; here stands what went wrong, and what was turned away unsigned.
"""

from __future__ import annotations

import json
import logging
import traceback
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
        if record.exc_info and record.exc_info[1] is not None:
            found |= _exception(record.exc_info[1])
        return json.dumps(found)


def _exception(error: BaseException) -> dict[str, str]:
    """Its kind and where it was raised: its words could hold what was asked."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    return {"exception": type(error).__name__, "at": place}


def begin() -> None:
    """From now on every logger of the process writes there."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
