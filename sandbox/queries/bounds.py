"""How a unit's contribution is cut, as answers say it."""

from __future__ import annotations

from sandbox.privacy.clip import Clip


def clip_json(clip: Clip) -> dict[str, object]:
    """The statistics that are cut together, and the norm, in rows, that a unit's vector of them is cut to;
    None while it is still to be chosen."""
    rows = None if clip.undecided else float(clip.rows)
    return {"statistics": list(clip.fine), "norm": clip.norm.value, "rows": rows}
