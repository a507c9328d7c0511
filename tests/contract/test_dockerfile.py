"""The Dockerfile, without a container engine: what it says is checked, and its build steps run in fresh venvs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("policies", "sandbox", "query_gateway")
FINAL = ("gateway", "sandbox")
SYSTEM = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Stage:
    base: str
    steps: tuple[tuple[str, str], ...]


def stages() -> dict[str, Stage]:
    text = re.sub(r"^#.*\n|\\\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found = {}
    for block in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]:
        head, *rest = block.strip().splitlines()
        base, name = head.split(" AS ")
        found[name] = Stage(base, tuple((line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in rest if line))
    return found


STAGES = stages()


def of(name: str, instruction: str) -> list[str]:
    return [argument for verb, argument in STAGES[name].steps if verb == instruction]


def lineage(name: str) -> list[str]:
    """The stages that `name` stands on, the lowest first."""
    return [*lineage(STAGES[name].base), name] if name in STAGES else []


def test_copied_sources_exist() -> None:
    copied = [argument.split() for name in STAGES for argument in of(name, "COPY")]
    local = [source for words in copied if not words[0].startswith("--from=") for source in words[:-1]]
    assert local
    assert [source for source in local if not (ROOT / source).exists()] == []
    assert {words[0].removeprefix("--from=") for words in copied if words[0].startswith("--")} <= set(STAGES)


@pytest.mark.parametrize("name", FINAL)
def test_final_stage_is_non_root_and_has_no_build_tool(name: str) -> None:
    assert of(name, "USER") == ["vitrine"]
    assert STAGES[name].steps[-1][0] == "ENTRYPOINT"
    assert any("useradd" in step for step in of("python", "RUN"))
    assert lineage(name) == ["python", name]
    everything = " ".join(argument for stage in lineage(name) for _, argument in STAGES[stage].steps)
    assert not re.search(r"\b(pip|venv|setuptools|wheel|gcc|make|build-essential|dev)\b", everything)


def unprivileged(command: list[str], folder: Path, **env: str) -> str:
    """What a command prints when a user without privileges runs it, with nothing of ours in its environment."""
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*drop, *command],
        cwd=folder,
        env={"PATH": SYSTEM, "HOME": str(folder), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


def copy(argument: str, folder: Path) -> None:
    """COPY: into a target that is a folder when it ends in a slash, as the format says."""
    *sources, target = argument.split()
    for source in sources:
        into = folder / target / Path(source).name if target.endswith("/") else folder / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, into)


def sources() -> list[Path]:
    """The files of the three packages, as the project knows them."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    return [path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts]


@pytest.fixture
def machine() -> Iterator[Path]:
    """An empty folder where an unprivileged user can work."""
    with tempfile.TemporaryDirectory(prefix="vitrine-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.mark.parametrize("name", FINAL)
def test_build_steps_run_unprivileged(name: str, machine: Path) -> None:
    system = shutil.which("python3", path=SYSTEM)
    assert system, "no system Python that an unprivileged user can start"
    source = machine / "src"
    wheels = machine / "wheels"  # fetched by us, from the cache: the steps themselves need no network
    locks = ["--requirement", "requirements/build.txt", "--requirement", f"requirements/{name}.txt"]
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", system, "download", "--only-binary", ":all:"]
    subprocess.run([*pip, "--require-hashes", "--dest", wheels, *locks], cwd=ROOT, check=True)

    for folder in (source, machine / "opt"):
        folder.mkdir()
        folder.chmod(0o777)
    for verb, argument in [step for stage in lineage(f"{name}-build") for step in STAGES[stage].steps]:
        if verb == "COPY":
            copy(argument, source)
            for path in (source, *source.rglob("*")):
                path.chmod(0o777 if path.is_dir() else 0o666)
        elif verb == "RUN" and not argument.startswith(("apt-get", "useradd")):
            command = argument.replace("/opt/", f"{machine}/opt/")
            unprivileged(["sh", "-ec", command], source, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))

    [entry] = of(name, "ENTRYPOINT")
    command, *arguments = json.loads(entry)
    command = command.replace("/opt/", f"{machine}/opt/")
    assert "usage" in unprivileged([command, *arguments, "--help"], machine).lower()
    [site] = (machine / "opt/vitrine/lib").glob("*/site-packages")
    assert not {"pip", "setuptools", "wheel"} & {path.name for path in site.iterdir()}
    assert [path for path in sources() if not (site / path).exists()] == []
