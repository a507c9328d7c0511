"""A whole load: parent, child, vault, dictionary, snapshot; and what it leaves on disk."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from policies.cards import DatasetCard
from policies.domains import Canonical
from sandbox.datasets import enclosure, intake
from sandbox.datasets import load as child
from sandbox.datasets.dictionary import Dictionary
from sandbox.datasets.intake import load_dataset, snapshots_folder, vault_folder
from sandbox.datasets.order import LoadOrder
from sandbox.datasets.snapshot import Snapshot, Snapshots
from sandbox.datasets.vault import Vault
from sandbox.errors import Refusal
from sandbox.workers.job import Side
from tests.support.cards import card, domain, integer, private, public, unit, words

CREATED = datetime(2026, 5, 1, tzinfo=UTC)
CANARY = "CANARY-8f3a"
CARD = card(
    "d",
    private("病人", unit("编号"), words("备注", nullable=True), path="编号", rows=2),
    public("codes", words("code"), integer("size"), key=("code",)),
)
PATIENTS = f"\ufeff编号,备注\nP{CANARY},{CANARY}\nP2,乙\nP2,丙\nP2,丁\n"
CODES = "code,size\nA,1\nB,1\n"
PEOPLE = domain(canonical=Canonical.UPPER)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    Vault.create(vault_folder(tmp_path / "state"))
    return tmp_path / "state"


def load(state: Path, files: Mapping[str, str], lines: list[str] | None = None, of: DatasetCard = CARD) -> Snapshot:
    folder = state.parent / "files"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    heard = [] if lines is None else lines
    return load_dataset(of, PEOPLE, sorted(folder.iterdir()), state, CREATED, heard.append)


def store(state: Path) -> Snapshots:
    return Snapshots(snapshots_folder(state), Vault.open(vault_folder(state)))


def patients(snapshots: Snapshots, snapshot: str) -> list[tuple[object, ...]]:
    part = snapshots.part(snapshot, Side.PRIVATE)
    with duckdb.connect() as engine:
        engine.execute(f"ATTACH '/proc/self/fd/{part.private}' AS part (READ_ONLY)")
        return engine.execute("SELECT c1, _unit, _seed, _row, _rank FROM part.main.t0").fetchall()


def test_a_load(state: Path) -> None:
    snapshot = load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})
    snapshots = store(state)
    assert snapshots.open(snapshot.id) == snapshot
    assert snapshot.card == CARD
    assert snapshot.created == CREATED
    assert snapshot.facts["codes"].rows == 2
    assert snapshot.facts["codes"].members["code"] == ("A", "B")
    rows = patients(snapshots, snapshot.id)
    assert len(rows) == 3
    assert [row[0] for row in rows if row[1] == rows[-1][1]] in (["丁", "丙"], ["丁", "乙"], ["丙", "乙"], [CANARY])
    snapshots.close()


def test_the_public_side_holds_no_private_file(state: Path) -> None:
    snapshot = load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})
    snapshots = store(state)
    assert snapshots.part(snapshot.id, Side.PUBLIC).private is None
    snapshots.close()


def test_nothing_plain_is_left(state: Path) -> None:
    """No value, unit key or key of a key in any file but the input."""
    load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})
    vault = Vault.open(vault_folder(state))
    secrets = [vault.secret(name) for name in ("unit-digest-people", "unit-seed-people", "snapshot-digest")]
    files = [path for path in state.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        content = path.read_bytes()
        assert not any(plain in content for plain in (CANARY.encode(), CANARY.upper().encode(), *secrets)), path
        assert path.stat().st_mode & 0o077 == 0


def test_a_person_keeps_the_number_over_loads_and_data_sets(state: Path) -> None:
    first = load(state, {"病人.csv": "编号,备注\nb,x\n", "codes.csv": CODES})
    second = load(state, {"病人.csv": "编号,备注\na,1\nB,2\nc,3\n", "codes.csv": CODES})
    third = load(state, {"病人.csv": "编号,备注\nA,1\nb,2\nC,3\n", "codes.csv": CODES})
    snapshots = store(state)
    one, two, three = (
        {row[2]: row[1] for row in patients(snapshots, found.id)} for found in (first, second, third)
    )  # fmt: skip
    assert list(one.values()) == [0]
    assert one.items() <= two.items()
    assert two == three
    assert len(list((state / "domains" / "people").glob("*.sealed"))) == 3  # rule 4: one a load
    snapshots.close()


def test_refused_data_leave_nothing(state: Path) -> None:
    lines: list[str] = []
    with pytest.raises(Refusal, match=r"load\.rejected") as caught:
        load(state, {"病人.csv": PATIENTS, "codes.csv": f"code,size\n{CANARY},x{CANARY}\n"}, lines)
    assert lines == ["codes.size: values that are not of the declared type; rows / 不符合声明类型的值；行 (1: 1)"]
    assert caught.value.detail == {"dataset": "d"}
    assert not snapshots_folder(state).exists()
    assert not list((state / "domains" / "people").glob("*.sealed"))


def test_an_error_of_ours_is_told_by_its_kind(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Rule 4: whatever the words of an error hold, the child of a load does not say them."""

    def failing(**_: object) -> None:
        raise ValueError(f"not a value: {CANARY}")

    monkeypatch.setattr(enclosure, "confine", lambda: None)
    monkeypatch.setattr(child, "order_from_json", lambda _: None)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", failing)
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    child.main()
    assert capfd.readouterr() == ('{"failed": "ValueError"}', "")


