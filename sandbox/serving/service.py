"""Assembles the running sandbox from its state folder and serves its door until told to stop.

Order matters: the children that see rows or SQL are exec'd before the vault and the database are open.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from policies.canonical import canonical_json
from sandbox.audit.entry import Header
from sandbox.broker import Broker
from sandbox.clock import milliseconds
from sandbox.confinement.machine import chosen
from sandbox.confinement.rights import keep_memory
from sandbox.datasets.dummies import Dummies
from sandbox.errors import Refusal, told
from sandbox.frontend import Frontend
from sandbox.ledger.database import cause, is_shared, is_storage, migrate, open_database, place
from sandbox.ledger.presence import Presence
from sandbox.ledger.writer import Writer
from sandbox.plan.limits import standard
from sandbox.queries.decisions import Decisions
from sandbox.queries.runs import Runs
from sandbox.queries.underway import UnderWay
from sandbox.registry.acts import start_service, stop_service
from sandbox.registry.directory import Registry
from sandbox.serving import operator_log
from sandbox.serving.admission import Admission
from sandbox.serving.door import Door, refused
from sandbox.serving.server import Server
from sandbox.settings import Settings
from sandbox.state import StateFolder, held
from sandbox.visible import visible
from sandbox.watch import Watch
from sandbox.workers.job import Limits, Side
from sandbox.workers.pool import Pool


def main() -> int:
    """`python -m sandbox.serving.service STATE [SOCKET]`: 0 after an orderly end, 1 when it may not start."""
    operator_log.begin()
    os.umask(0o077)
    try:
        state, *socket = map(Path, sys.argv[1:])
        serve(StateFolder(state), *socket)
    except Refusal as refusal:
        return _not_started(refusal)
    except (OSError, SQLAlchemyError) as error:
        if not is_storage(error):
            raise
        sys.stderr.write(visible(f"{cause(error)}\n"))
        return _not_started(Refusal("service.storage"))
    return 0


def _not_started(refusal: Refusal) -> int:
    sys.stderr.write(visible(told(refusal)))
    return 1


def serve(state: StateFolder, socket: Path | None = None) -> None:
    """Serves until SIGTERM or SIGINT, at another socket than the settings' where one is given.

    On SQLite one sandbox serves a state folder, on PostgreSQL as many as there are sockets. Refuses state.busy,
    settings.*, vault.*, key.*, policy.*.
    """
    keep_memory()
    settings = state.settings if socket is None else replace(state.settings, socket=socket)
    with (
        state.held(shared=is_shared(settings.database)),
        held(settings.socket.with_name(f"{settings.socket.name}.lock"), shared=False),
        opened(state, settings) as broker,
    ):
        door = Door(broker, state.log_public_key, Admission(settings))
        server = Server(settings.socket, door.handle, refused, settings.connections, settings.max_body)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            threading.Thread(target=server.close).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        server.serve()


@contextmanager
def opened(state: StateFolder, settings: Settings) -> Iterator[Broker]:
    """A broker ready to answer, with what was left open being run again; everything is closed at the end."""
    with ExitStack() as stack:
        limits, layers = Limits(settings.worker_threads, settings.worker_megabytes), chosen(settings.without_layers)
        pool = Pool(limits, settings.workers, settings.worker_jobs, layers)
        stack.callback(pool.close)
        frontend = Frontend(settings.frontends, layers)
        stack.callback(frontend.close)
        bundle = state.bundle
        engine = open_database(settings.database)
        stack.callback(engine.dispose)
        migrate(engine)
        writer = Writer(engine, state.log_key, state.mark)
        stack.callback(writer.close)
        snapshots = state.snapshots
        stack.callback(snapshots.close)
        dummies = Dummies(snapshots, bundle.domains)
        stack.callback(dummies.close)
        bundle_in_force = Header(milliseconds(), bundle.digest, None, None)
        build, configuration = version("vitrine"), _digest(settings)
        started = writer.submit(lambda connection: start_service(connection, bundle_in_force, build, configuration))
        sandbox = started.result().value
        presence = Presence(engine, sandbox)
        stack.callback(presence.close)
        under_way = UnderWay(settings.connections)  # most of them only wait for their time
        stack.callback(under_way.close)
        registry = Registry(engine, bundle.department)
        decisions = Decisions(settings, standard(settings.max_cells), bundle, registry, snapshots, frontend)
        runs = Runs(settings, engine, writer, snapshots, pool.run, under_way, decisions, sandbox)
        broker = Broker(decisions, runs, dummies)
        for current in registry.snapshots():
            for side in (Side.PRIVATE, Side.PUBLIC):
                pool.warm((snapshots.part(current.id, side),), side)
        runs.recover()
        if is_shared(settings.database):
            stack.callback(Watch(presence.renew, runs.recover).close)
        yield broker
        under_way.close()
        last = Header(milliseconds(), bundle.digest, None, None)
        writer.submit(lambda connection: stop_service(connection, last, build)).result()


def _digest(settings: Settings) -> str:
    """SHA-256 of the settings, hex: what the log says of a configuration. No secret is in it: it could be guessed."""
    found = {name: str(getattr(settings, name)) for name in Settings.__dataclass_fields__}
    found["database"] = place(settings.database)
    return hashlib.sha256(canonical_json(found)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
