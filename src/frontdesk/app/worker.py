"""The worker: it keeps inboxes' own connections, ingests what came in, sends what is due, and minds the clocks."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog

from frontdesk.app.listening import Listeners
from frontdesk.conversations.actions import claims
from frontdesk.conversations.handlers import clocks, dispatch, ingest
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import fetch, jobs
from frontdesk.kit.context import Resources
from frontdesk.kit.losses import AWAY
from frontdesk.kit.transaction import Row
from frontdesk.kit.waits import first
from frontdesk.realtime.queries.hub import Hub

IDLE = 5.0  # seconds after which the worker looks even if no bell rang
SNOOZE_EVERY = 5.0
BEHIND = 0.2  # when all that is due waits for what is under way, which rings the bell, or for its inbox's rate
RECONCILE_EVERY = 300.0  # and as long may one inbox's provider take
RECONCILE_TOGETHER = 8  # inboxes side by side: one provider that hangs delays no other inbox
SWEEP_EVERY = 3600.0
AGAIN = 0.25  # seconds to wait when the database does not answer, give or take a half

log = structlog.get_logger()


async def work(
    resources: Resources, hub: Hub, stop: asyncio.Event, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]
) -> None:
    """Run until ``stop``; what is under way is finished first. A part that fails stops the others, and is told then."""
    fetch.close_own(resources.settings.url)
    bell = hub.bell()
    under_way = UnderWay(bell.set)
    set_back = clocks.SetBack()
    tasks = [
        asyncio.create_task(_whenever(hub.bell(), stop, "ingest", lambda: _ingest(resources))),
        asyncio.create_task(_whenever(bell, stop, "dispatch", lambda: _dispatch(resources, under_way))),
        asyncio.create_task(_every(SNOOZE_EVERY, stop, "snooze", lambda: clocks.end_snoozes(resources))),
        asyncio.create_task(_every(SNOOZE_EVERY, stop, "set back", lambda: set_back.look(resources))),
        asyncio.create_task(_every(SNOOZE_EVERY, stop, "release", lambda: clocks.release(resources))),
        asyncio.create_task(_every(SNOOZE_EVERY, stop, "make way", lambda: clocks.make_way(resources))),
        asyncio.create_task(_every(RECONCILE_EVERY, stop, "reconcile", lambda: _reconcile(resources))),
        asyncio.create_task(_every(SWEEP_EVERY, stop, "sweep", lambda: clocks.sweep(resources))),
        asyncio.create_task(_jobs(resources, stop, connect)),
        asyncio.create_task(Listeners(resources, connect).run(stop)),
    ]
    failed: Exception | None = None
    try:
        await asyncio.gather(*tasks)
    except Exception as error:
        failed = error
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.suppress(Exception):  # it is in the log already
        await under_way.settled()
    if failed:
        raise failed


async def _ingest(resources: Resources) -> float:
    while await ingest.ingest(resources):  # noqa: ASYNC110  (no waiting: others get their turn between two rounds)
        await asyncio.sleep(0)
    return IDLE


async def _dispatch(resources: Resources, under_way: UnderWay) -> float:
    """Send what is due; returns how long nothing will be."""
    while await dispatch.dispatch(resources, under_way):  # noqa: ASYNC110  (no waiting: others get their turn between two rounds)
        await asyncio.sleep(0)
    async with resources.db.across() as tx:
        left = await claims.next_due(tx)
    if left is None:
        return IDLE
    return min(IDLE, max(0.02, left)) if left > 0 else BEHIND


async def _whenever(bell: asyncio.Event, stop: asyncio.Event, name: str, run: Callable[[], Awaitable[float]]) -> None:
    """Run at every ring of the bell, and after as many seconds as the last run said."""
    while not stop.is_set():
        bell.clear()
        try:
            pause = await run()
        except AWAY as error:
            log.warning("the database does not answer", loop=name, error=repr(error))
            pause = AGAIN * (0.5 + random.random())  # noqa: S311
        except Exception as error:
            log.error("a loop of the worker failed and goes on", loop=name, error=repr(error), exc_info=error)
            pause = AGAIN
        await first(bell, stop, timeout=pause)


async def _every(seconds: float, stop: asyncio.Event, name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run now and then."""
    never = asyncio.Event()

    async def once() -> float:
        await run()
        return seconds

    await _whenever(never, stop, name, once)


async def _reconcile(resources: Resources) -> None:
    """Ask every provider that can be asked what it has."""
    if resources.disk.full():
        return
    async with resources.db.across() as tx:
        rows = await inboxes.active_across(tx)
    room = asyncio.Semaphore(RECONCILE_TOGETHER)

    async def one(row: Row) -> None:
        async with room:
            try:
                async with asyncio.timeout(RECONCILE_EVERY):
                    await clocks.reconcile(resources, row)
            except (asyncpg.PostgresError, asyncpg.InterfaceError):
                raise
            except Exception as error:
                log.warning("an inbox could not be compared with its provider", inbox=row["id"], error=repr(error))

    outcomes = await asyncio.gather(*(one(row) for row in rows), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _jobs(
    resources: Resources, stop: asyncio.Event, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]
) -> None:
    while not stop.is_set():
        try:
            await jobs.work(resources, stop, connect)
        except Exception as error:
            log.warning("the queue of jobs lost its connection", error=repr(error))
            await first(stop, timeout=1.0)
