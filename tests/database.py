"""One PostgreSQL for the whole test session.

``server`` starts the embedded one in a throw-away folder, with its safety switched off for speed, and shares it between
the workers of pytest-xdist. With FRONTDESK_TEST_DATABASE_URL the suite runs against that server instead.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frontdesk.kit import postgres

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    if url := os.environ.get("FRONTDESK_TEST_DATABASE_URL"):
        yield asyncio.run(postgres.resolve(Path(), url=url))
        return
    with shared_server(_home_of_session(tmp_path_factory)) as found:
        yield found


@contextmanager
def shared_server(home: Path) -> Iterator[postgres.Server]:
    """The first process that comes starts it, and stops it after the last has gone."""
    home.mkdir(mode=0o755, exist_ok=True)
    users = os.open(home.with_suffix(".users"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield from _start_or_attach(home, users)
    finally:
        os.close(users)


def _start_or_attach(home: Path, users: int) -> Iterator[postgres.Server]:
    deadline = time.monotonic() + 60
    while True:
        if found := postgres.attach(home):
            yield found
            return
        try:
            started = postgres.start(home, settings=FAST)
        except postgres.AlreadyRunning:  # another worker is starting it right now
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            continue
        try:
            yield started
        finally:
            fcntl.flock(users, fcntl.LOCK_EX)  # the others let go of theirs when they are done
            started.stop()
            shutil.rmtree(home)
            home.with_suffix(".users").unlink()
        return


def _home_of_session(factory: pytest.TempPathFactory) -> Path:
    """A folder outside of pytest's own, which is closed to the user who runs the database when tests run as root."""
    base = factory.getbasetemp()
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return _fast_parent() / f"frontdesk-tests-{hashlib.sha256(str(session).encode()).hexdigest()[:12]}"


def fast_folder(prefix: str) -> Path:
    """A new folder that every OS user can reach, in memory where there is room: databases are made and copied in it."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=_fast_parent()))
    made.chmod(0o755)
    return made


def _fast_parent() -> Path:
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return memory if roomy else Path(tempfile.gettempdir())
