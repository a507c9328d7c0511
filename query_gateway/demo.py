"""`vitrine demo`: the main job on real data, by a service of its own that ends with it."""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from policies.cards import Bounds
from query_gateway.client.answers import Problem
from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings
from query_gateway.processes import Children, Ended, children, module_command
from query_gateway.terminal import refusals, tables
from query_gateway.terminal.words import Words
from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.verify import Report, verify
from sandbox.keys import make_private_key, read_public_key, write_public_key
from sandbox.visible import json_text

_RECORDS = Path(".cache/health/records.csv")
_EXAMPLE = Path("examples/health")
_READY = 60.0
"""Seconds that the service may take to start."""
_SPEND = {"epsilon": "1"}
_KEY_DAYS = 30

_YEAR = Bounds(groups=1, rows=1)
"""Within one year a person has one record: these bounds cut nothing."""

_ASKED = """\
SELECT e.name_{language} AS education,
       COUNT(*) AS persons,
       AVG(clamp(r.docvis, 0, 20)) AS visits
FROM records r
JOIN education e ON e.edlevel = r.edlevel
WHERE r.year = 1988
GROUP BY e.name_{language}
ORDER BY visits DESC"""
_REFUSED = (
    """\
SELECT age, hhninc, docvis
FROM records
WHERE docvis > 100""",
    """\
SELECT id, COUNT(*) AS n
FROM records
GROUP BY id""",
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays."""

    folder: Path
    state: Path
    address: str
    """HOST:PORT."""
    console: Console
    words: Words

    def operate(self, *arguments: str) -> None:
        """One command of the operator, shown and run. Raises Ended when it is refused."""
        with self.operating(*arguments):
            pass

    @contextmanager
    def operating(self, *arguments: str) -> Iterator[None]:
        """One command of the operator that runs beside the block and has ended after it."""
        self.tell(shlex.join(("vitrine", *arguments)))
        command = module_command("sandbox", *arguments, "--state", str(self.state))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield
                _, said = process.communicate()
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            raise Ended(f"vitrine {arguments[0]}: {said.strip()}")

    def tell(self, command: str) -> None:
        """A command as one would type it."""
        self.console.print(Text(f"$ {command}".replace(f"{self.folder}/", ""), style="dim"), soft_wrap=True)

    def title(self, name: str) -> None:
        """The heading of a step."""
        self.console.print()
        self.console.print(Rule(Text(self.words(f"demo.{name}"), style="bold"), align="left"))


def play(console: Console, words: Words) -> None:
    """Plays the main job. Raises Ended when the demo data are missing or a process ends."""
    if not _RECORDS.exists() or not _EXAMPLE.exists():
        raise Ended(words("demo.missing"))
    began = monotonic()
    with TemporaryDirectory(prefix="vitrine-") as name, children() as running:
        stage = Stage(Path(name), Path(name, "state"), f"127.0.0.1:{_free_port()}", console, words)
        _start(stage, running)
        _prepare(stage)
        running.wait_ready(f"http://{stage.address}/healthz", _READY)
        with Client(_settings(stage)) as client:
            _ask(stage, client)
        report = _audit(stage)
    if not report.ok:
        raise Ended(words("audit.bad"))
    console.print(Text(words("demo.end", seconds=round(monotonic() - began)), style="dim"))


def _start(stage: Stage, running: Children) -> None:
    """Makes the state folder and starts both sides; they get ready while the operator goes on."""
    stage.title("serve")
    policies = str(_EXAMPLE / "policy")
    stage.operate(
        *("init", "--authority", stage.address, "--origin", "vitrine-demo", "--tick", "100", "--policies", policies)
    )
    stage.tell(f"vitrine serve --listen {stage.address}")
    log = stage.folder / "service.log"
    door = str(stage.state / "sandbox.sock")
    running.start("sandbox", module_command("sandbox", "serve", "--state", str(stage.state)), log)
    running.start("gateway", module_command("query_gateway", "--socket", door, "--listen", stage.address), log)


def _prepare(stage: Stage) -> None:
    """What data provider, department and analyst do once."""
    stage.title("prepare")
    public_tables = [str(_EXAMPLE / name) for name in ("education.csv", "calendar.csv")]
    with stage.operating("dataset", "load", "health", str(_RECORDS), *public_tables):
        _register(stage)


def _register(stage: Stage) -> None:
    """The institution, its analyst with a key, and the licence that the department signed."""
    stage.operate("institution", "add", "--id", "demo-institute", "--name", "示范研究院 / Demonstration Institute")
    stage.operate("person", "add", "--id", "analyst", "--institution", "demo-institute", "--role", "analyst")
    private, public = stage.folder / "analyst.pem", stage.folder / "analyst.pem.pub"
    stage.tell(f"vitrine key new {private}")
    write_public_key(public, make_private_key(private).public_key())
    expires = (datetime.now(UTC) + timedelta(days=_KEY_DAYS)).date().isoformat()
    stage.operate("key", "register", "--person", "analyst", "--public", str(public), "--expires", expires)
    signed = str(stage.folder / "demo.licence")
    department = str(stage.state / "keys" / "department.pem")
    stage.operate("licence", "sign", str(_EXAMPLE / "licence.toml"), "--key", department, "--out", signed)
    stage.operate("licence", "issue", signed)


def _settings(stage: Stage) -> ClientSettings:
    return ClientSettings(
        url=f"http://{stage.address}",
        authority=stage.address,
        key=stage.folder / "analyst.pem",
        log_key=_log_key(stage),
        licence="demo-health-2026",
        scenario="public-health",
        dataset="health",
    )


def _log_key(stage: Stage) -> str:
    return (stage.state / "keys" / "log.pub").read_text(encoding="utf-8").strip()


def _ask(stage: Stage, client: Client) -> None:
    """What an analyst sees."""
    console, words = stage.console, stage.words
    stage.title("catalogue")
    console.print(tables.catalogue(client.catalogue(), words))
    sql = _ASKED.format(language=words.language)
    stage.title("estimate")
    console.print(Syntax(sql, "sql"))
    console.print(tables.estimate(client.estimate(sql, _SPEND, bounds=_YEAR, expected_size=500), words))
    stage.title("answer")
    console.print(tables.answer(client.query(sql, _SPEND, bounds=_YEAR), words))
    stage.title("repeat")
    again = client.query(sql, _SPEND, bounds=_YEAR)
    console.print(tables.rows(again.release, words))
    console.print(Text(words("repeat" if again.repeat else "charge"), style="green"))
    stage.title("refused")
    for refused in _REFUSED:
        console.print(_refusal(client, refused, words))
    stage.title("budget")
    console.print(tables.licences([client.licence("demo-health-2026")], words))


def _refusal(client: Client, sql: str, words: Words) -> Panel:
    """The explanation of a query that must be refused."""
    try:
        client.query(sql, _SPEND, bounds=_YEAR)
    except Problem as problem:
        return Panel(refusals.problem(problem, sql, words), title=Text(" ".join(sql.split())), title_align="left")
    raise Ended("a query was answered that must be refused")


def _audit(stage: Stage) -> Report:
    """Exports the log and verifies it with public keys alone."""
    stage.title("audit")
    exported = stage.folder / "log"
    stage.operate("audit", "export", str(exported))
    stage.tell(f"vitrine audit verify {exported} --log-key log.pub --department-key department.pub")
    department = read_public_key(stage.state / "policy" / "department.pub")
    report = verify(exported, LogPublicKey.parse(_log_key(stage)), department)
    stage.console.print(stage.words("audit.good" if report.ok else "audit.bad", entries=report.verified))
    for finding in report.findings:
        stage.console.print(json_text(finding.to_json()), end="", soft_wrap=True)
    return report


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
