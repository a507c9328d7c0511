"""A system-call allow-list for the calling process and all its threads, which nothing can lift (seccomp(2))."""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator

from sandbox.confinement.system_calls import NUMBERS, Allowed, Test, architecture
from sandbox.errors import Fault

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`."""
_FOREIGN = 0x40000000
"""Numbers from here on are calls of another interface (x32)."""

_SET_MODE_FILTER = 1
_ALL_THREADS = 1
_GET_ACTION_AVAIL = 2

_Step = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def offered() -> bool:
    """Whether the kernel can end a process for a call."""
    action = ctypes.c_uint32(_KILL_PROCESS)
    return _seccomp(_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0


def restrict(allowed: Allowed) -> None:
    """From now on every thread of the process makes these calls only. Needs PR_SET_NO_NEW_PRIVS. Raises Fault."""
    steps = b"".join(struct.pack("=HBBI", *step) for step in program(allowed))
    found = _Program(len(steps) // 8, steps)
    if _seccomp(_SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(found)) != 0:
        raise Fault(f"seccomp: errno {ctypes.get_errno()}")


def program(allowed: Allowed) -> list[_Step]:
    """The allow-list for the kernel's filter machine: what is not on it ends the process."""
    column, kernel_name = architecture()
    found: list[_Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, kernel_name),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, _KILL_PROCESS),
    ]
    answers = [(name, [(_RETURN, 0, 0, _ALLOW)]) for name in sorted(allowed.always)]
    answers += [(name, list(_tested(test))) for name, test in allowed.when.items()]
    answers += [(name, [(_RETURN, 0, 0, _ERRNO | number)]) for name, number in allowed.failing.items()]
    for name, answer in answers:
        number = NUMBERS[name][column]
        if number is not None:
            found += [(_EQUAL, 0, len(answer), number), *answer]
    return [*found, (_RETURN, 0, 0, _KILL_PROCESS)]


def _tested(test: Test) -> Iterator[_Step]:
    """Both halves of the argument: the upper one is 0 in everything that is allowed."""
    low = _ARGUMENTS + 8 * test.argument
    refused = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    yield (_LOAD, 0, 0, low + 4)
    yield (_EQUAL, 1, 0, 0)
    yield refused
    yield (_LOAD, 0, 0, low)
    yield (_AND, 0, 0, test.mask)
    for value in test.values:
        yield (_EQUAL, 0, 1, value)
        yield (_RETURN, 0, 0, _ALLOW)
    yield refused


def _seccomp(operation: int, flags: int, argument: object) -> int:
    column, _ = architecture()
    library = ctypes.CDLL(None, use_errno=True)
    number = NUMBERS["seccomp"][column]
    return int(library.syscall(ctypes.c_long(number or 0), ctypes.c_uint(operation), ctypes.c_uint(flags), argument))
