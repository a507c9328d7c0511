"""Who runs code in a worker, or SQL in its engine, gets nothing out, whichever one layer should fail."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from sandbox.confinement.layers import Layer, mandatory
from sandbox.confinement.machine import found
from sandbox.plan.nodes import Type
from sandbox.workers import pool as pools
from sandbox.workers.job import Job, Limits, Part, Side
from sandbox.workers.pool import Pool, WorkerFailure
from tests.support.attacks import ATTACKS, LIBC, SQL
from tests.support.cards import card, integer, private, unit
from tests.support.engine import loaded

CARD = card("d", private("visits", unit("pid"), integer("cost"), path="pid", rows=9))
FILES = {"visits": "pid,cost\n1,10\n2,30\n"}
LIMITS = Limits(threads=2, megabytes=256)
OFFERED = found()
ROOT = os.geteuid() == 0
LIMITED = {
    "copy to a file",
    "attach a file",
    "install an extension",
    "load an extension",
    "export the database",
    "external access again",
    "a log on disk",
    "the network",
}
"""What no file may be written for, what needs an extension, and the one setting that never comes back."""
Layers: TypeAlias = frozenset[Layer]
Place: TypeAlias = dict[str, str]


class Attacker:
    """Workers in given layers that attack."""

    def __init__(self, part: Part, place: Place, layers: Collection[Layer], *, unlocked: bool) -> None:
        start = f"from tests.support import attacks; attacks.main(unlocked={unlocked})"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pools, "COMMAND", (sys.executable, "-c", start))
            self.pool = Pool(LIMITS, workers=1, jobs=1, layers=layers)
        self.part, self.place = part, place

    def succeeds(self, **order: str) -> bool:
        job = Job(json.dumps({**order, "place": self.place}), (), (), (Type.INTEGER,), 1, 60.0)
        try:
            self.pool.run((self.part,), Side.PRIVATE, job)
        except WorkerFailure:
            return False
        return True


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """What a host has: files open to all and closed to all but the service, sockets, shared memory."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        everyone, closed = folder / "open", folder / "closed"
        everyone.mkdir()
        everyone.chmod(0o777)
        closed.mkdir(0o700)
        for name in ("readable", "writable"):
            (everyone / name).write_text("a,b\n1,2\n")
            (everyone / name).chmod(0o666)
        (everyone / "table.csv").write_text("a,b\n1,2\n")
        (everyone / "table.csv").chmod(0o644)
        (closed / "secret").write_text("key")
        (closed / "secret").chmod(0o600)
        port, datagrams = socket.create_server(("127.0.0.1", 0), backlog=64), socket.socket(type=socket.SOCK_DGRAM)
        named, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        for each in (port, datagrams, named, abstract):
            stack.enter_context(each)
        datagrams.bind(("127.0.0.1", 0))
        named.bind(str(closed / "s"))
        abstract.bind(f"\0vitrine-attacked-{os.getpid()}")
        for each in (named, abstract):
            each.listen(64)
        segment = int(LIBC.shmget(0, ctypes.c_size_t(4096), 0o600 | 0o1000))
        assert segment >= 0
        stack.callback(LIBC.shmctl, segment, 0, None)
        yield {
            "open": str(everyone),
            "readable": str(everyone / "readable"),
            "writable": str(everyone / "writable"),
            "table": str(everyone / "table.csv"),
            "extension": str(everyone / "x.duckdb_extension"),
            "secret": str(closed / "secret"),
            "socket": str(closed / "s"),
            "abstract": f"vitrine-attacked-{os.getpid()}",
            "port": str(port.getsockname()[1]),
            "datagrams": str(datagrams.getsockname()[1]),
            "segment": str(segment),
            "interface": "lo",
            "service": str(os.getpid()),
        }


@pytest.fixture(scope="module")
def part() -> Iterator[Part]:
    with loaded(CARD, FILES) as found_part:
        yield found_part.part


