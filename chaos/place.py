"""What several runs share: PostgreSQL, a furnished database to copy, and the zygote that forks web and workers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from chaos.ground import Both, Ground
from chaos.office import Furniture, Office
from chaos.settings import PRODUCT
from frontdesk.app.migrate import migrate

ROOT = Path(__file__).parents[1]
TEMPLATE = "chaos_template"
PATIENCE = 600.0  # seconds with a machine that has much else to do


class Watcher(Protocol):
    """Who wants to know what a process does by itself."""

    def stopped(self, pid: int) -> None:
        """It stops itself now, and waits to be woken up."""

    def died(self, pid: int, how: str) -> None:
        """It has ended, and nobody killed it."""


class Zygote:
    """The process that forks web and workers; it tells when they do their work."""

    def __init__(self, home: Path, sockets: int) -> None:
        self._told = {"home": str(home), "environ": PRODUCT, "sockets": sockets}
        self._home = home
        self.passes: dict[int, list[float]] = {}  # by pid: when it did its work
        self.watchers: dict[int, Watcher] = {}  # by pid: whom to tell that it stops itself, or has ended
        self._pids: asyncio.Queue[int] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._ports: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

    async def open(self) -> list[int]:
        """Start it; returns the ports of its listening sockets."""
        self._home.mkdir(parents=True, exist_ok=True)
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
        with (self._home / "roles.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chaos.zygote", json.dumps(self._told),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT, env=environ,
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return await asyncio.wait_for(self._ports, PATIENCE)

    async def spawn(
        self, role: str, connect_args: dict[str, Any], *, socket: int = 0, mutant: str = "",
        stops: tuple[str, float] = ("", 0), watcher: Watcher | None = None,
    ) -> int:  # fmt: skip
        """Fork a ``web`` (on that socket) or a ``worker``; its process id."""
        wanted = {"role": role, "connect_args": connect_args, "socket": socket, "mutant": mutant, "stops": stops}
        async with self._turn:
            self._watcher = watcher
            self._process.stdin.write(json.dumps(wanted).encode() + b"\n")  # type: ignore[union-attr]
            return await asyncio.wait_for(self._pids.get(), PATIENCE)

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
            elif "stopped" in said:
                if watcher := self.watchers.get(said["stopped"]):
                    watcher.stopped(said["stopped"])
            elif "died" in said:
                if watcher := self.watchers.get(said["died"]):
                    watcher.died(said["died"], said["how"])
            elif "pid" in said:
                if self._watcher:
                    self.watchers[said["pid"]] = self._watcher
                self._pids.put_nowait(said["pid"])
            else:
                self._ports.set_result(said["ports"])


class Place:
    """Opened once. A run takes a lane: ports of its own, and a database that is a copy of the furnished one."""

    def __init__(self, ground: Ground, folder: Path, *, lanes: int = 1, webs: int = 1) -> None:
        self.ground, self.zygote = ground, Zygote(folder, lanes * webs)
        self._webs = webs
        self.lanes: asyncio.Queue[int] = asyncio.Queue()
        for lane in range(lanes):
            self.lanes.put_nowait(lane)

    async def open(self) -> None:
        await self.ground.open()
        app, owner = await self.ground.make(TEMPLATE)
        await migrate(owner)
        self._ports = await self.zygote.open()
        web = await self.zygote.spawn("web", app)
        office = Office(self._ports[:1])
        self.furniture: Furniture = await office.furnish()
        await office.close()
        os.kill(web, 9)

    def sockets(self, lane: int) -> range:
        return range(lane * self._webs, (lane + 1) * self._webs)

    def ports(self, lane: int) -> list[int]:
        return [self._ports[socket] for socket in self.sockets(lane)]

    async def database(self, name: str, providers: str, changes: Sequence[str] = ()) -> Both:
        """A copy of the furnished database, whose inboxes send through these providers, with these ``changes``."""
        inboxes = (
            "update inboxes set settings = settings || case channel"
            f" when 'sms' then jsonb_build_object('api_base', '{providers}')"
            f" else jsonb_build_object('url', '{providers}/' || channel) end"
        )
        return await self.ground.make(name, template=TEMPLATE, changes=[inboxes, *changes])

    async def close(self) -> None:
        await self.zygote.close()
        await self.ground.close()
