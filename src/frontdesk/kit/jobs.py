"""Background work that is neither ingest nor sending, on pgqueuer.

It is enqueued on the transaction's own connection, so that a job exists exactly if the fact that caused it does. Jobs
run at least once: every one of them is written to be repeatable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import structlog
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.db import AsyncpgDriver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from frontdesk.kit.context import Resources

Work = Callable[..., Awaitable[None]]

JOBS: dict[str, Work] = {}
SETTINGS = DBSettings(db_schema="jobs", channel=Channel("frontdesk_jobs"))
RETRY_AFTER = (5, 30, 120, 600, 3600, 6 * 3600)  # seconds between attempts of a job that raised

log = structlog.get_logger()


def job(name: str) -> Callable[[Work], Work]:
    """Register a handler as ``room.verb``. It is called with Resources and the keyword arguments of ``Tx.defer``."""

    def register(work: Work) -> Work:
        if name in JOBS:
            raise ValueError(f"two jobs are called {name}")
        JOBS[name] = work
        return work

    return register


def _queries(connection: Any) -> Queries:
    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(SETTINGS), QueryQueueBuilder(SETTINGS), QuerySchedulerBuilder(SETTINGS),
    )  # fmt: skip


async def enqueue(connection: Any, name: str, arguments: dict[str, Any], *, after: float = 0) -> None:
    """Insert a job on this connection, inside whatever transaction it is in. ``after`` is a delay in seconds."""
    if name not in JOBS and name != "kit.probe":
        raise KeyError(f"no handler is registered for the job {name!r}")
    delay = timedelta(seconds=after) if after else None
    await _queries(connection).enqueue(name, msgspec.json.encode(arguments), execute_after=delay)


async def work(
    resources: Resources, stop: asyncio.Event, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]
) -> None:
    """Run jobs until ``stop``, and the running ones to their end. ``connect`` opens the queue's own connection."""
    connection = await connect()
    try:
        manager = QueueManager(_queries(connection))
        for name in JOBS:
            manager.entrypoint(name, concurrency_limit=4)(_runner(resources, name))
        ending = asyncio.create_task(_end(manager, stop))
        try:
            await manager.run(dequeue_timeout=timedelta(seconds=5), batch_size=10)
        finally:
            ending.cancel()
    finally:
        await connection.close()


async def _end(manager: QueueManager, stop: asyncio.Event) -> None:
    await stop.wait()
    manager.shutdown.set()


def _runner(resources: Resources, name: str) -> Callable[[Job], Awaitable[None]]:
    async def run(job: Job) -> None:
        arguments: dict[str, Any] = msgspec.json.decode(job.payload or b"{}")
        attempt = int(arguments.pop("_attempt", 0))
        try:
            await JOBS[name](resources, **arguments)
        except Exception as error:
            if attempt >= len(RETRY_AFTER):
                log.error("job given up", job=name, error=repr(error), arguments=arguments)
                return
            log.warning("job failed, will be tried again", job=name, error=repr(error), attempt=attempt)
            async with resources.db.pool.acquire() as connection:
                await enqueue(connection, name, {**arguments, "_attempt": attempt + 1}, after=RETRY_AFTER[attempt])

    return run
