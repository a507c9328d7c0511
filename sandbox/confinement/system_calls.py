"""The system calls that a confined process may make, by name, and their numbers on each processor.

A call that is not named here ends the process: no exec, no socket, no other process or its memory, no kernel interface.
"""

from __future__ import annotations

import errno
import mmap
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sandbox.errors import Fault

ARCHITECTURES: Mapping[str, tuple[int, int]] = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By machine: the column of `NUMBERS`, and how the kernel names it (linux/audit.h)."""


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on the bits of one argument under a mask: they are one of `values`."""

    argument: int
    mask: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a process may call: always, under a condition, and what fails with an error instead of ending it."""

    always: frozenset[str]
    when: Mapping[str, Test]
    """A call that does not meet its condition fails with EPERM."""
    failing: Mapping[str, int]
    """Error numbers by name."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = 0xFFFFFFFF
_THREAD = 0x00010000
"""CLONE_THREAD."""
_SET_NAME = 15
"""PR_SET_NAME."""
_DESCRIPTOR_FLAGS_AND_LOCKS = (1, 2, 3, 4, 5, 6, 36, 37)
"""F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_OFD_GETLK, F_OFD_SETLK."""
_DUPLICATE = 1030
"""F_DUPFD_CLOEXEC."""

_COMPUTING = _names("""
    brk munmap mremap madvise futex set_robust_list rseq membarrier exit exit_group rt_sigaction rt_sigprocmask
    rt_sigreturn sigaltstack restart_syscall getpid gettid getuid geteuid getgid getegid sched_yield
    sched_getaffinity sysinfo uname getrusage getrandom clock_gettime clock_getres clock_nanosleep nanosleep
    gettimeofday
""")
_DESCRIPTORS = _names("""
    read write pread64 lseek close fstat recvfrom getsockopt getsockname poll ppoll
""")
_PATHS = _names("""
    openat stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat statfs fstatfs getcwd
    getdents64
""")
_WRITING = _names("""
    pwrite64 ftruncate fallocate fsync fdatasync symlink symlinkat unlink unlinkat rmdir
""")
_NO_CODE = {name: Test(2, mmap.PROT_EXEC, (0,)) for name in ("mmap", "mprotect")}
"""No memory becomes code."""
_UNNAMED = {"sendto": Test(4, _WORD, (0,))}
"""To the peer that a socket has, never to an address."""

ENGINE = Allowed(
    _COMPUTING | _DESCRIPTORS,
    {
        **_NO_CODE,
        **_UNNAMED,
        "clone": Test(0, _THREAD, (_THREAD,)),
        "prctl": Test(0, _WORD, (_SET_NAME,)),
        "prlimit64": Test(2, _WORD, (0,)),
        "fcntl": Test(1, _WORD, _DESCRIPTOR_FLAGS_AND_LOCKS),
    },
    {"clone3": errno.ENOSYS, "ioctl": errno.ENOTTY, **dict.fromkeys(_PATHS, errno.EPERM)},
)
"""A worker once its engine is locked: computes, in threads, and talks to the broker. No path leads anywhere."""

OPENING = replace(
    ENGINE,
    always=ENGINE.always | _PATHS | {"seccomp"},
    failing={name: number for name, number in ENGINE.failing.items() if name not in _PATHS},
)
"""A worker before that: it opens its files, and may only confine itself further."""

LOWERING = Allowed(
    (_COMPUTING | _DESCRIPTORS | {"setitimer"}) - {"recvfrom", "pread64"},
    {**_NO_CODE, "prlimit64": Test(2, _WORD, (0,)), "fcntl": Test(1, _WORD, _DESCRIPTOR_FLAGS_AND_LOCKS)},
    {"ioctl": errno.ENOTTY, **dict.fromkeys(_PATHS, errno.EPERM)},
)
"""The lowering child: reads, computes in its one thread, and writes."""


LOADING = replace(
    OPENING,
    always=(OPENING.always | _WRITING) - {"seccomp", "recvfrom"},
    when={
        **{name: test for name, test in OPENING.when.items() if name != "sendto"},
        "fcntl": Test(1, _WORD, (*_DESCRIPTOR_FLAGS_AND_LOCKS, _DUPLICATE)),
    },
)
"""The loading child: it also fills the files of a snapshot."""


def architecture() -> tuple[int, int]:
    """This machine's column and kernel name. Raises Fault where its system calls are not known."""
    try:
        return ARCHITECTURES[platform.machine()]
    except KeyError:
        raise Fault("the system calls of this processor are not known") from None


NUMBERS: Mapping[str, tuple[int | None, int | None]] = {
    # x86_64, aarch64
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "lseek": (8, 62),
    "close": (3, 57),
    "fstat": (5, 80),
    "fcntl": (72, 25),
    "recvfrom": (45, 207),
    "sendto": (44, 206),
    "getsockopt": (55, 209),
    "getsockname": (51, 204),
    "poll": (7, None),
    "ppoll": (271, 73),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "clone": (56, 220),
    "clone3": (435, 435),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getrusage": (98, 165),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "getrandom": (318, 278),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "openat": (257, 56),
    "stat": (4, None),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "ioctl": (16, 29),
    "pwrite64": (18, 68),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rmdir": (84, None),
    "seccomp": (317, 277),
    "pivot_root": (155, 41),
}
"""From asm/unistd_64.h and asm-generic/unistd.h; None where a processor has no such call."""
