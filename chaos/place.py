"""The ground of a run: PostgreSQL as the product starts it, a fresh database, and the zygote with its processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from chaos.settings import PRODUCT
from frontdesk.app.migrate import migrate
from frontdesk.kit import postgres

ROOT = Path(__file__).parents[1]
TEMPLATE = "chaos_template"


class Ground:
    """One PostgreSQL for several runs. Its safety is never switched off, whether it lies in memory or on a disk."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
        self.folder = Path(tempfile.mkdtemp(prefix="frontdesk-chaos-", dir=memory if roomy else None))
        self.folder.chmod(0o755)
        self.in_memory = roomy
        self.server: Any = None

    async def open(self) -> None:
        self.server = await asyncio.to_thread(postgres.start, self.folder / "home", settings={"max_connections": "120"})
        await self._admin(f"create database {TEMPLATE}")
        await migrate({**self.server.owner_connect_args, "database": TEMPLATE})

    async def database(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A fresh database; ``asyncpg.connect`` arguments of the application and of the owner."""
        await self._admin(f"drop database if exists {name} with (force)")
        await self._admin(f"create database {name} template {TEMPLATE}")
        return tuple({**of, "database": name} for of in (self.server.connect_args, self.server.owner_connect_args))  # type: ignore[return-value]

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(**{**self.server.owner_connect_args, "database": "postgres"})
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def crash(self) -> float:
        """Stop PostgreSQL at once, without a checkpoint, and start it again; the seconds until it takes connections."""
        began = time.time()
        os.kill(self.server.pid, signal.SIGQUIT)
        while self.server.alive():  # noqa: ASYNC110  (a child process tells nobody)
            await asyncio.sleep(0.01)
        await asyncio.to_thread(self.server.revive)
        return time.time() - began

    async def close(self) -> None:
        if self.server is not None:
            await asyncio.to_thread(self.server.stop)
        shutil.rmtree(self.folder, ignore_errors=True)


class Zygote:
    """The process that forks web and workers; it tells when they do their work."""

    def __init__(self, home: Path, connect_args: dict[str, Any], mutant: str) -> None:
        self._told = {"home": str(home), "connect_args": connect_args, "environ": PRODUCT, "mutant": mutant}
        self._home = home
        self.passes: dict[int, list[float]] = {}  # by pid: when it did its work
        self.worked: list[float] = []  # when any worker did
        self.on_stopped: Callable[[int], None] = lambda pid: None
        self._pids: asyncio.Queue[int] = asyncio.Queue()
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def open(self) -> str:
        """Start it; returns the origin at which web processes answer."""
        self._home.mkdir(parents=True, exist_ok=True)
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
        with (self._home / "roles.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chaos.zygote", json.dumps(self._told),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT, env=environ,
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return f"http://127.0.0.1:{await asyncio.wait_for(self._port, 60)}"

    async def spawn(self, role: str) -> int:
        self._process.stdin.write(f"{role}\n".encode())  # type: ignore[union-attr]
        return await asyncio.wait_for(self._pids.get(), 20)

    async def close(self) -> None:
        """The kernel ends its children with it."""
        self._process.kill()
        await self._process.wait()
        self._reading.cancel()

    async def _read(self) -> None:
        async for line in self._process.stdout:  # type: ignore[union-attr]
            said = json.loads(line)
            if "pass" in said:
                self.passes.setdefault(said["pass"], []).append(said["at"])
                if said["role"] == "worker":
                    self.worked.append(said["at"])
            elif "stopped" in said:
                self.on_stopped(said["stopped"])
            elif "pid" in said:
                self._pids.put_nowait(said["pid"])
            else:
                self._port.set_result(said["port"])
