"""Web and worker, composed from the product's own parts as ``frontdesk web`` and ``frontdesk worker`` are."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
import uvloop
from litestar import Litestar

from chaos.zygote import say
from frontdesk.app import http, process, starting, worker
from frontdesk.app.intake import Intake
from frontdesk.kit import crash
from frontdesk.kit.context import Resources
from frontdesk.kit.fetch import open_networks
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.realtime.queries.hub import Hub

LOOPBACK = ip_network("127.0.0.0/8")
TELL_EVERY = 0.2  # seconds between two lines about work that goes well


@dataclass
class Parts:
    """What a process is made of. Which database it is for is told after the fork."""

    resources: Resources
    connect_args: dict[str, Any] = field(default_factory=dict)
    hub: Hub = field(init=False)
    app: Litestar = field(init=False)

    def __post_init__(self) -> None:
        self.hub = Hub(self.resources, self.connect)
        self.app = http.create(self.resources, hub=self.hub, intake=Intake(self.resources.db))

    async def connect(self) -> Any:
        return await asyncpg.connect(**self.connect_args)


def build(told: dict[str, Any]) -> Parts:
    """Everything that can be made before the fork; the pool of connections is opened after it."""
    home = Path(told["home"])
    settings = Settings.from_environment({**told["environ"], "FRONTDESK_HOME": str(home)})
    starting.set_up_logging()
    open_networks((LOOPBACK,))
    resources = Resources(
        settings=settings,
        db=Database(None),  # type: ignore[arg-type]
        vault=Vault.open(process.key_file(settings)),
        files=open_store(home / "files"),
    )
    return Parts(resources)


def run(
    role: str, parts: Parts, listening: socket.socket, connect_args: dict[str, Any], stops: tuple[str, float]
) -> None:
    random.seed()
    parts.connect_args = connect_args
    roles = {"web": partial(_web, parts, listening), "worker": partial(_worker, parts, stops)}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(roles[role]())


async def _open(parts: Parts) -> None:
    """The product ends when there is no database at its start, and whoever supervises it starts it again: so do we."""
    while True:
        try:
            settings = parts.resources.settings
            opened = await Database.open(parts.connect_args, size=settings.pool, hung_after=settings.hung_after)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.1)
        else:
            parts.resources.db.pool = opened.pool
            return


async def _web(parts: Parts, listening: socket.socket) -> None:
    await _open(parts)
    hub = asyncio.create_task(parts.hub.run(asyncio.Event()))
    config = uvicorn.Config(_telling(parts.app), log_config=None, access_log=False, lifespan="on", server_header=False)
    await uvicorn.Server(config).serve([listening])
    hub.cancel()


def _telling(app: Any) -> Any:
    """The same application; it tells the harness of its first answer."""
    told = False

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            nonlocal told
            await send(message)
            if not told and message["type"] == "http.response.start" and message["status"] < 500:
                told = True
                say(**{"pass": os.getpid(), "at": time.time()})

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return telling


async def _worker(parts: Parts, stops: tuple[str, float]) -> None:
    await _open(parts)
    _report()
    _stop_once(*stops)
    stop = asyncio.Event()
    hub = asyncio.create_task(parts.hub.run(stop))
    await worker.work(parts.resources, parts.hub, stop, parts.connect)
    hub.cancel()


def _report() -> None:
    """Tell the harness when a round of ingest went well; nothing else about it changes."""
    ingest, last = worker.ingest.ingest, 0.0

    async def reporting(resources: Resources) -> int:
        nonlocal last
        taken = await ingest(resources)
        if time.time() - last > TELL_EVERY:
            last = time.time()
            say(**{"pass": os.getpid(), "at": last})
        return taken

    worker.ingest.ingest = reporting  # type: ignore[assignment]


def _stop_once(moments: str, share: float) -> None:
    """Sleep at one of the worst moments: after a claim, before or after the provider is asked. Once in a life: what is
    left undone meanwhile would bring the next such moment at once. The harness wakes us up."""
    passing, stopped = crash.point, False

    def point(name: str) -> None:
        nonlocal stopped
        if name.startswith(moments) and not stopped and random.random() < share:
            stopped = True
            say(stopped=os.getpid())
            os.kill(os.getpid(), signal.SIGSTOP)
        passing(name)

    crash.point = point