def test_the_child_of_a_load_is_not_heard(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Rule 4: what an engine or interpreter writes when it breaks down reaches nobody."""
    monkeypatch.setattr(sys, "executable", shutil.which("sh"))
    monkeypatch.setattr(intake, "order_to_json", lambda _: {"said": CANARY})
    with pytest.raises(Refusal, match=r"load\.failed") as caught:
        intake.run_child(LoadOrder(CARD, PEOPLE.canonical, 1, b"", b"", (), (), 0, 1, 2))
    assert caught.value.detail == {"what": "the loading process ended early"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"病人.csv": PATIENTS}, "no file for codes"),
        ({"病人.csv": PATIENTS, "codes.csv": CODES, "x.csv": CODES}, "the card has no table for x.csv"),
        ({"病人.csv": PATIENTS, "codes.csv": CODES, "codes.parquet": CODES}, "two files for table codes"),
        ({"病人.csv": PATIENTS, "codes.txt": CODES}, "codes.txt is neither .csv nor .parquet"),
    ],
)
def test_files_that_are_not_the_cards(state: Path, files: Mapping[str, str], what: str) -> None:
    with pytest.raises(Refusal, match=r"load\.files") as caught:
        load(state, files)
    assert caught.value.detail == {"what": what}


def test_one_writer_per_domain(state: Path) -> None:
    vault = Vault.open(vault_folder(state))
    with (
        Dictionary.locked(state / "domains" / "people", "people", vault),
        pytest.raises(Refusal, match=r"load\.busy"),
    ):
        load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})
    load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})


def test_a_gap_in_the_dictionary_is_found(state: Path) -> None:
    for name in ("a", "b"):
        load(state, {"病人.csv": f"编号,备注\n{name},x\n", "codes.csv": CODES})
    (state / "domains" / "people" / "000000.sealed").unlink()
    with pytest.raises(Refusal, match=r"vault\.damaged"):
        load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})


def test_parts_of_another_snapshot_are_found(state: Path) -> None:
    one = load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})
    two = load(state, {"病人.csv": PATIENTS + "p3,戊\n", "codes.csv": CODES})
    folder = snapshots_folder(state)
    for name in ("private.sealed", "manifest.sealed"):
        (folder / one.id / name).write_bytes((folder / two.id / name).read_bytes())
    snapshots = store(state)
    with pytest.raises(Refusal, match=r"vault\.damaged"):
        snapshots.open(one.id)
    with pytest.raises(Refusal, match=r"vault\.damaged"):
        snapshots.part(one.id, Side.PRIVATE)
    with pytest.raises(Refusal, match=r"vault\.damaged"):
        snapshots.open("0" * 64)
    snapshots.close()


def test_a_part_is_opened_once(state: Path) -> None:
    snapshot = load(state, {"病人.csv": PATIENTS, "codes.csv": CODES})
    snapshots = store(state)
    parts: list[object] = []
    threads = [
        threading.Thread(target=lambda: parts.append(snapshots.part(snapshot.id, Side.PRIVATE))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parts) == 4
    assert len(set(parts)) == 1
    snapshots.close()
