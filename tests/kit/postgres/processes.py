"""Other processes for the tests of the embedded database, and a way to ask it something."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from frontdesk.kit import postgres

SOURCE = Path(__file__).parents[3] / "src"
HOLD = """
import sys, time
from pathlib import Path
from frontdesk.kit import postgres
server = postgres.start(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.read()
if len(sys.argv) > 2: server.stop()
"""


async def rows(server: postgres.Server, query: str, *values: object) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(**server.owner_connect_args)
    try:
        return [tuple(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()


def hold(home: Path, *more: str) -> tuple[subprocess.Popen[str], int]:
    """Another process that runs the database of this home, ready; and the process id of its postmaster."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home), *more],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def close(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except OSError:
        return True


def wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def copy(template: Path, home: Path) -> None:
    subprocess.run(["cp", "-a", template, home], check=True)
