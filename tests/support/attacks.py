"""What somebody tries who runs code of their own in a worker, or SQL of their own in its engine.

An attack returns when it got what it wanted and raises otherwise. `main` is the zygote whose workers carry out the
attack that a job names.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb

from sandbox.confinement.layers import Layer
from sandbox.confinement.system_calls import architecture
from sandbox.engines import duckdb as engine
from sandbox.engines.duckdb import EngineError, Session
from sandbox.workers import child, zygote
from sandbox.workers.job import Job, Limits
from sandbox.workers.wire import send_failure, send_rows

Place: TypeAlias = Mapping[str, str]
"""What there is to reach: see tests/faults/test_confinement.py."""
U, N, T, F, C = Layer.USER, Layer.NAMESPACES, Layer.TREE, Layer.FILES, Layer.CALLS

_SEIZE = 0x4206
"""PTRACE_SEIZE."""
_MOUNTS = 0x00020000
"""CLONE_NEWNS."""
_FLAGS = 0x8913
"""SIOCGIFFLAGS."""
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Attack:
    """One of code. Each of `stopped_by` stops it alone."""

    act: Callable[[Place], None]
    stopped_by: frozenset[Layer]


ATTACKS: dict[str, Attack] = {}


def attack(*layers: Layer) -> Callable[[Callable[[Place], None]], Callable[[Place], None]]:
    def enter(act: Callable[[Place], None]) -> Callable[[Place], None]:
        ATTACKS[act.__name__] = Attack(act, frozenset(layers))
        return act

    return enter


_COLUMN = architecture()[0]
_NUMBERS = {
    "execve": (59, 221),
    "ptrace": (101, 117),
    "mount": (165, 40),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "process_vm_readv": (310, 270),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
}


def _call(name: str, *arguments: object) -> int:
    """A system call. Raises OSError when it is not permitted, or what it names is not there; any other error means that
    it was let through."""
    result = int(LIBC.syscall(ctypes.c_long(_NUMBERS[name][_COLUMN]), *arguments))
    if result < 0 and ctypes.get_errno() in (errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENOSYS):
        raise OSError(ctypes.get_errno(), "refused")
    return result


# files


@attack(F, C, T)
def read_a_file_of_the_machine(_: Place) -> None:
    Path("/etc/passwd").read_bytes()


@attack(F, C, U, T)
def read_a_secret_of_the_service(place: Place) -> None:
    Path(place["secret"]).read_bytes()


@attack(F, C, U)
def read_a_file_through_the_service(place: Place) -> None:
    """Whose file tree is the machine's."""
    Path(f"/proc/{place['service']}/root/etc/passwd").read_bytes()


@attack(F, C)
def list_the_root(_: Place) -> None:
    list(Path("/").iterdir())


@attack(F, C)
def read_the_environment(_: Place) -> None:
    Path("/proc/self/environ").read_bytes()


@attack(F, C, T)
def read_an_imported_module(_: Place) -> None:
    Path(engine.__file__).read_bytes()


