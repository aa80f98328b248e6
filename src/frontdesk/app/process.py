"""Opening what a process needs, and running the parts of the product in it until somebody says stop."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO, cast

import asyncpg
import structlog

from frontdesk.app import http, serving
from frontdesk.app.alerts import Watch
from frontdesk.app.intake import Intake
from frontdesk.app.migrate import migrate
from frontdesk.app.presence import show_presence
from frontdesk.app.worker import work
from frontdesk.kit import postgres, trace
from frontdesk.kit.context import Resources
from frontdesk.kit.disk import Ballast, Disk
from frontdesk.kit.errors import Refused
from frontdesk.kit.fetch import open_networks
from frontdesk.kit.files import open_store
from frontdesk.kit.hiding import hidden
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.realtime.queries.hub import Hub

STOP_SECONDS = 15  # in which requests and sendings under way may end; then the database needs a few to stop

log = structlog.get_logger()
Say = Callable[[str], None]


class _Unfailing(io.TextIOBase):
    """Where lines go that nobody can read: into a file on a full disk. What wrote them goes on."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()


def set_up_logging() -> None:
    """One line of JSON for each thing worth knowing, on standard error; never a message's text."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            trace.logged,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            hidden,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def key_file(settings: Settings) -> Path:
    return settings.key_file or settings.home / "secrets.key"


@asynccontextmanager
async def opened(settings: Settings, server: postgres.Server) -> AsyncIterator[Resources]:
    """Resources on a database that is already there and migrated."""
    db = await Database.open(server.connect_args, size=settings.pool, hung_after=settings.hung_after)
    try:
        place = settings.files or str(settings.home / "files")
        folders = {"the database": server.data, "the files": None if "://" in place else Path(place)}
        disk = Disk({name: folder for name, folder in folders.items() if folder}, keep_free=settings.keep_free)
        files = open_store(place, full=disk.full)
        yield Resources(settings=settings, db=db, vault=Vault.open(key_file(settings)), files=files, disk=disk)
    finally:
        await db.close()


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Resources]:
    """Resources for a command: on the running server if there is one, else on one that is started for it."""
    server = None if settings.database_url else postgres.attach(settings.home)
    own = server is None
    server = server or await postgres.resolve(settings.home, url=settings.database_url)
    try:
        if own:
            await migrate(server.owner_connect_args)
        async with opened(settings, server) as resources:
            yield resources
    finally:
        if own:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def owning(settings: Settings, *, alone: bool = False) -> AsyncIterator[dict[str, Any]]:
    """``asyncpg.connect`` arguments of the tables' owner; ``alone``: refused while another process runs on them."""
    settings.home.mkdir(parents=True, exist_ok=True)
    server = None if settings.database_url else postgres.attach(settings.home)
    if server and alone:
        raise Refused("Frontdesk is running here. Stop it first.", code="in_use")
    own = server is None
    server = server or await postgres.resolve(settings.home, url=settings.database_url)
    try:
        if own and not alone:
            await migrate(server.owner_connect_args)
        yield server.owner_connect_args
    finally:
        if own:
            await asyncio.to_thread(server.stop)


def _ballast(settings: Settings, server: postgres.Server) -> Ballast | None:
    """A quarter of what must stay free, on the database's own disk."""
    if server.data is None or server.data.stat().st_dev != server.data.parent.stat().st_dev:
        return None
    return Ballast(server.data.with_name("ballast"), settings.keep_free // 4, keep_free=settings.keep_free)


def connector(server: postgres.Server) -> Callable[[], Awaitable[asyncpg.Connection[Any]]]:
    """Opens connections outside the pool, for listening and for locks."""

    async def connect() -> Any:
        return await asyncpg.connect(**server.connect_args, command_timeout=60)

    return connect


async def run(
    settings: Settings,
    *,
    web: bool = True,
    worker: bool = True,
    say: Say,
    ready: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Database, web and worker (or one of them) in this process, until SIGTERM or SIGINT."""
    settings.home.mkdir(parents=True, exist_ok=True)
    open_networks(settings.allow_private)
    server = await postgres.resolve(settings.home, url=settings.database_url, on_progress=say)
    caring = asyncio.create_task(server.keep_alive(ballast=_ballast(settings, server)))
    try:
        await migrate(server.owner_connect_args)
        async with opened(settings, server) as resources:
            await _parts(resources, server, web=web, worker=worker, say=say, ready=ready)
    finally:
        caring.cancel()
        await asyncio.to_thread(server.stop)


async def _parts(
    resources: Resources,
    server: postgres.Server,
    *,
    web: bool,
    worker: bool,
    say: Say,
    ready: Callable[[], Awaitable[None]] | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connect = connector(server)
    hub = Hub(resources, connect)
    tasks = [asyncio.create_task(hub.run(stop))]
    if worker:
        tasks.append(asyncio.create_task(work(resources, hub, stop, connect)))
        tasks.append(asyncio.create_task(show_presence(connect, stop)))
    if web:
        tasks.append(asyncio.create_task(_serve(resources, hub, stop, say)))
    if ready:
        tasks.append(asyncio.create_task(ready()))  # type: ignore[arg-type]
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *tasks[: -1 if ready else None]], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for task in done - {waiting}:
        if error := task.exception():
            log.error("a part of the process ended", error=repr(error), exc_info=error)
    _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(resources: Resources, hub: Hub, stop: asyncio.Event, say: Say) -> None:
    watch = Watch(resources)
    app = http.create(resources, hub=hub, intake=Intake(resources.db, resources.disk), watch=watch)
    sockets = serving.given() or [serving.opened(resources.settings)]
    say(f"Frontdesk is at {resources.settings.url}")
    watching = asyncio.create_task(watch.run(stop))
    try:
        await serving.serve(app, sockets, stop)
    finally:
        watching.cancel()
