"""Crash points: where a test may stop the process dead.

``CRASH_AT=n`` ends the process without any clean-up at the n-th point that it passes; ``CRASH_ONLY=prefix`` counts only
the points whose name starts so. Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import sys

_left = int(os.environ.get("CRASH_AT", "0"))
_only = os.environ.get("CRASH_ONLY", "")
_armed = not os.environ.get("CRASH_ARM_FILE")


def point(name: str) -> None:
    """Pass the point called ``name``; the process may end here, as after ``kill -9``."""
    global _left, _armed
    if _left == 0 or not name.startswith(_only):
        return
    if not _armed:
        _armed = os.path.exists(os.environ["CRASH_ARM_FILE"])
        if not _armed:
            return
    _left -= 1
    if _left == 0:
        sys.stderr.write(f"crash point: {name}\n")
        sys.stderr.flush()
        os._exit(137)
