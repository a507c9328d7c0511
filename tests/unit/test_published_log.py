"""The log as it is served: each path is the file of an export, and nothing beyond the signed checkpoint has one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from query_gateway.client.answers import Unproven
from query_gateway.client.log_copy import copy_log
from sandbox.audit import log, published
from sandbox.audit.checkpoint import open_note
from sandbox.audit.entry import ServiceStarted
from sandbox.audit.export import export
from sandbox.audit.tiles import Tile
from sandbox.audit.verify import verify
from tests.support.log_history import DEPARTMENT, KEY, database, history, mth, sha, step, write

STEPS = [*history(), *[step(30, ServiceStarted("1", sha("c")))] * 600]
MORE = [step(31, ServiceStarted("1", sha("d")))] * 300


@pytest.fixture
def engine() -> Iterator[Engine]:
    found = database()
    write(found, STEPS)
    yield found
    found.dispose()


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def served(engine: Engine, path: str) -> bytes | None:
    with engine.begin() as connection:
        serve = published.bundle if path.startswith("tile/entries/") else published.hashes
        return serve(connection, KEY.public, path)


def test_what_is_served_is_what_is_exported(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        export(connection, KEY.public, tmp_path / "log")
    found = {path: data for path, data in files(tmp_path / "log").items() if not path.startswith("bodies/")}
    assert len(found) == 1 + 3 + 3 + 1
    assert {path: served(engine, path) for path in found} == found


def test_the_root_follows_from_the_tiles_alone(engine: Engine) -> None:
    """As any client of the standard makes it: RFC 6962 over leaf hashes, and each higher tile over the one below."""
    note = served(engine, "checkpoint")
    assert note is not None
    head = open_note(note.decode(), KEY.public)
    hashes = list[bytes]()
    for number in range(0, head.size, 256):
        width = min(256, head.size - number)
        tile = served(engine, Tile(0, number // 256, width).path)
        assert tile is not None
        hashes += [tile[place : place + 32] for place in range(0, len(tile), 32)]
    assert (len(hashes), mth(hashes)) == (head.size, head.root)
    above = served(engine, f"tile/1/000.p/{head.size // 256}")
    assert above == b"".join(mth(hashes[start : start + 256]) for start in range(0, head.size - 255, 256))


def test_an_earlier_checkpoint_s_partial_tile_is_there(engine: Engine) -> None:
    size = len(STEPS)
    early = served(engine, f"tile/0/000.p/{size % 256}")
    assert early is not None
    assert early == (served(engine, "tile/0/000") or b"")[: 32 * (size % 256)]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint/",
        "tile/0/003",
        "tile/0/002.p/255",
        "tile/1/000",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/63/000.p/1",
        "tile/64/000.p/1",
        "tile/00/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/../entries/000",
        "bodies/" + "00/" + "0" * 64,
    ],
)
def test_nothing_else_is_served(engine: Engine, path: str) -> None:
    with engine.begin() as connection:
        assert published.hashes(connection, KEY.public, path) is None
        assert published.bundle(connection, KEY.public, path) is None


def test_hashes_are_no_entries_nor_entries_hashes(engine: Engine) -> None:
    with engine.begin() as connection:
        assert published.hashes(connection, KEY.public, "tile/entries/000") is None
        assert published.bundle(connection, KEY.public, "tile/0/000") is None


def test_what_no_checkpoint_covers_is_not_served(engine: Engine) -> None:
    with engine.begin() as connection:
        for each in MORE:
            log.append(connection, each.entry, each.texts)
    assert served(engine, "tile/0/002") is None
    assert served(engine, "tile/entries/002") is None
    with engine.begin() as connection:
        log.sign_checkpoint(connection, KEY, None)
    assert served(engine, "tile/0/002") is not None


class Pages:
    """The API's pages, counted."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> Mapping[str, Any]:
        self.asked.append((start, end))
        with self.engine.begin() as connection:
            entries = [b64encode(data).decode() for data in log.entries(connection, start, end)]
            texts = log.bodies_of(connection, start, end)
        return {
            "start": start,
            "entries": entries,
            "bodies": {name: b64encode(text).decode() for name, text in texts.items()},
        }


def copied(engine: Engine, page: Pages, directory: Path) -> int:
    with engine.begin() as connection:
        note = log.checkpoint(connection)
    assert note is not None
    return copy_log(note, open_note(note, KEY.public), page, directory)


def test_a_copy_is_the_export_and_goes_on_where_it_ended(engine: Engine, tmp_path: Path) -> None:
    pages = Pages(engine)
    assert copied(engine, pages, tmp_path / "copy") == len(STEPS)
    with engine.begin() as connection:
        export(connection, KEY.public, tmp_path / "log")
    assert files(tmp_path / "copy") == files(tmp_path / "log")
    assert verify(tmp_path / "copy", KEY.public, DEPARTMENT.public_key()).findings == ()
    write(engine, MORE)
    pages.asked.clear()
    assert copied(engine, pages, tmp_path / "copy") == len(STEPS) % 256 + len(MORE)
    assert [start for start, _ in pages.asked] == [512, 768]
    with engine.begin() as connection:
        export(connection, KEY.public, tmp_path / "later")
    assert files(tmp_path / "copy") == files(tmp_path / "later")


def test_a_service_that_shows_other_entries_is_not_believed(engine: Engine, tmp_path: Path) -> None:
    pages = Pages(engine)

    def page(start: int, end: int) -> Mapping[str, Any]:
        found = dict(pages(start, end))
        if start == 0:
            entries = list(found["entries"])
            entries[3], entries[4] = entries[4], entries[3]
            found["entries"] = entries
        return found

    with engine.begin() as connection:
        note = log.checkpoint(connection)
    assert note is not None
    with pytest.raises(Unproven, match="not those of the signed checkpoint"):
        copy_log(note, open_note(note, KEY.public), page, tmp_path / "copy")
    assert not (tmp_path / "copy" / "checkpoint").exists()
    for wrong in ({}, {"start": 0, "entries": [], "bodies": {}}, {"start": 0, "entries": ["!"], "bodies": {}}):
        with pytest.raises(Unproven):
            copy_log(note, open_note(note, KEY.public), lambda *_: wrong, tmp_path / "other")  # noqa: B023
