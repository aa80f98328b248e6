"""Background work that is neither ingest nor sending, on pgqueuer.

It is enqueued on the transaction's own connection, so that a job exists exactly if the fact that caused it does. Jobs
run at least once: every one of them is written to be repeatable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import structlog

from frontdesk.kit.context import Resources
from frontdesk.kit.hiding import hide

if TYPE_CHECKING:
    from pgqueuer.models import Job
    from pgqueuer.qm import QueueManager
    from pgqueuer.queries import Queries

# The library is read when the first job comes, or by the worker beside everything else: a start would wait for it.

Work = Callable[..., Awaitable[None]]

JOBS: dict[str, Work] = {}
GIVEN_UP: dict[str, Work] = {}
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


def given_up(name: str) -> Callable[[Work], Work]:
    """Register what is done, with the arguments of the job, when the job is not tried any more."""

    def register(work: Work) -> Work:
        GIVEN_UP[name] = work
        return work

    return register


def read() -> None:
    """Read the library, so that whoever enqueues first does not wait for it."""
    import_module("pgqueuer.qm")


def library(connection: Any) -> Queries:
    """The library's statements, on our tables."""
    from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.domain.types import Channel
    from pgqueuer.queries import Queries

    ours = DBSettings(db_schema="jobs", channel=Channel("frontdesk_jobs"))
    return Queries(
        AsyncpgDriver(connection), QueryBuilderEnvironment(ours), QueryQueueBuilder(ours), QuerySchedulerBuilder(ours)
    )


async def enqueue(connection: Any, name: str, arguments: dict[str, Any], *, after: float = 0) -> None:
    """Insert a job on this connection, inside whatever transaction it is in. ``after`` is a delay in seconds."""
    if name not in JOBS and name != "kit.probe":
        raise KeyError(f"no handler is registered for the job {name!r}")
    delay = timedelta(seconds=after) if after else None
    await library(connection).enqueue(name, msgspec.json.encode(arguments), execute_after=delay)


async def work(
    resources: Resources, stop: asyncio.Event, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]
) -> None:
    """Run jobs until ``stop``, and the running ones to their end. ``connect`` opens the queue's own connection."""
    await asyncio.to_thread(read)
    from pgqueuer.qm import QueueManager

    connection = await connect()
    try:
        queries = library(connection)
        await queries.requeue_jobs([held.id for held in await queries.list_failed_jobs()])
        manager = QueueManager(queries)
        for name in JOBS:  # held: a job whose next attempt could not be written down waits for the next start
            manager.entrypoint(name, concurrency_limit=4, on_failure="hold")(_runner(resources, name))
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
    from pgqueuer.domain.errors import RetryRequested

    async def run(job: Job) -> None:
        arguments: dict[str, Any] = msgspec.json.decode(job.payload or b"{}")
        try:
            await JOBS[name](resources, **arguments)
        except Exception as error:
            if job.attempts < len(RETRY_AFTER):
                log.warning("job failed, will be tried again", job=name, error=repr(error), attempt=job.attempts)
                raise RetryRequested(timedelta(seconds=RETRY_AFTER[job.attempts]), hide(repr(error))) from None
            log.error("job given up", job=name, error=repr(error), arguments=arguments)
            await _give_up(resources, name, arguments)

    return run


async def _give_up(resources: Resources, name: str, arguments: dict[str, Any]) -> None:
    if name not in GIVEN_UP:
        return
    from pgqueuer.domain.errors import RetryRequested

    try:
        await GIVEN_UP[name](resources, **arguments)
    except Exception as error:  # nobody knows of the failure yet: it must not be forgotten
        raise RetryRequested(timedelta(seconds=RETRY_AFTER[-1]), hide(repr(error))) from None
