"""A worker that works is seen to be alive, also when a router forgot the connection that shows it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from faults.proxy import Proxy
from faults.test_faults_database import behind, proxy
from frontdesk.app import presence
from frontdesk.app.figures import WORKER_LOCK
from frontdesk.kit.transaction import Database

__all__ = ["proxy"]

_HOLDS = "select exists(select from pg_locks where locktype = 'advisory' and objid = $1 and pid = $2 and granted)"


async def test_presence_is_shown_again_after_a_silence(
    live_db: Database, proxy: Proxy, place: tuple[dict[str, Any], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may have given the lock up long ago, and nobody would ever say so on that line."""
    monkeypatch.setattr(presence, "SILENCE", 0.2)
    monkeypatch.setattr(presence, "AGAIN", 0.01)
    made: list[Any] = []

    async def connect() -> Any:
        made.append(await asyncpg.connect(**behind(proxy, place)))
        return made[-1]

    async def until_shown(connections: int) -> None:
        async with asyncio.timeout(60), live_db.across() as tx:
            while len(made) < connections or not await tx.fetchval(_HOLDS, WORKER_LOCK, made[-1].get_server_pid()):
                await asyncio.sleep(0.01)

    stop = asyncio.Event()
    showing = asyncio.create_task(presence.show_presence(connect, stop))
    try:
        await until_shown(1)
        proxy.strike("hang")
        await until_shown(2)
    finally:
        stop.set()
        await asyncio.wait_for(showing, 60)