@attack(F, C, T)
def make_a_file(place: Place) -> None:
    os.close(os.open(f"{place['open']}/made-{os.getpid()}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))


@attack(F, C, T)
def open_a_file_to_write(place: Place) -> None:
    os.close(os.open(place["writable"], os.O_WRONLY))


@attack(F, C, T)
def truncate_a_file(place: Place) -> None:
    os.truncate(place["writable"], 0)


@attack(F, C, T)
def remove_a_file(place: Place) -> None:
    Path(place["doomed"]).unlink()


@attack(F, C, T)
def make_a_folder(place: Place) -> None:
    Path(f"{place['open']}/folder-{os.getpid()}").mkdir()


@attack(F, C, T)
def make_a_symbolic_link(place: Place) -> None:
    Path(f"{place['open']}/link-{os.getpid()}").symlink_to("/")


@attack(F, C, T)
def rename_a_file(place: Place) -> None:
    Path(place["movable"]).rename(f"{place['open']}/moved-{os.getpid()}")


@attack(F, C, T)
def make_a_socket_file(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as found:
        found.bind(f"{place['open']}/s-{os.getpid()}")


@attack(F, C, U, T)
def make_a_device(place: Place) -> None:
    os.mknod(f"{place['open']}/null-{os.getpid()}", 0o600 | 0o020000, os.makedev(1, 3))


@attack(F, C, T)
def share_memory_by_name(_: Place) -> None:
    os.close(os.open(f"/dev/shm/vitrine-attack-{os.getpid()}", os.O_CREAT | os.O_RDWR))


@attack(C, U, T)
def change_the_mode_of_a_secret(place: Place) -> None:
    Path(place["secret"]).chmod(0o600)


@attack(C, U, T)
def change_the_owner_of_a_secret(place: Place) -> None:
    os.chown(place["secret"], 0, 0)


@attack(F, C, U, T)
def read_the_memory_of_the_machine(_: Place) -> None:
    os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))


# processes


@attack(F, C, T)
def run_a_program(_: Place) -> None:
    """With arguments that cannot be read, so that this process stays: they are read once the program may be run."""
    _call("execve", b"/bin/true", ctypes.c_void_p(1), None)


@attack(C, U)
def start_many_processes(_: Place) -> None:
    children = []
    try:
        for _number in range(200):
            found = os.fork()
            if found == 0:
                signal.pause()
            children.append(found)
    finally:
        for found in children:
            os.kill(found, signal.SIGKILL)
            os.waitpid(found, 0)


@attack(F, C, T)
def start_a_shell(_: Place) -> None:
    found = os.posix_spawn("/bin/true", ["true"], {})
    if os.waitpid(found, 0)[1] != 0:
        raise PermissionError


@attack(C, U)
def trace_the_parent(_: Place) -> None:
    _call("ptrace", ctypes.c_long(_SEIZE), ctypes.c_long(os.getppid()), None, None)


@attack(C, U)
def read_the_parents_memory(_: Place) -> None:
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    _call("process_vm_readv", ctypes.c_long(os.getppid()), local, 1, remote, 1, 0)


@attack(F, C, U)
def open_the_parents_memory(_: Place) -> None:
    os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY))


@attack(F, C, U)
def read_the_parents_environment(_: Place) -> None:
    Path(f"/proc/{os.getppid()}/environ").read_bytes()


@attack(F, C, U)
def list_the_parents_descriptors(_: Place) -> None:
    list(Path(f"/proc/{os.getppid()}/fd").iterdir())


@attack(C, U)
def take_a_descriptor_of_the_parent(_: Place) -> None:
    process = _call("pidfd_open", ctypes.c_long(os.getppid()), 0)
    _call("pidfd_getfd", ctypes.c_long(process), 0, 0)


@attack(F, C, U)
def signal_the_parent(_: Place) -> None:
    os.kill(os.getppid(), signal.SIGCONT)


@attack(F, C, U)
def signal_the_service(place: Place) -> None:
    os.kill(int(place["service"]), signal.SIGCONT)


# network


def _connect(family: socket.AddressFamily, address: object) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as found:
        found.settimeout(5)
        found.connect(address)  # type: ignore[arg-type]


@attack(F, C, N)
def connect_to_a_port(place: Place) -> None:
    _connect(socket.AF_INET, ("127.0.0.1", int(place["port"])))


@attack(F, C)
def listen_on_a_port(_: Place) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))


@attack(C, N)
def send_a_datagram(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.sendto(b"rows", ("127.0.0.1", int(place["datagrams"])))


@attack(C, U, T)
def connect_to_the_service(place: Place) -> None:
    _connect(socket.AF_UNIX, place["socket"])


@attack(F, C, N)
def connect_to_an_abstract_socket(place: Place) -> None:
    _connect(socket.AF_UNIX, "\0" + place["abstract"])


@attack(C, U)
def read_packets(_: Place) -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).close()


@attack(C, U)
def send_raw_packets(_: Place) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@attack(C, N)
def see_the_machines_interfaces(place: Place) -> None:
    found = {name for _, name in socket.if_nameindex()}
    if place["interface"] not in found or not _is_up(place["interface"]):
        raise PermissionError


