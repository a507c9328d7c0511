"""One of several processes that race for one budget: `python -m tests.support.racing FOLDER URL SENDS SEED`.

All processes make the same requests and send each as often, by several threads, in an order of their own. Each says
that it is ready and begins when a line has come; what came of it is a line of JSON.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sandbox.errors import Refusal
from sandbox.ledger.nonces import Nonce
from sandbox.ledger.outcomes import ChargeRequest, Logged, Refused
from sandbox.ledger.writer import Committed
from tests.support.ledger_world import NOW, World, sha

LICENCES = ("R1", "R2")
BUDGET = 300
"""Queries that each licence may ask."""
SHARED = 500
"""Queries that the data set's account has room for: less than both licences together."""
REQUESTS = 1250
"""Signed requests with a nonce of their own; of five three are new queries, one repeats a query, and one sends a query
again under its idempotency key."""
_THREADS = 8
_AT_ONCE = 32
"""Attempts that a thread has under way, as one batch or several."""


def requests(world: World) -> list[ChargeRequest]:
    """The requests, the same in every process."""
    base = {licence: world.request("q", licence=licence) for licence in LICENCES}
    found = []
    for number in range(REQUESTS):
        first = number - number % 5
        licence = LICENCES[first // 5 % 2]
        query = number if number % 5 < 3 else first
        key = first if number % 5 == 4 else number
        nonce = Nonce(base[licence].nonce.key_id, f"racing-{number}")
        header = world.header(NOW, "li", nonce.value)
        assert header.request is not None
        signed = replace(header.request, message=sha(f"q{query}"), idempotency=sha(f"k{key}"))
        found.append(
            replace(
                base[licence],
                nonce=nonce,
                header=replace(header, request=signed),
                idempotency_key=f"racing-{key}",
                request_digest=sha(f"q{query}"),
                identity=sha(f"identity {query}"),
            )
        )
    return found


def race(world: World, order: list[ChargeRequest], name: str) -> Counter[str]:
    """Attempts by one thread, some under way at a time; what could not be stored is sent again."""
    ends = Counter[str]()
    left = [replace(request, id=f"{name}-{number}") for number, request in enumerate(order)]
    while left:
        part, left = left[:_AT_ONCE], left[_AT_ONCE:]
        sent = [(each, world.writer.submit(world.authorization(each), covered=False)) for each in part]
        for each, answer in sent:
            end = _end(answer)
            if end == "service.storage":
                left.append(each)
            else:
                ends[end] += 1
    return ends


def _end(answer: Future[Committed[Logged]]) -> str:
    try:
        outcome = answer.result().value.outcome
    except Refusal as refusal:
        return refusal.code
    return outcome.refusal.code if isinstance(outcome, Refused) else type(outcome).__name__


def main() -> None:
    folder, url, sends, seed = sys.argv[1:]
    world = World(Path(folder), url)
    try:
        known = requests(world)
        order = random.Random(int(seed)).sample(known * int(sends), len(known) * int(sends))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        with ThreadPoolExecutor(_THREADS) as threads:
            parts = [(order[start::_THREADS], f"r{seed}-{start}") for start in range(_THREADS)]
            ends = sum(threads.map(lambda part: race(world, *part), parts), Counter[str]())
    finally:
        world.close()
    sys.stdout.write(f"{json.dumps(ends)}\n")


if __name__ == "__main__":
    main()
