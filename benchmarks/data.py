"""Benchmark and test data in the cache of the checkout, each made once: `python -m benchmarks.data` makes all."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import generate

CACHE = Path(__file__).parents[1] / ".cache" / "bench"
PEOPLE = 10_000_000
VISITS = 50_000_000


def census(rows: int = PEOPLE) -> Path:
    """The Parquet file of the census."""
    return _once(f"census-{rows}.parquet", lambda target: generate.census(target, rows))


def visits(people: int = PEOPLE, rows: int = VISITS) -> Path:
    """The Parquet file of the visits of so many people."""
    return _once(f"visits-{people}-{rows}.parquet", lambda target: generate.visits(target, people, rows))


def panel() -> Path:
    """The folder of the panel's Parquet files, named by table."""
    return _once("panel", generate.panel)


def tpch(scale: float = 1) -> Path:
    """The folder of TPC-H's eight Parquet files, named by table."""
    return _once(f"tpch-{scale:g}", lambda target: _tpch(target, scale))


def _tpch(target: Path, scale: float) -> None:
    command = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run(
        [command, "parquet", "--scale-factor", f"{scale:g}", "--output-dir", target],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _once(name: str, make: Callable[[Path], None]) -> Path:
    """The cached file or folder; half-made ones are never seen, and two makers at once do no harm."""
    final = CACHE / name
    if not final.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=CACHE))
        try:
            make(draft / name)
            (draft / name).rename(final)
        except OSError:
            if not final.exists():
                raise
        finally:
            shutil.rmtree(draft)
    return final


if __name__ == "__main__":
    for path in (census(), visits(), tpch()):
        print(path)
