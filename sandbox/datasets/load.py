"""The child of a load: reads the provider's files with the engine, judges them, and writes the two plain parts.

It holds the unit domain's keys, never the vault's, and reaches no file but those its parent opened. The plain parts
are memfds; the scratch folder in shared memory holds links to them, because the engine wants a place for the names
of its write-ahead logs (which it is told not to write).

Separability (rules 1, 14): `_seed` depends on the unit key alone; `_row` and `_rank` on the unit's own rows alone;
every stored value on its own cell and the card. `_unit` is a name without a value (rule 9). Units beyond the declared
`max_units` are *not* cut: a cut that depends on how many units there are would let one unit's presence change
another's rows. None is needed: totals are clipped to ±2^62 before noise, which is 1-Lipschitz, so that no privacy
bound rests on `max_units`; the provider is warned, because an answer may be clipped.
"""

from __future__ import annotations

import encodings.utf_8_sig  # noqa: F401  what reads a file's head is not found later
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from sandbox.datasets import enclosure
from sandbox.datasets.enforcement import enforce
from sandbox.datasets.files import parse, read
from sandbox.datasets.order import LoadOrder, LoadOutcome, order_from_json, outcome_to_json
from sandbox.datasets.parts import write
from sandbox.datasets.people import find_units, number_units
from sandbox.datasets.workbench import Refused, Unreadable, Workbench

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a private folder is made in it; nothing there reaches a disk


class _DuckDB:
    """An engine in memory: it opens what the scratch folder links to and no other file, and never spills to disk.

    It leaves an empty database in the scratch folder, `blank`: no memfd can be attached for writing without one.
    """

    def __init__(self, scratch: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"ATTACH '{scratch / 'blank'}' AS blank")
        self._connection.execute("DETACH blank")
        targets = [str(link.resolve()) for link in scratch.iterdir()]
        self._connection.execute("SET allowed_paths = $targets", {"targets": targets})
        for setting in (
            "temp_directory = ''",
            "TimeZone = 'UTC'",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            f"allowed_directories = ['{scratch}']",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    def rows(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, values or None).fetchall()
        except (duckdb.InvalidInputException, duckdb.IOException):
            raise Unreadable from None

    def close(self) -> None:
        self._connection.close()


def load(order: LoadOrder, scratch: Path) -> LoadOutcome:
    """Fills the order's memfds, or says what is wrong with the files. `scratch` is an empty folder on no disk."""
    _link(order, scratch)
    engine = _DuckDB(scratch)
    blank = (scratch / "blank").read_bytes()
    for descriptor in (order.private, order.public):
        os.pwrite(descriptor, blank, 0)
    bench = Workbench(order, engine, scratch)
    try:
        read(bench)
        parse(bench)
        number_units(bench)
        find_units(bench)
        enforce(bench)
        facts = write(bench)
    except Refused:
        return LoadOutcome(tuple(bench.findings), tuple(bench.warnings), {})
    finally:
        engine.close()
    return LoadOutcome((), tuple(bench.warnings), facts)


def _link(order: LoadOrder, scratch: Path) -> None:
    """Gives every descriptor a name in the scratch folder."""
    links = {"private": order.private, "public": order.public, "grown": order.grown}
    links |= {f"input{number}": file.descriptor for number, file in enumerate(order.files)}
    links |= {f"segment{number}": descriptor for number, descriptor in enumerate(order.segments)}
    for name, descriptor in links.items():
        (scratch / name).symlink_to(f"/proc/self/fd/{descriptor}")


def main() -> None:
    """Carries out the order that comes in, and says what became of it; of a failure, only that there was one."""
    enclosure.confine()
    order = order_from_json(json.load(sys.stdin))
    try:
        with tempfile.TemporaryDirectory(dir=SHARED_MEMORY, prefix="vitrine-") as folder:
            enclosure.enclose([file.descriptor for file in order.files], Path(folder))
            answer = outcome_to_json(load(order, Path(folder)))
    except (MemoryError, duckdb.OutOfMemoryException):
        answer = {"failed": "out of memory"}
    except OSError:
        answer = {"failed": f"no folder can be made in {SHARED_MEMORY}"}
    except (Unreadable, duckdb.Error):
        answer = {"failed": "the engine failed"}
    except Exception as error:  # noqa: BLE001 - its words could hold a value
        answer = {"failed": type(error).__name__}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
