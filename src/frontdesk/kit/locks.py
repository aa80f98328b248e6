"""Locks that a process holds for as long as its connection: one at a time ingests a workspace, or listens for an inbox.

A process that dies loses its connection, and so its locks. One that hangs (stopped, swapped out, its machine asleep)
keeps both. So whoever holds such a lock says something on its connection every few seconds, and whoever finds it taken
ends a connection that has been silent for too long: its lock is free, and what its process writes when it goes on is
refused, because there is no connection to write on any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog

from frontdesk.kit.losses import gone

_TRY = "select pg_try_advisory_lock($1, $2)"
_FREE = "select pg_advisory_unlock($1, $2)"

# Silent is who waits for its process: for a word, or for the process to read an answer. A statement that runs is not
# silence. A holder is seen by the user who connected, not by the role that was taken on.
_END = """
select pg_terminate_backend(a.pid) as ended, a.state from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.classid = $1::bigint::oid and l.objid = $2::bigint::oid
  and l.objsubid = 2 and l.database = (select oid from pg_database where datname = current_database())
  and (a.state like 'idle%' or a.wait_event = 'ClientWrite')
  and a.state_change < clock_timestamp() - make_interval(secs => $3)
"""

log = structlog.get_logger()


async def take(connection: Any, kind: int, key: int, *, hung_after: float) -> bool:
    """Try to lock ``(kind, key)`` for this connection. Where a process that has been silent for so many seconds has it,
    that one's connection is ended, and the next try gets it."""
    key %= 2**31
    if await connection.fetchval(_TRY, kind, key):
        return True
    async with connection.transaction():
        await connection.execute("set local role none")
        for row in await connection.fetch(_END, kind, key, hung_after):
            log.warning("a connection that was silent with a lock was ended", kind=kind, key=key, state=row["state"])
    return False


async def free(connection: Any, kind: int, key: int) -> None:
    """Let go of it; the connection that is gone has done so already."""
    if not gone(connection):
        await connection.execute(_FREE, kind, key % 2**31)


@contextlib.asynccontextmanager
async def signs_of_life(connection: Any, *, hung_after: float) -> AsyncIterator[None]:
    """While this process works at something else than the database, which may take longer than a silence may."""

    over = asyncio.Event()

    async def say() -> None:
        while not over.is_set():
            try:
                await asyncio.wait_for(over.wait(), hung_after / 4)
            except TimeoutError:
                await connection.execute("select 1")

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        over.set()
        await saying
