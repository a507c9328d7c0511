"""Workers that end before their time: what the pool says, and that it goes on."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.confinement.machine import found
from sandbox.errors import Fault
from sandbox.plan.nodes import Type
from sandbox.workers.job import Job, Limits, Part, Rows, Side
from sandbox.workers.pool import FailureKind, Pool, WorkerFailure
from tests.support.cards import card, integer, private, public, unit, words
from tests.support.engine import loaded
from tests.support.starters import command_of

CARD = card(
    "d",
    private("visits", unit("pid"), integer("cost"), path="pid", rows=9),
    public("codes", words("code"), key=("code",)),
)
FILES = {"visits": "pid,cost\n1,10\n1,20\n2,30\n", "codes": "code\nA\nB\n"}
LIMITS = Limits(threads=1, megabytes=256)
LAYERS = found()
SUM = "SELECT CAST(sum(c1) AS BIGINT) FROM private0.main.t0"
SLOW = "SELECT count(*) FROM range(10000000000) AS a(x) WHERE x * x % 7 = 8"
HUGE = "SELECT count(DISTINCT x) FROM range(500000000) AS a(x)"
TEXT = "SELECT length(repeat('a', 3000000000))"


def job(sql: str, *, seconds: float = 60.0) -> Job:
    return Job(sql, (), (), (Type.INTEGER,), 1, seconds)


@pytest.fixture(scope="module")
def part() -> Iterator[Part]:
    with loaded(CARD, FILES) as found:
        yield found.part


@pytest.fixture
def pool() -> Iterator[Pool]:
    with contextlib.closing(Pool(LIMITS, workers=2, jobs=3, layers=LAYERS)) as found:
        yield found


def failure(pool: Pool, parts: tuple[Part, ...], of: Job) -> FailureKind:
    with pytest.raises(WorkerFailure) as caught:
        pool.run(parts, Side.PRIVATE, of)
    assert str(caught.value) == caught.value.kind
    return caught.value.kind


def workers() -> set[int]:
    """Every process below a zygote of ours that is no zombie: the workers."""
    below: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                below.setdefault(int(parent), []).append(int(folder.name))
    zygotes = [child for child in below.get(os.getpid(), []) if "sandbox.workers.zygote" in command_of(child)]
    return {worker for zygote in zygotes for worker in below.get(zygote, [])}


def zygote_of(worker: int) -> int:
    return int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until(gone: set[int]) -> None:
    """Returns when these processes have ended; the test run's own limit ends a wait in vain."""
    while workers() & gone:
        time.sleep(0.01)


def test_jobs_share_a_worker_until_it_is_replaced(pool: Pool, part: Part) -> None:
    seen = []
    for _ in range(7):
        assert pool.run((part,), Side.PRIVATE, job(SUM)) == Rows(((60,),))
        seen.append(workers())
    assert seen[0] == seen[1]
    assert seen[2] == set()
    assert len({frozenset(found) for found in seen}) == 4


def test_the_public_side_sees_public_tables_alone(pool: Pool, part: Part) -> None:
    public_part = Part(part.snapshot, None, part.public)
    count = job("SELECT count(*) FROM public0.main.t1")
    assert pool.run((public_part,), Side.PUBLIC, count) == Rows(((2,),))
    with pytest.raises(WorkerFailure):
        pool.run((public_part,), Side.PUBLIC, job(SUM))
    with pytest.raises(Fault):
        pool.run((part,), Side.PUBLIC, count)
    with pytest.raises(Fault):
        pool.run((public_part,), Side.PRIVATE, count)
    assert pool.run((), Side.PUBLIC, job("SELECT 5::BIGINT")) == Rows(((5,),))


def test_several_data_sets(pool: Pool, part: Part) -> None:
    sql = "SELECT CAST(sum(a.c1 + b.c1) AS BIGINT) FROM private0.main.t0 a JOIN private1.main.t0 b USING (_unit, _row)"
    other = loaded(CARD, FILES | {"visits": "pid,cost\n1,1\n2,3\n"})
    with other as found:
        assert pool.run((part, Part("other", found.private, found.public)), Side.PRIVATE, job(sql)) == Rows(
            ((10 + 1 + 30 + 3,),)
        )


@pytest.mark.parametrize(
    ("of", "kind"),
    [
        (job(SLOW, seconds=0.5), FailureKind.DEADLINE),
        (job(HUGE), FailureKind.MEMORY),
        (job("SELECT 1 FROM nowhere"), FailureKind.ENGINE),
        (job("SELECT error('x')"), FailureKind.ENGINE),
        (job("SELECT 'text'"), FailureKind.ENGINE),
        (job("SELECT 1, 2"), FailureKind.ENGINE),
        (job("SELECT x FROM range(2) AS a(x)"), FailureKind.ENGINE),
    ],
)
def test_a_failed_job_costs_its_worker_and_nothing_else(pool: Pool, part: Part, of: Job, kind: FailureKind) -> None:
    pool.run((part,), Side.PRIVATE, job(SUM))
    before = workers()
    assert failure(pool, (part,), of) is kind
    assert workers().isdisjoint(before)
    assert pool.run((part,), Side.PRIVATE, job(SUM)) == Rows(((60,),))


