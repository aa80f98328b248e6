"""A worker shows that it is alive: it holds a shared lock in the database, which goes when its connection goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from frontdesk.app.figures import WORKER_LOCK
from frontdesk.kit.losses import AWAY
from frontdesk.kit.waits import first

AGAIN = 1.0  # seconds until it is tried again when the database is away
SILENCE = 10.0  # seconds until the connection is asked whether it lives, and then for an answer


async def show_presence(connect: Callable[[], Awaitable[asyncpg.Connection[Any]]], stop: asyncio.Event) -> None:
    """Until ``stop``."""
    while not stop.is_set():
        try:
            await _hold(await connect(), stop)
        except AWAY:
            await asyncio.sleep(AGAIN)


async def _hold(connection: asyncpg.Connection[Any], stop: asyncio.Event) -> None:
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    try:
        await connection.execute("select pg_advisory_lock_shared($1)", WORKER_LOCK)
        while not await first(stop, gone, timeout=SILENCE):
            await connection.execute("select 1", timeout=SILENCE)  # a line that died without a word holds no lock
    finally:
        if not connection.is_closed():
            await connection.close(timeout=2)
