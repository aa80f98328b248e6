"""What a start waits for, and what it does not wait for."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOADED = "import sys, {}; print(*[name for name in {!r} if name in sys.modules])"


@pytest.mark.parametrize(
    ("module", "left_out"),
    [
        ("frontdesk.app.cli", ["alembic", "httpx", "litestar", "pgqueuer", "phonenumbers", "sqlalchemy"]),
        ("frontdesk.app.process", ["alembic", "pgqueuer"]),
    ],
)
def test_a_start_reads_only_what_it_needs(module: str, left_out: list[str]) -> None:
    """The command line reads next to nothing, so that PostgreSQL starts beside everything else."""
    program = [sys.executable, "-c", _LOADED.format(module, left_out)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
