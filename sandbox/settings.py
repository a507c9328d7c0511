"""What an operator sets: one frozen Settings, read from `vitrine.toml` in the state folder.

Every field is required and every field of the file is known: a missing or misspelt setting stops the start.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from sandbox.disk import put
from sandbox.errors import Refusal


@dataclass(frozen=True, slots=True)
class Settings:
    """The deployment's settings. Changing one never changes what an answer reveals."""

    authority: str
    """The public name that signed requests must carry as `@authority`."""
    origin: str
    """Name of the log, the first line of every checkpoint."""
    socket: Path
    """The Unix socket of the sandbox's door."""
    database: str
    """SQLAlchemy URL of the one database; `sqlite` alone means `vitrine.db` in the state folder."""
    tick_milliseconds: int
    """Answers after a charge leave on multiples of this; at least 10."""
    row_nanoseconds: int
    """Time allowed for a declared row when an answer's time class is computed."""
    workers: int
    """Workers that hold private files at the same time."""
    worker_threads: int
    worker_megabytes: int
    worker_jobs: int
    """A worker is replaced after this many jobs."""
    worker_seconds: int
    """Wall time after which a job is killed."""
    free_seconds: int
    """The same of what nobody is charged for: public tables alone, dry runs, answers by reuse."""
    frontends: int
    """Warm children that lower SQL."""
    connections: int
    """Requests served at the same time; more wait."""
    max_body: int
    """Bytes of a request body."""
    max_cells: int
    """Group keys of one measure."""
    requests_per_second: int
    """Of all together, signed or not: what is beyond is turned away before its signature is looked at."""
    person_requests_per_minute: int
    institution_requests_per_minute: int
    person_requests_at_once: int
    """Of one person, being answered or charged and under way."""
    institution_requests_at_once: int
    max_failures: int
    """Failures after a charge, per licence and data set, after which the licence is suspended for review."""
    without_layers: str
    """Layers of confinement that the deployment goes without, by name, with spaces between; "" for none."""


_TICK = 10
"""Milliseconds; a shorter tick would show how long an answer took."""


def read_settings(state: Path) -> Settings:
    """The settings of a state folder. Refuses `settings.invalid`."""
    path = state / "vitrine.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refusal("settings.invalid", {"what": f"{path}: {error}"}) from None
    known = {field.name for field in fields(Settings)}
    for name in sorted(known ^ found.keys()):
        raise Refusal("settings.invalid", {"what": f"{'unknown' if name in found else 'missing'} setting {name}"})
    texts = ("authority", "origin", "socket", "database", "without_layers")
    for name, value in found.items():
        if type(value) is not (str if name in texts else int) or (isinstance(value, int) and value < 1):
            raise Refusal("settings.invalid", {"what": f"{name} = {value!r}"})
    if found["tick_milliseconds"] < _TICK:
        raise Refusal("settings.invalid", {"what": f"tick_milliseconds is at least {_TICK}"})
    if not found["person_requests_at_once"] <= found["institution_requests_at_once"] <= found["connections"]:
        what = "person_requests_at_once <= institution_requests_at_once <= connections must hold"
        raise Refusal("settings.invalid", {"what": what})
    if found["database"] == "sqlite":
        found["database"] = f"sqlite:///{state / 'vitrine.db'}"
    return Settings(**{**found, "socket": state / found["socket"]})


def write_settings(state: Path, values: dict[str, str | int]) -> None:
    """Writes `vitrine.toml`, which `read_settings` reads, durably; the operator edits it."""
    lines = [f"{name} = {value if isinstance(value, int) else _quoted(value)}" for name, value in values.items()]
    put(state / "vitrine.toml", ("\n".join(lines) + "\n").encode())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
