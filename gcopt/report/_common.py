"""What all reports share."""

from __future__ import annotations

from pathlib import Path

ROWS = 20  # more are too many to look at


def written(path: Path | None, following: str = "") -> None:
    """Say what was written where, and what to do with it."""
    if path is not None:
        print(f"wrote {path}" + (f"; {following} {path}" if following else ""))