def test_memory_that_the_engine_does_not_count(pool: Pool, part: Part) -> None:
    """Scalar functions allocate outside the engine's own limit: the process's limit holds."""
    assert failure(pool, (part,), job(TEXT)) in {FailureKind.MEMORY, FailureKind.ENGINE}
    assert pool.run((part,), Side.PRIVATE, job(SUM)) == Rows(((60,),))


def interrupted(pool: Pool, part: Part, strike: int, *, zygote: bool = False) -> FailureKind:
    """What a running job says when its worker, or its zygote, gets a signal."""
    pool.warm((part,), Side.PRIVATE)
    [worker] = workers()
    timer = threading.Timer(0.3, os.kill, (zygote_of(worker) if zygote else worker, strike))
    timer.start()
    try:
        return failure(pool, (part,), job(SLOW))
    finally:
        timer.join()


@pytest.mark.parametrize(
    ("strike", "kind"),
    [
        (signal.SIGKILL, FailureKind.KILLED),
        (signal.SIGTERM, FailureKind.KILLED),
        (signal.SIGSEGV, FailureKind.ENGINE),
        (signal.SIGABRT, FailureKind.ENGINE),
    ],
)
def test_a_worker_is_killed(pool: Pool, part: Part, strike: int, kind: FailureKind) -> None:
    assert interrupted(pool, part, strike) is kind
    assert pool.run((part,), Side.PRIVATE, job(SUM)) == Rows(((60,),))


def test_the_zygote_is_killed(pool: Pool, part: Part) -> None:
    assert interrupted(pool, part, signal.SIGKILL, zygote=True) is FailureKind.KILLED
    assert pool.run((part,), Side.PRIVATE, job(SUM)) == Rows(((60,),))


def test_an_idle_worker_is_killed(pool: Pool, part: Part) -> None:
    pool.warm((part,), Side.PRIVATE)
    [worker] = workers()
    os.kill(worker, signal.SIGKILL)
    assert failure(pool, (part,), job(SUM)) is FailureKind.KILLED
    assert pool.run((part,), Side.PRIVATE, job(SUM)) == Rows(((60,),))


def test_more_callers_than_workers(pool: Pool, part: Part) -> None:
    answers: list[Rows] = []
    most: list[int] = []

    def ask() -> None:
        for _ in range(3):
            answers.append(pool.run((part,), Side.PRIVATE, job(SUM)))
            most.append(len(workers()))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [Rows(((60,),))] * 18
    assert max(most) <= 2


def test_idle_workers_make_room_for_other_snapshots(pool: Pool, part: Part) -> None:
    for number in range(5):
        renamed = Part(f"snapshot {number}", part.private, part.public)
        assert pool.run((renamed,), Side.PRIVATE, job(SUM)) == Rows(((60,),))
        assert len(workers()) <= 2


def test_close_ends_everything(pool: Pool, part: Part) -> None:
    pool.warm((part,), Side.PRIVATE)
    found = workers()
    thread_says: list[FailureKind] = []
    thread = threading.Thread(target=lambda: thread_says.append(failure(pool, (part,), job(SLOW))))
    thread.start()
    time.sleep(0.3)
    pool.close()
    thread.join()
    assert thread_says == [FailureKind.KILLED]
    wait_until(found)
    with pytest.raises(WorkerFailure):
        pool.run((part,), Side.PRIVATE, job(SUM))


def test_workers_die_with_the_broker() -> None:
    """A broker that is killed leaves neither zygote nor worker."""
    script = (
        "import os, sys, time\n"
        "from sandbox.confinement.machine import found\n"
        "from sandbox.workers.job import Limits, Side\n"
        "from sandbox.workers.pool import Pool\n"
        "pool = Pool(Limits(1, 256), 1, 9, found())\n"
        "pool.warm((), Side.PUBLIC)\n"
        "print(pool._idle[0].pid, pool._zygote._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as broker:
        assert broker.stdout is not None
        processes = [os.pidfd_open(int(number)) for number in broker.stdout.readline().split()]
        broker.kill()
    for process in processes:
        assert select.select([process], [], [], 60)[0]
        os.close(process)


def test_a_worker_gave_up_what_it_does_not_need(pool: Pool, part: Part) -> None:
    pool.run((part,), Side.PRIVATE, job(SUM))
    [worker] = workers()
    status = Path(f"/proc/{worker}/status").read_text()
    limits = Path(f"/proc/{worker}/limits").read_text()
    assert "NoNewPrivs:\t1" in status
    assert any(line.split()[:6] == ["Max", "core", "file", "size", "0", "0"] for line in limits.splitlines())
    assert os.getsid(worker) == worker
    descriptors = Path(f"/proc/{worker}/fd")
    if os.geteuid() == 0:
        held = {str(link.readlink()).partition(":")[0] for link in descriptors.iterdir()}
        assert held == {os.devnull, "socket", "/memfd"}
    else:  # not dumpable: not even its own user may look
        with pytest.raises(PermissionError):
            list(descriptors.iterdir())
