"""A whole service for tests: gateway and sandbox as processes of their own, over files of their own."""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings
from query_gateway.processes import Children, children, module_command
from sandbox.__main__ import _parser
from sandbox.keys import make_private_key, write_public_key

EXAMPLE = Path(__file__).parents[2] / "examples" / "health"
LICENCE = "demo-health-2026"
PERSONS = 400
_COLUMNS = (
    *("id", "year", "age", "female", "married", "kids", "edlevel", "educ"),
    *("outwork", "self", "hhninc", "docvis", "hospvis"),
)


def write_records(path: Path, persons: int = PERSONS) -> None:
    """Made-up records of the demo card: person n has 1 to 5 years, level 1 + n mod 4, and n mod 7 visits a year."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for n in range(persons):
            for year in range(1984, 1985 + n % 5):
                writer.writerow([n, year, 25 + n % 40, n % 2, 1, 0, 1 + n % 4, 11.5, 0, 0, "3.25", n % 7, 0])


@dataclass(frozen=True, slots=True)
class Deployment:
    """One running service, with one analyst who has a key and a licence."""

    folder: Path
    address: str
    """HOST:PORT."""
    running: Children

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def log_key(self) -> str:
        """The log's public key."""
        return (self.state / "keys" / "log.pub").read_text().strip()

    def settings(self, person: str = "analyst") -> ClientSettings:
        """How this person's client reaches the service."""
        return ClientSettings(
            url=f"http://{self.address}",
            authority=self.address,
            key=self.folder / f"{person}.pem",
            log_key=self.log_key,
            licence=LICENCE,
            scenario="public-health",
            dataset="health",
        )

    def client(self, person: str = "analyst") -> Client:
        """This person's client."""
        return Client(self.settings(person))

    def operate(self, *arguments: str) -> Any:
        """What a command of the operator says; it must not be refused. In this process: each start takes a second."""
        options = _parser().parse_args([*arguments, "--state", str(self.state)])
        return options.run(options)

    def add_person(self, person: str, role: str = "analyst", institution: str = "demo-institute") -> None:
        """A person with a registered key."""
        self.operate("person", "add", "--id", person, "--institution", institution, "--role", role)
        public = self.folder / f"{person}.pub"
        write_public_key(public, make_private_key(self.folder / f"{person}.pem").public_key())
        self.operate("key", "register", "--person", person, "--public", str(public), "--expires", "2099-01-01")

    def environment(self, person: str = "analyst") -> Mapping[str, str]:
        """The settings of this person's client, for the command."""
        found = self.settings(person)
        return {
            "VITRINE_URL": found.url,
            "VITRINE_KEY": str(found.key),
            "VITRINE_LOG_KEY": found.log_key,
            "VITRINE_LICENCE": LICENCE,
            "VITRINE_SCENARIO": "public-health",
            "VITRINE_DATASET": "health",
        }


@contextmanager
def deployed(database: str = "sqlite") -> Iterator[Deployment]:
    """Serves until the block ends; the state folder goes with it."""
    with TemporaryDirectory(prefix="vitrine-") as name, children() as running:
        deployment = Deployment(Path(name), f"127.0.0.1:{free_port()}", running)
        _set_up(deployment, database)
        log = deployment.folder / "service.log"
        door = str(deployment.state / "sandbox.sock")
        running.start("sandbox", module_command("sandbox", "serve", "--state", str(deployment.state)), log)
        command = module_command("query_gateway", "--socket", door, "--listen", deployment.address)
        running.start("gateway", command, log)
        running.wait_ready(f"http://{deployment.address}/healthz", 120)
        yield deployment


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _set_up(deployment: Deployment, database: str) -> None:
    policies = str(EXAMPLE / "policy")
    named = ("--authority", deployment.address, "--origin", "test.example/log", "--tick", "20", "--policies", policies)
    deployment.operate("init", *named)
    settings = deployment.state / "vitrine.toml"
    settings.write_text(settings.read_text().replace('database = "sqlite"', f'database = "{database}"'))
    write_records(deployment.folder / "records.csv")
    files = [deployment.folder / "records.csv", EXAMPLE / "education.csv", EXAMPLE / "calendar.csv"]
    deployment.operate("dataset", "load", "health", *map(str, files))
    deployment.operate("institution", "add", "--id", "demo-institute", "--name", "Institute")
    deployment.add_person("analyst")
    signed = str(deployment.folder / "licence")
    department = str(deployment.state / "keys" / "department.pem")
    deployment.operate("licence", "sign", str(EXAMPLE / "licence.toml"), "--key", department, "--out", signed)
    deployment.operate("licence", "issue", signed)
