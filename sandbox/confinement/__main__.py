"""`python -m sandbox.confinement`: the layers that this machine offers to this user, by name, as JSON."""

from __future__ import annotations

import json
import sys

from sandbox.confinement.machine import offered

if __name__ == "__main__":
    json.dump(sorted(offered()), sys.stdout)
