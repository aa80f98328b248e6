"""PostgreSQL under a run: the one that Frontdesk brings, Debian's as a server on the loopback, or somebody's by URL.

Its safety is never switched off, whether it lies in memory or on a disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from frontdesk.kit import postgres

CONNECTIONS = "200"
DEBIAN = Path("/usr/lib/postgresql")
READY_WITHIN = 60.0

Both = tuple[dict[str, Any], dict[str, Any]]
"""``asyncpg.connect`` arguments: as the application, and as the owner."""


class Ground:
    """A server of somebody else's, which is never killed."""

    can_crash = False

    def __init__(self, url: str = "") -> None:
        self.url = url
        self._turn = asyncio.Lock()  # nobody makes a database while it is down

    def __str__(self) -> str:
        return "PostgreSQL at a URL, which is never killed"

    async def open(self) -> None:
        """Start it, where it is ours."""

    async def close(self) -> None:
        """Stop it, where it is ours."""

    async def reach(self, database: str) -> Both:
        server = await postgres.resolve(Path(), url=urlunsplit(urlsplit(self.url)._replace(path=f"/{database}")))
        return server.connect_args, server.owner_connect_args

    def owner(self) -> dict[str, Any]:
        return {"dsn": self.url}

    async def make(self, database: str, *, template: str = "template1", changes: Sequence[str] = ()) -> Both:
        """A fresh database, a copy of another that nobody uses, but for these ``changes``."""
        async with self._turn:
            connection = await asyncpg.connect(**self.owner())
            try:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", template
                )
                await connection.execute(f"drop database if exists {database} with (force)")
                await connection.execute(f"create database {database} template {template}")
            finally:
                await connection.close()
            both = await self.reach(database)
            connection = await asyncpg.connect(**both[1])
            try:
                for change in changes:
                    await connection.execute(change)
            finally:
                await connection.close()
            return both

    async def crash(self) -> float:
        """Stop it at once, without a checkpoint, and start it again; the seconds until it takes connections."""
        async with self._turn:
            began = time.time()
            await self._crash()
            return time.time() - began

    async def _crash(self) -> None:
        raise RuntimeError(f"{self}: nobody may crash it")


class Embedded(Ground):
    """As ``frontdesk run`` starts it: a socket only."""

    can_crash = True

    def __init__(self) -> None:
        super().__init__()
        self.folder, self._where = _folder()
        self.server: Any = None

    def __str__(self) -> str:
        return f"Frontdesk's own PostgreSQL on {self._where}"

    async def open(self) -> None:
        settings = {"max_connections": CONNECTIONS}
        self.server = await asyncio.to_thread(postgres.start, self.folder / "home", settings=settings)

    async def close(self) -> None:
        if self.server is not None:
            await asyncio.to_thread(self.server.stop)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def reach(self, database: str) -> Both:
        of = self.server
        return {**of.connect_args, "database": database}, {**of.owner_connect_args, "database": database}

    def owner(self) -> dict[str, Any]:
        return {**self.server.owner_connect_args, "database": "postgres"}

    async def _crash(self) -> None:
        os.kill(self.server.pid, signal.SIGQUIT)
        while self.server.alive():  # noqa: ASYNC110  (a child process tells nobody)
            await asyncio.sleep(0.01)
        await asyncio.to_thread(self.server.revive)


class System(Ground):
    """Debian's, as a server that web and worker processes reach over TCP, as they do one on a machine of its own."""

    can_crash = True

    def __init__(self) -> None:
        self._binaries = debian()
        self.folder, self._where = _folder()
        self._data = self.folder / "data"
        self._as = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        super().__init__(f"postgresql://postgres@127.0.0.1:{self._port}/postgres")
        self._process: subprocess.Popen[bytes] | None = None

    def __str__(self) -> str:
        return f"Debian's PostgreSQL {self._binaries.parent.name} on {self._where}, over TCP"

    async def open(self) -> None:
        if self._as:
            shutil.chown(self.folder, **self._as)  # type: ignore[call-overload]
        initdb = [self._binaries / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        await asyncio.to_thread(subprocess.run, initdb, check=True, stdout=subprocess.DEVNULL, **self._as)
        await self._start()

    async def close(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._process.wait)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1", "port": self._port, "unix_socket_directories": "",
            "max_connections": CONNECTIONS,
        }  # fmt: skip
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            command = [str(self._binaries / "postgres"), "-D", str(self._data), *given]
            self._process = await asyncio.to_thread(
                lambda: subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **self._as)  # type: ignore[call-overload]
            )
        ends = time.time() + READY_WITHIN
        while time.time() < ends:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                return await (await asyncpg.connect(**self.owner())).close()
            await asyncio.sleep(0.02)
        raise OSError("PostgreSQL does not start: " + (self.folder / "log").read_text()[-500:])

    async def _crash(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(self._process.wait)
        await self._start()


def debian() -> Path:
    """The programs of the newest PostgreSQL that Debian's packages have put there. Raises FileNotFoundError."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError(f"There is no PostgreSQL in {DEBIAN} (Debian: apt install postgresql).")
    return found[-1].parent


def _folder() -> tuple[Path, str]:
    """A new folder, in memory where there is room; and which of the two it is."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-chaos-", dir=memory if roomy else None))
    folder.chmod(0o755)
    return folder, "memory" if roomy else "a disk"
