"""The layers of confinement around a process that could be taken over."""

from __future__ import annotations

import os
from enum import StrEnum

from sandbox.errors import Refusal


class Layer(StrEnum):
    """One of several that each stand alone: what one lets through, another stops."""

    USER = "user"
    """A user of its own without rights, where the service was started as root."""
    NAMESPACES = "namespaces"
    """No network interface, host name or shared memory of the machine's."""
    TREE = "tree"
    """No file of the machine's is even there: an empty tree of its own, where the service was started as root."""
    FILES = "files"
    """No file but what was opened for it (Landlock)."""
    CALLS = "calls"
    """No system call but those on a list (seccomp)."""


def mandatory() -> frozenset[Layer]:
    """What a deployment has or goes without by name."""
    always = {Layer.FILES, Layer.CALLS}
    return frozenset(always | {Layer.USER} if os.geteuid() == 0 else always)


def named(names: str) -> frozenset[Layer]:
    """Layers by their names, with spaces between. Refuses `settings.invalid`."""
    try:
        return frozenset(map(Layer, names.split()))
    except ValueError as error:
        raise Refusal("settings.invalid", {"what": f"without_layers: {error}"}) from None