def _is_up(interface: str) -> bool:
    """Asked of the kernel: a namespace of one's own has a loopback, too, but it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        answer = fcntl.ioctl(found, _FLAGS, struct.pack("16sH14x", interface.encode(), 0))
    return bool(struct.unpack("16xH14x", answer)[0] & 1)


@attack(C, N, U)
def attach_shared_memory_of_the_machine(place: Place) -> None:
    found = int(LIBC.shmat(ctypes.c_int(int(place["segment"])), None, 0))
    if found == -1:
        raise OSError(ctypes.get_errno(), "refused")


# rights


@attack(C, U)
def become_another_user(_: Place) -> None:
    os.setresuid(4242, 4242, 4242)


@attack(C, U)
def come_before_everybody(_: Place) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, -10)


@attack(C, U)
def mount_a_file_system(place: Place) -> None:
    _call("mount", b"none", place["open"].encode(), b"no such file system", 0, None)


@attack(C, U)
def change_the_root(_: Place) -> None:
    os.chroot("/")


@attack(C, U)
def unmount_a_file_system(place: Place) -> None:
    _call("umount2", place["open"].encode(), 0)


@attack(C, U)
def name_the_machine(_: Place) -> None:
    socket.sethostname(socket.gethostname())


@attack(C, U)
def take_a_processor(_: Place) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@attack(C, U)
def mount_in_a_namespace(_: Place) -> None:
    _call("unshare", ctypes.c_long(_MOUNTS))


# the worker


SQL: Mapping[str, tuple[str, ...]] = {
    "copy to a file": ("COPY (SELECT 1) TO '{open}/copied.csv'",),
    "copy from a file": ("CREATE TEMP TABLE t (x VARCHAR)", "COPY t FROM '{readable}'"),
    "attach a file": ("ATTACH '{open}/attached.db' AS other", "SELECT 1"),
    "read_csv": ("SELECT * FROM read_csv('{readable}', header = false)",),
    "read_text": ("SELECT content FROM read_text('{readable}')",),
    "read_blob": ("SELECT content FROM read_blob('{readable}')",),
    "glob": ("SELECT * FROM glob('{open}/*')",),
    "a file as a table": ("SELECT * FROM '{table}'",),
    "a file by query()": ("SELECT * FROM query('SELECT content FROM read_text(''{readable}'')')",),
    "install an extension": ("INSTALL '{extension}'", "SELECT 1"),
    "load an extension": ("LOAD '{extension}'", "SELECT 1"),
    "export the database": ("EXPORT DATABASE '{open}/exported'", "SELECT 1"),
    "a prepared statement": ("PREPARE p AS SELECT content FROM read_text('{readable}')", "EXECUTE p"),
    "external access again": ("SET enable_external_access = true", "SELECT content FROM read_text('{readable}')"),
    "files again": ("SET disabled_filesystems = ''", "SELECT content FROM read_text('{readable}')"),
    "an unlocked configuration": ("SET lock_configuration = false", "SELECT content FROM read_text('{readable}')"),
    "a view of a file": (
        "CREATE TEMP VIEW v AS SELECT content FROM read_text('{readable}')",
        "SELECT * FROM v",
    ),
    "a macro of a file": (
        "CREATE TEMP MACRO m(f) AS TABLE SELECT content FROM read_text(f)",
        "SELECT * FROM m('{readable}')",
    ),
    "a log on disk": ("CALL enable_logging(storage = 'file', storage_path = '{open}/logs')", "SELECT 1"),
    "the network": ("SELECT content FROM read_text('http://127.0.0.1:{port}/')",),
}
"""Statements in their order; the last one gives rows when the attack got through."""


def _answer(connection: socket.socket, session: Session, job: Job) -> None:
    order = json.loads(job.sql)
    try:
        if "sql" in order:
            with session._connection.cursor() as cursor:
                for statement in SQL[order["sql"]]:
                    rows = cursor.execute(statement.format_map(order["place"])).fetchall()
                if not rows:
                    raise PermissionError
        else:
            ATTACKS[order["attack"]].act(order["place"])
        send_rows(connection, iter([(1,)]))
    except (OSError, EngineError, duckdb.Error, ValueError):
        send_failure(connection, memory=False)


def _unlocked(limits: Limits) -> tuple[str, ...]:
    """Limits alone."""
    return (f"SET GLOBAL threads = {limits.threads}",)


def main(*, unlocked: bool) -> None:
    """The zygote; with an engine that was not locked down, or as it is."""
    child._answer = _answer
    if unlocked:
        engine._lock = _unlocked
    zygote.main()
