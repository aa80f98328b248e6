"""Every operation of a run and how it ended, one line of JSON each: ok, fail (certainly not done), unknown."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["ok", "fail", "unknown"]


class History:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w")
        self.began = time.time()

    def note(self, kind: str, outcome: Outcome, **facts: Any) -> None:
        """``kind`` is what was tried; times are seconds since the run began."""
        line = {"at": round(time.time() - self.began, 4), "kind": kind, "outcome": outcome, **facts}
        self._file.write(json.dumps(line, default=str) + "\n")

    def close(self) -> None:
        self._file.close()