class Attackers(dict[tuple[Layers, bool], Attacker]):
    """One for each set of layers."""

    def __init__(self, part: Part, place: Place) -> None:
        super().__init__()
        self.part, self.place = part, place

    def __missing__(self, key: tuple[Layers, bool]) -> Attacker:
        layers, unlocked = key
        self[key] = Attacker(self.part, self.place, layers, unlocked=unlocked)
        return self[key]


@pytest.fixture(scope="module")
def attackers(part: Part, place: Place) -> Iterator[Attackers]:
    made = Attackers(part, place)
    yield made
    for each in made.values():
        each.pool.close()


@pytest.fixture(autouse=True)
def whole(place: Place) -> None:
    renew(place)


def renew(place: Place) -> None:
    """Makes anew what an attack may have destroyed."""
    for name in ("doomed", "movable"):
        path = Path(place["open"]) / name
        path.touch()
        place[name] = str(path)
    Path(place["writable"]).write_text("a,b\n1,2\n")


def test_this_machine_offers_what_a_deployment_must_have() -> None:
    assert mandatory() <= OFFERED


@pytest.mark.parametrize("name", ATTACKS)
def test_code_gets_nothing(attackers: Attackers, place: Place, name: str) -> None:
    """It would without the layers, does not with all of them, and does not with all but any one."""
    stopped_by = ATTACKS[name].stopped_by
    assert len(stopped_by) > 1
    if ROOT:
        assert attackers[frozenset(), False].succeeds(attack=name), "the attack is none"
        renew(place)
    assert not attackers[OFFERED, False].succeeds(attack=name)
    for layer in OFFERED:
        assert not attackers[OFFERED - {layer}, False].succeeds(attack=name), f"without {layer}"


@pytest.mark.parametrize("layer", list(Layer))
def test_each_layer_stops_what_it_says(attackers: Attackers, layer: Layer) -> None:
    """Alone."""
    if layer not in OFFERED | mandatory():
        pytest.skip("this machine does not offer it")
    for name, attack in ATTACKS.items():
        if layer in attack.stopped_by:
            assert not attackers[frozenset({layer}), False].succeeds(attack=name), name


@pytest.mark.parametrize("name", SQL)
def test_sql_gets_nothing(attackers: Attackers, name: str) -> None:
    """The engine's lock stops it, and without that the layers do."""
    assert not attackers[frozenset(), False].succeeds(sql=name)
    assert not attackers[OFFERED, False].succeeds(sql=name)
    for layer in OFFERED:
        assert not attackers[OFFERED - {layer}, True].succeeds(sql=name), f"unlocked, without {layer}"


def test_sql_would_get_something(attackers: Attackers) -> None:
    """Without lock and layers everything that only reads: the attacks are real. Every worker's limits stop the rest."""
    through = {name for name in SQL if attackers[frozenset(), True].succeeds(sql=name)}
    assert through == SQL.keys() - LIMITED


ENCLOSED = """
import os, socket, sys
from pathlib import Path
from sandbox.datasets import enclosure
file, folder = os.open(sys.argv[1], os.O_RDONLY), Path(sys.argv[2])
enclosure.confine()
enclosure.enclose([file], folder)
assert Path(f"/proc/self/fd/{file}").read_text() == "a,b\\n1,2\\n"
(folder / "made").write_text("x")
(folder / "made").unlink()
try:
    exec(sys.argv[3])
except PermissionError:
    print("refused")
else:
    print("let through")
"""
"""The child of a load, in which something else than a load goes on."""


@pytest.mark.parametrize(
    ("act", "end"),
    [
        ("pass", "let through"),
        ("Path('/etc/passwd').read_text()", "refused"),
        ("(folder.parent / 'other').write_text('x')", "refused"),
        ("list(Path('/').iterdir())", "refused"),
        ("socket.socket()", ""),
        ("os.execv('/bin/true', ['true'])", ""),
        ("os.fork()", "refused"),
    ],
)
def test_the_child_of_a_load_reads_its_files_and_writes_in_its_folder(place: Place, act: str, end: str) -> None:
    folder = Path(place["open"]) / "scratch"
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", ENCLOSED, place["readable"], str(folder), act]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.stdout.strip(), told.returncode) == (end, 0 if end else -signal.SIGSYS), told.stderr
