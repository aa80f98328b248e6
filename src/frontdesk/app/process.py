"""Opening what a process needs, and running the parts of the product in it until somebody says stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from frontdesk.app import http, serving
from frontdesk.app.alerts import Watch
from frontdesk.app.intake import Intake
from frontdesk.app.migrate import migrate
from frontdesk.app.presence import show_presence
from frontdesk.app.starting import Say
from frontdesk.app.worker import work
from frontdesk.kit import jobs, postgres
from frontdesk.kit.context import Resources
from frontdesk.kit.disk import Ballast, Disk
from frontdesk.kit.errors import Refused
from frontdesk.kit.fetch import open_networks
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.realtime.queries.hub import Hub

WORKER_LISTEN = "127.0.0.1:8081"  # where a worker of its own says how it is, unless the settings say otherwise
STOP_SECONDS = 15  # in which requests and sendings under way may end; then the database needs a few to stop

log = structlog.get_logger()
Serve = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


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
    server: postgres.Server,
    *,
    web: bool,
    worker: bool,
    say: Say,
    ready: Callable[[], Awaitable[None]] | None,
    settled: Callable[[], None],
) -> None:
    """Web and worker (or one of them) on a database that runs, until SIGTERM or SIGINT. ``settled`` is called when
    everything that stays is there."""
    open_networks(settings.allow_private)
    caring = asyncio.create_task(server.keep_alive(ballast=_ballast(settings, server)))
    try:
        await migrate(server.owner_connect_args)
        async with opened(settings, server) as resources:
            await _parts(resources, server, web=web, worker=worker, say=say, ready=ready, settled=settled)
    finally:
        caring.cancel()


async def _parts(
    resources: Resources,
    server: postgres.Server,
    *,
    web: bool,
    worker: bool,
    say: Say,
    ready: Callable[[], Awaitable[None]] | None,
    settled: Callable[[], None],
) -> None:
    stop, asked = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    connect = connector(server)
    hub = Hub(resources, connect)
    serve = _web(resources, hub, say) if web else _probes(resources)
    settled()
    parts = [asyncio.create_task(hub.run(stop))]
    if serve:
        parts.append(asyncio.create_task(serve(stop)))
    if worker:
        parts.append(asyncio.create_task(work(resources, hub, stop, connect)))
        parts.append(asyncio.create_task(show_presence(connect, stop)))
    for part in parts:
        part.add_done_callback(_told)
    tasks = [*parts, asyncio.create_task(ready())] if ready else parts  # type: ignore[arg-type]
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait([waiting, *parts], return_when=asyncio.FIRST_COMPLETED)
    by_itself = not asked.is_set()
    stop.set()
    _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
    for task in [waiting, *late]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if by_itself:  # whoever supervises us must see that this was no orderly end
        errors = [error for part in parts if not part.cancelled() and (error := part.exception())]
        why = repr(errors[0]) if errors else "without an error"
        raise SystemExit(f"A part of Frontdesk ended ({why}), and all of it with that. The log says more.")


def _told(part: asyncio.Task[None]) -> None:
    if not part.cancelled() and (error := part.exception()):
        log.error("a part of the process ended", error=repr(error), exc_info=error)


def _web(resources: Resources, hub: Hub, say: Say) -> Serve:
    watch = Watch(resources)
    app = http.create(resources, hub=hub, intake=Intake(resources.db, resources.disk), watch=watch)
    sockets = serving.given() or [serving.opened(resources.settings)]
    say(f"Frontdesk is at {resources.settings.url}")

    async def serve(stop: asyncio.Event) -> None:
        aside = [asyncio.create_task(watch.run(stop)), asyncio.create_task(asyncio.to_thread(jobs.read))]
        try:
            await serving.serve(app, sockets, stop)
        finally:
            for task in aside:
                task.cancel()

    return serve


def _probes(resources: Resources) -> Serve | None:
    """What a worker of its own answers. Several on one machine need an address each: without one that was asked for,
    whoever comes second goes without."""
    wanted = resources.settings.worker_listen
    host, _, port = (wanted or WORKER_LISTEN).rpartition(":")
    try:
        sockets = serving.given() or [serving.bound(host.strip("[]"), int(port), "FRONTDESK_WORKER_LISTEN")]
    except SystemExit as taken:
        if wanted:
            raise
        log.warning("this worker answers no /livez, /readyz and /metrics", why=str(taken))
        return None
    return partial(serving.serve, http.probes(resources), sockets)
