"""Every durable step × every way to go down or to fail: nothing that was told is lost, and the work goes on.

One life of a state folder is lived once and its steps are noted; then the machine goes down at one of them, in one of
five ways, and what is left is started again. Beside it, each step of one of each durable act fails, and the act is
asked for again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits

import pytest

from tests.support.crash_images import Crash, Disk, write_image
from tests.support.disk_trace import Step
from tests.support.errands import FAILURES, Failing, make_template, run
from tests.support.restart import require_whole
from tests.support.search import FAULT_POINTS, fuzzing
from tests.support.story import Story, lived

LABELS = (
    *("init", "load", "registry", "start", "charge", "release", "mark", "checkpoint"),
    *("stop", "rotate", "load again", "withdraw", "destroy"),
)
"""What the story does; a charge is nonce, charge and leaf."""
ACTS = (
    *("charge", "release", "registry", "key file", "settings", "key wrap"),
    *("dictionary", "snapshot", "rotation", "destruction"),
)
"""What is done while a step fails."""
_EACH = 9
"""Points of a label in `make test`; in `make fuzz` there are all."""
_FAILED = 2
"""Points of an act and a way to fail in `make test`."""


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory: thousands of state folders are written and synced."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="vitrine-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def story(memory: Path) -> Story:
    (memory / "life").mkdir()
    return lived(memory / "life")


@dataclass(frozen=True, slots=True)
class Point:
    """The machine goes down after so many steps."""

    taken: int
    crash: Crash
    seed: int


Kept = Callable[[Step], bool]


def played(memory: Path, story: Story, points: Sequence[Point], kept: Kept = lambda _: True) -> None:
    """Goes down at each point, in order, and starts again. Steps that are not kept never reach the disk's model."""
    disk, done = Disk(), 0
    for point in sorted(points, key=lambda each: each.taken):
        for step in story.steps[done : point.taken]:
            if kept(step):
                disk.take(step)
        done = point.taken
        place = memory / "crashed"
        try:
            place.mkdir()
            write_image(disk.image(point.crash, point.seed), place / "state")
            require_whole(place / "state", story, point.taken)
        except BaseException as error:
            error.add_note(f"{point} of {len(story.steps)}; the last step was {story.steps[point.taken - 1]}"[:500])
            raise
        finally:
            shutil.rmtree(place)


def of_label(story: Story, label: str) -> list[Point]:
    """Points within the label's steps, before the first and after the last too: all, or some of every way."""
    places = [place for place, step in enumerate(story.steps) if step.label == label]
    taken = [*places, places[-1] + 1]
    every = [Point(place, crash, randbits(32) if fuzzing() else place) for place in taken for crash in Crash]
    if fuzzing():
        return every
    ways = len(Crash)
    return [every[(number * len(taken) // _EACH) * ways + number % ways] for number in range(_EACH)]


@pytest.mark.parametrize("label", LABELS)
def test_the_machine_goes_down(
    memory: Path, story: Story, label: str, record_property: Callable[[str, object], None]
) -> None:
    points = of_label(story, label)
    played(memory, story, points)
    record_property(FAULT_POINTS, len(points))


def test_the_story_has_no_other_steps(story: Story) -> None:
    assert {step.label for step in story.steps} == set(LABELS)
    assert len(story.steps) * len(Crash) > 2_000
    assert Counter(told.status for _, told in story.answers) == {200: 6, 202: 1}


UNSYNCED: Mapping[str, Kept] = {
    "names": lambda step: step.kind != "names",
    "files of ours": lambda step: step.kind != "sync" or "vitrine.db" in step.path,
    "the database": lambda step: step.kind != "sync" or step.path != "vitrine.db",
    "its journal": lambda step: step.kind != "sync" or step.path in ("vitrine.db", "log.mark"),
}
"""Steps that reach the disk where some are not synced."""


@pytest.mark.parametrize("unsynced", UNSYNCED)
def test_a_missing_sync_is_found(memory: Path, story: Story, unsynced: str) -> None:
    """The table has power: without these syncs, some point fails."""
    ends = [end for _, end in story.acts.values()] + [at for at, _ in story.answers]
    points = [Point(taken, crash, 0) for taken in ends for crash in (Crash.NOTHING, Crash.NAMES)]
    within = [place for place, step in enumerate(story.steps) if step.label == "charge" and step.path == "vitrine.db"]
    points += [Point(place, Crash.TORN, seed) for seed, place in enumerate(within)]
    with pytest.raises(Exception):  # noqa: B017, PT011 - a refusal, a finding, a malformed database: it fails
        played(memory, story, points, UNSYNCED[unsynced])


@pytest.fixture(scope="module")
def template(memory: Path) -> Path:
    folder = memory / "template"
    folder.mkdir()
    make_template(folder)
    return folder


@pytest.fixture(scope="module")
def lengths(memory: Path, template: Path) -> Mapping[str, int]:
    """Steps of each act."""
    return run(template, memory / "counted", Failing(None, 0))


@pytest.mark.parametrize("act", ACTS)
def test_a_step_fails(
    memory: Path,
    template: Path,
    lengths: Mapping[str, int],
    act: str,
    record_property: Callable[[str, object], None],
) -> None:
    assert tuple(lengths) == ACTS
    start = sum(lengths[name] for name in ACTS[: ACTS.index(act)])
    count = lengths[act] if fuzzing() else _FAILED
    points = 0
    for way, (error, persists) in enumerate(FAILURES.values()):
        for number in range(count):
            step = start + (number * lengths[act] // count + (0 if fuzzing() else way)) % lengths[act]
            failing = Failing(step, error, further=4 * (number % 2))
            place = memory / "failed"
            try:
                run(template, place, failing, persists=persists)
            except BaseException as problem:
                problem.add_note(f"{failing}, persists={persists}")
                raise
            finally:
                shutil.rmtree(place)
            points += 1
    record_property(FAULT_POINTS, points)
